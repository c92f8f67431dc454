"""A failed run loses nothing, and one command brings the last commit's state back."""

from pathlib import Path

import pytest
from conftest import Project
from helpers import Copy, copy_project
from spoil import swap
from typed import BACK, LOSE

RAW = "data/raw/penguins.csv"


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Copy:
    return copy_project(project, tmp_path / "penguins")


def back(copy: Copy, names: str = "params.yaml") -> None:
    """Type the command of the page, where all that a run may take away is missing."""
    command = BACK.replace("uv run ", "").replace("params.yaml", names)
    copy.run("sh", "-c", f"{LOSE} && {command}")


def test_a_failed_experiment_changes_one_line_and_is_taken_back(copy: Copy) -> None:
    before = copy.outputs()
    failed = copy.run("dvc", "exp", "run", "-S", "train.arguments.n_estimators=-5", check=False)
    assert failed.returncode != 0
    changed = copy.git("diff", "-U0", "params.yaml").split("\n@@")[1:]
    assert [hunk.splitlines()[1:] for hunk in changed] == [
        ["-    n_estimators: 100", "+    n_estimators: -5"]
    ]
    assert copy.outputs() == before

    back(copy)
    assert copy.changed() == []
    assert copy.outputs() == before
    copy.run("dvc", "status", "--quiet")


def test_a_refused_table_is_taken_back(copy: Copy) -> None:
    before, table = copy.outputs(), (copy.path / RAW).read_bytes()
    swap(RAW, "39.1", "long", 1)(copy.path)
    assert copy.run("dvc", "repro", check=False).returncode != 0
    assert copy.outputs() == before

    back(copy, "params.yaml data")
    assert copy.changed() == []
    assert copy.outputs() == before
    assert (copy.path / RAW).read_bytes() == table
    copy.run("dvc", "status", "--quiet")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        # With a stage before that has to run: its data has changed as well.
        (
            {"data.csv.missing": ["", "NA", "?"], "train.arguments": {"n_estimator": 5}},
            "has no keyword 'n_estimator': did you mean 'n_estimators'?",
        ),
        (
            {"prepare.split.seed": 7, "train.arguments": {"n_estimators": -5}},
            "RandomForestClassifier cannot be fitted: The 'n_estimators' parameter",
        ),
        # The packages of another estimator are looked up first.
        (
            {"train.estimator": "sklearn.svm.SVC", "train.arguments": {"c": 1}},
            "train.arguments.c in params.yaml: SVC has no keyword 'c'",
        ),
        (
            {"train.seed": 1, "evaluate.metric": "accurracy"},
            "evaluate.metric in params.yaml: 'accurracy' is none of the classification metrics",
        ),
        (
            {"train.seed": 1, "train.threshold": {"tune": "f2"}},
            "train.threshold.tune in params.yaml: 'f2' is none of the classification metrics",
        ),
    ],
)
def test_params_are_refused_before_any_stage_writes(
    copy: Copy, values: dict[str, object], says: str
) -> None:
    before = copy.outputs()
    copy.set_params(values)
    done = copy.run("dvc", "repro", check=False)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert copy.outputs() == before  # dvc.lock among them
    assert copy.changed() == [" M params.yaml"]


def test_a_stage_that_fails_brings_back_what_dvc_took_away(copy: Copy) -> None:
    """Files of Git's and of DVC's, those of the last run that nobody has committed as well."""
    copy.set_params({"train.arguments.n_estimators": 5})
    copy.repro()
    before = copy.outputs()
    page = copy.path / "penguins/evaluate.py"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("    task = params", "    1 / 0\n    task = params"), "utf-8")
    assert "ZeroDivisionError" in copy.run("dvc", "repro", check=False).stderr
    assert copy.outputs() == before
    page.write_text(text, encoding="utf-8")
    copy.run("dvc", "status", "--quiet")


def test_params_are_laid_out_as_dvc_writes_them(project: Project) -> None:
    """So that `dvc exp run -S` and `exp apply` change only the lines of their params."""
    script = (
        "import io; from pathlib import Path; from ruamel.yaml import YAML\n"
        "text = Path('params.yaml').read_text(encoding='utf-8'); out = io.StringIO()\n"
        "yaml = YAML(); yaml.dump(yaml.load(text), out); assert out.getvalue() == text\n"
    )
    project.run("python", "-c", script)
