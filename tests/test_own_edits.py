"""What docs/changes.md shows how to change: done as it says, one by one and all together."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from conftest import Project
from helpers import OWN_CARD, QUICK, Copy, copy_project, in_long_form
from pages import consoles, follow, page, section
from test_datasets import WRITE

HOW_TO = page("docs/changes.md") + page("docs/estimators.md")
FEATURE = "A feature"
ESTIMATOR = "Another estimator"
METRIC = "A metric"
JOIN = "Join a second table on a page"
JOINED_FEATURE = "A feature out of a second table"
STAGE = "A step of your own, with a section of params"
# A table for the feature that its part of the page only refers to.
ISLANDS = "island,temperature\nBiscoe,-2.1\nDream,-3.4\nTorgersen,-3.9\n"
ALL = ["prepare", "train", "evaluate", "card"]


def part(title: str) -> str:
    """Return what stands below a title of the pages."""
    return section(HOW_TO, title)


def change(copy: Copy, title: str) -> None:
    """Do what a part of a page says; what comes out has to be clean as it is."""
    follow(copy.path, part(title))
    for block in consoles(part(title)):
        for command in block:
            copy.run("sh", "-c", command.replace("uv run ", ""))
    copy.run("ruff", "check", "--no-cache")
    copy.run("ruff", "format", "--no-cache", "--check")


def hurry(copy: Copy) -> None:
    """Small models and short intervals, for whatever estimator."""
    copy.set_params({key: value for key, value in QUICK.items() if key != "train.arguments"})


def own_tests(copy: Copy, *options: str, check: bool = True) -> str:
    """Run the project's own tests, on the code of the copy."""
    done = copy.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, check=check)
    return done.stdout


def lint(copy: Copy) -> None:
    copy.run("ruff", "check", "--no-cache")
    copy.run("ruff", "format", "--no-cache", "--check")
    copy.run("mypy")
    copy.run("lint-imports", "--no-cache")
    copy.run("python", "-m", "mlrepo.commands", "status")


def predict(copy: Copy, *options: str, check: bool = True) -> str:
    """Predict for the penguins; return what is said on the way to the file."""
    table, output = "data/raw/penguins.csv", "../predictions.csv"
    command = ("python", "-m", "mlrepo.commands", "predict", table, "-o", output, *options)
    done = copy.run(*command, check=check)
    return done.stdout + done.stderr


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Copy:
    return copy_project(project, tmp_path / "penguins")


def test_a_feature_is_learned_from_and_predicted_with(copy: Copy) -> None:
    change(copy, FEATURE)
    hurry(copy)
    assert copy.repro().ran == ALL
    assert "bill_ratio" in (copy.path / "reports/plots/importance.csv").read_text(encoding="utf-8")
    assert "344 rows predicted" in predict(copy)


def test_another_estimator_is_fitted(copy: Copy) -> None:
    change(copy, ESTIMATOR)
    hurry(copy)
    # env.json has the package of the estimator under a name of its own.
    assert copy.repro().ran == ["environment", *ALL[1:]]
    assert "HistGradientBoostingClassifier" in "\n".join(copy.lines("MODEL_CARD.md"))


def test_a_metric_is_measured(copy: Copy) -> None:
    change(copy, METRIC)
    hurry(copy)
    assert copy.repro().ran == ALL[1:]
    assert "matthews" in copy.read("metrics/evaluate.json")["test"]
    assert "matthews" in copy.run("python", "-m", "mlrepo.commands", "scores").stdout


def test_a_column_that_a_page_joins_is_good_for_slices_alone(copy: Copy) -> None:
    change(copy, JOIN)
    hurry(copy)
    assert copy.repro().ran == ALL
    scores = pl.read_csv(copy.path / "reports/scores.csv")
    assert set(scores.filter(slice="station")["value"]) == {"north", "south"}
    assert "344 rows predicted" in predict(copy)

    # What the page says of a model that reads it.
    copy.set_params({"data.features.exclude": []})
    copy.repro()
    assert "the model reads ['station'], which the table lacks" in predict(copy, check=False)
    said = own_tests(copy, "tests/test_data.py", check=False)
    assert "name it in data.features.exclude" in said

    # Another second table makes it stale; a key that is there twice is refused.
    table = copy.path / "data/raw/islands.csv"
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace("north", "east"), encoding="utf-8")
    copy.run("dvc", "add", "--quiet", "data/raw/islands.csv")
    assert "prepare" in copy.repro().ran
    table.write_text(f"{text}Dream,west\n", encoding="utf-8")
    done = copy.run("python", "-m", "mlrepo", "prepare", check=False)
    assert done.returncode == 2
    assert "come out of the 344 of data/raw/penguins.csv: a join finds" in done.stderr
    # A column of the second table splits nothing.
    table.write_text(text, encoding="utf-8")
    copy.set_params({"prepare.split.method": "group", "prepare.split.column": "station"})
    done = copy.run("python", "-m", "mlrepo", "prepare", check=False)
    assert "prepare.split.column in params.yaml names 'station', which the table" in done.stderr


def test_a_feature_out_of_a_second_table_is_predicted_with(copy: Copy) -> None:
    (copy.path / "data/raw/islands.csv").write_text(ISLANDS, encoding="utf-8")
    copy.run("dvc", "add", "--quiet", "data/raw/islands.csv")
    follow(copy.path, the_dep())
    change(copy, JOINED_FEATURE)
    hurry(copy)
    assert copy.repro().ran == ALL
    assert "temperature" in (copy.path / "reports/plots/importance.csv").read_text(encoding="utf-8")
    assert "344 rows predicted by unregistered" in predict(copy)
    assert " passed" in own_tests(copy)

    # Of a version, schema, params and data.py are its own, and not the second table.
    copy.commit("A feature out of a second table")
    model = ("python", "-m", "mlrepo.commands")
    copy.run(*model, "push")
    copy.run(*model, "register", "-m", "A feature out of a second table")
    released = copy.read("mlrepo/MANIFEST.json")["version"]
    record = copy.json(*model, "record", "v1")
    assert record["environment"]["library"]["version"] == released
    assert "344 rows predicted by v1.0.0" in predict(copy, "--version", "v1")
    (copy.path / "data/raw/islands.csv").unlink()
    refused = predict(copy, "--version", "v1", check=False)
    assert "data.py cannot run" in refused
    assert "islands.csv" in refused
    assert "Traceback" not in refused
    done = copy.run("python", "-m", "mlrepo", "prepare", check=False)
    assert "data.py cannot run" in done.stderr
    assert "Traceback" not in done.stderr


def the_dep() -> str:
    """Return what the page says of dvc.yaml where it joins a second table."""
    _, name, rest = part(JOIN).partition("`dvc.yaml`")
    return name + rest.partition("\n```\n")[0] + "\n```\n"


def test_a_stage_of_your_own_runs_when_its_section_changes(copy: Copy) -> None:
    change(copy, STAGE)
    assert set(copy.repro().ran) == {*ALL, "worst"}
    kept = ("models/model.skops", "metrics/evaluate.json", "MODEL_CARD.md")
    assert not [line for line in copy.changed() if line.endswith(kept)]
    assert pl.read_csv(copy.path / "reports/worst.csv").height == 3
    with (copy.path / "params.yaml").open("r+", encoding="utf-8") as file:
        text = file.read().replace("  rows: 3\n", "  rows: 2\n")
        file.seek(0)
        file.write(text)
    assert copy.repro().ran == ["worst"]
    assert pl.read_csv(copy.path / "reports/worst.csv").height == 2


def another_table(copy: Copy) -> None:
    copy.run("python", "-c", WRITE, "diabetes", "data/raw/diabetes.csv")
    copy.run("dvc", "add", "--quiet", "data/raw/diabetes.csv")
    copy.set_params(
        {
            **OWN_CARD,
            "data.path": "data/raw/diabetes.csv",
            "data.task": "regression",
            "data.target": "target",
            "prepare.split.method": "random",
            "train.estimator": "sklearn.linear_model.Ridge",
            "train.arguments": {},
            "evaluate.slices": [],
        }
    )
    copy.run("python", "-m", "mlrepo.commands", "schema", "--force")


def a_step_of_the_model(copy: Copy) -> None:
    """A step for one column of this table, which no test knows of."""
    path = copy.path / "penguins/model.py"
    text = path.read_text(encoding="utf-8")
    line = '        ("numbers", _numbers(knobs.numbers), list(features.numbers)),\n'
    assert line in text
    text = text.replace(line, f'{line}        ("mass", PowerTransformer(), ["body_mass_g"]),\n')
    text = text.replace(
        "    OrdinalEncoder,\n    R", "    OrdinalEncoder,\n    PowerTransformer,\n    R"
    )
    path.write_text(text, encoding="utf-8")


def other_settings(copy: Copy) -> None:
    copy.set_params(
        {
            "train.seed": 5,
            "train.preprocessing": {
                "numbers": {"impute": "none", "scale": "robust"},
                "categories": {"impute": "own_category", "encode": "ordinal", "max_categories": 9},
                "dates": "none",
                "texts": {},
            },
            "prepare.split": {
                "method": "group",
                "test_size": 0.3,
                "seed": 3,
                "column": "island",
                "equal_features": "apart",
            },
            "evaluate.slices": ["island", "year"],
        }
    )


@pytest.mark.parametrize(
    ("titles", "more"),
    [
        ([FEATURE, ESTIMATOR, METRIC, JOIN, STAGE], [a_step_of_the_model, hurry, other_settings]),
        pytest.param([METRIC], [hurry, another_table], marks=in_long_form),
    ],
    ids=["penguins", "another table"],
)
def test_lint_and_tests_pass_after_all_of_them(
    copy: Copy, titles: list[str], more: list[Callable[[Copy], None]]
) -> None:
    for title in titles:
        change(copy, title)
    for edit in more:
        edit(copy)
    copy.repro()
    lint(copy)
    assert " passed" in own_tests(copy)
