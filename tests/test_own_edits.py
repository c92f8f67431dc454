"""The edits that the generated README invites: the project's own tests and linters still pass."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Project
from helpers import QUICK, Copy, copy_project
from test_datasets import WRITE

COLUMN = 'table.with_columns(bill_ratio=pl.col("bill_length_mm") / pl.col("bill_depth_mm"))'
# A step for one column of this table, which the tables of the tests lack.
STEP = """        ("numbers", _numbers(knobs.numbers), list(features.numbers)),
        ("mass", PowerTransformer(), ["body_mass_g"]),"""
STAGE = """
  top:
    cmd: python top.py
    params: [top]
    deps: [reports/scores.csv, top.py]
    outs: [reports/top.csv]

# The models that have versions"""
SCRIPT = '''"""Keep the first scores."""

from pathlib import Path

rows = Path("reports/scores.csv").read_text(encoding="utf-8").splitlines()[:3]
Path("reports/top.csv").write_text("\\n".join(rows), encoding="utf-8")
'''
SECTION = '''class Top(Section):
    """Knobs of the stage `top`."""

    rows: int


class Params(Section):
    """The whole of params.yaml."""

    top: Top
'''


def edit(copy: Copy, name: str, *changes: tuple[str, str]) -> None:
    path = copy.path / name
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, f"{name}: {old}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def a_column(copy: Copy) -> None:
    edit(
        copy, "penguins/data.py", ('    """\n    return table\n', f'    """\n    return {COLUMN}\n')
    )


def a_metric(copy: Copy) -> None:
    """What the docstring of metrics.py says."""
    imported = "from sklearn.metrics import explained_variance_score, matthews_corrcoef\n"
    edit(
        copy,
        "penguins/metrics.py",
        ("import numpy as np\n", f"import numpy as np\n{imported}"),
        (
            '    "brier": brier,\n',
            '    "brier": brier,\n    "mcc": from_sklearn(matthews_corrcoef),\n',
        ),
        ('    "r2": r2,\n', '    "r2": r2,\n    "ev": from_sklearn(explained_variance_score),\n'),
    )


def a_step(copy: Copy) -> None:
    edit(
        copy,
        "penguins/model.py",
        (STEP.splitlines()[0], STEP),
        ("    OrdinalEncoder,\n    R", "    OrdinalEncoder,\n    PowerTransformer,\n    R"),
    )


def a_stage(copy: Copy) -> None:
    edit(copy, "dvc.yaml", ("\n# The models that have versions", STAGE))
    edit(
        copy,
        "penguins/params.py",
        (SECTION.split("\n\n\n")[1].removesuffix("    top: Top\n"), SECTION),
    )
    (copy.path / "top.py").write_text(SCRIPT, encoding="utf-8")
    copy.set_params({"top": {"rows": 3}})


def another_estimator(copy: Copy) -> None:
    name = "sklearn.ensemble.HistGradientBoostingClassifier"
    copy.set_params({"train.estimator": name, "train.arguments": {"max_iter": 10}})


def another_table(copy: Copy) -> None:
    copy.run("python", "-c", WRITE, "diabetes", "data/raw/diabetes.csv")
    copy.run("dvc", "add", "--quiet", "data/raw/diabetes.csv")
    copy.set_params(
        {
            "data.path": "data/raw/diabetes.csv",
            "data.task": "regression",
            "data.target": "target",
            "prepare.split.method": "random",
            "train.estimator": "sklearn.linear_model.Ridge",
            "train.arguments": {},
            "evaluate.slices": [],
        }
    )
    copy.run("python", "-m", "penguins.propose", "--force")


def other_settings(copy: Copy) -> None:
    copy.set_params(
        {
            "train.seed": 5,
            "train.preprocessing": {
                "numbers": {"impute": "none", "scale": "robust"},
                "categories": {"impute": "own_category", "encode": "ordinal", "max_categories": 9},
            },
            "prepare.split": {"method": "group", "test_size": 0.3, "seed": 3, "column": "island"},
            "evaluate.slices": ["island", "year"],
        }
    )


# What one test does alone would take the whole suite, a minute, each: the two tables differ in all.
EDITS: dict[str, list[Callable[[Copy], None]]] = {
    "penguins": [a_column, a_step, a_metric, a_stage, another_estimator, other_settings],
    "another table": [a_metric, another_table],
}


@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS.keys())
def test_lint_and_tests_pass_after_documented_edits(
    project: Project, tmp_path: Path, edits: list[Callable[[Copy], None]]
) -> None:
    copy = copy_project(project, tmp_path / "penguins")
    copy.set_params(QUICK)
    for change in edits:
        change(copy)
        copy.run("ruff", "check", "--no-cache")
        copy.run("ruff", "format", "--no-cache", "--check")
    copy.repro()
    copy.run("mypy")
    copy.run("python", "-m", "penguins.freshness")
    copy.run("pytest", "--quiet", "-p", "no:cacheprovider")
