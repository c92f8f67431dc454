"""Other tables need edits to params.yaml alone: scikit-learn's own data reach the usual scores."""

import shutil
from pathlib import Path

import pytest
from conftest import Project
from helpers import OWN_CARD, Copy, copy_project

WRITE = """
import sys
from sklearn import datasets
table = getattr(datasets, f"load_{sys.argv[1]}")()
names = list(getattr(table, "feature_names", range(table.data.shape[1])))
with open(sys.argv[2], "w", encoding="utf-8", newline="") as file:
    print(*(f'"{name}"' for name in names), "target", sep=",", file=file)
    for row, target in zip(table.data.tolist(), table.target.tolist()):
        print(*row, target, sep=",", file=file)
"""
TABLES = [
    ("iris", "classification", "accuracy", 0.9),
    ("wine", "classification", "accuracy", 0.9),
    ("breast_cancer", "classification", "accuracy", 0.9),
    ("digits", "classification", "accuracy", 0.95),
    ("diabetes", "regression", "r2", 0.35),
]
FORESTS = {"classification": "RandomForestClassifier", "regression": "RandomForestRegressor"}


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Copy:
    return copy_project(project, tmp_path / "penguins")


@pytest.mark.parametrize(("name", "task", "metric", "least"), TABLES)
def test_bundled_table(copy: Copy, name: str, task: str, metric: str, least: float) -> None:
    path = f"data/raw/{name}.csv"
    copy.run("python", "-c", WRITE, name, path)
    copy.run("dvc", "add", "--quiet", path)
    copy.set_params(
        {
            **OWN_CARD,
            "data.path": path,
            "data.task": task,
            "data.target": "target",
            "prepare.split.method": "stratified" if task == "classification" else "random",
            "train.estimator": f"sklearn.ensemble.{FORESTS[task]}",
            "train.cross_validation": 0,
            "evaluate.slices": [],
        }
    )
    copy.run("model", "schema", "--force")
    copy.repro()
    assert copy.read("metrics/evaluate.json")["test"][metric] >= least
    copy.run("dvc", "status", "--quiet")


def test_a_table_with_odd_names_and_a_grouped_split(copy: Copy) -> None:
    rows = [f'{i // 5};{i * 37 % 100},5;"a; ""b""";{"yn"[i * 37 % 100 > 50]}' for i in range(200)]
    header = '"the group";"größe, ""in"" cm";"note; x";"say ""y"""'
    (copy.path / "data/raw/odd.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    copy.set_params(
        {
            **OWN_CARD,
            "data.path": "data/raw/odd.csv",
            "data.csv.separator": ";",
            "data.csv.decimal": ",",
            "data.csv.missing": [""],
            "data.target": 'say "y"',
            "data.features.exclude": ["note; x"],
            "prepare.split": {
                "method": "group",
                "test_size": 0.25,
                "seed": 0,
                "column": "the group",
                "equal_features": "apart",
            },
            "train.cross_validation": 3,
            "evaluate.slices": [],
        }
    )
    copy.run("model", "schema", "--force")
    copy.repro()
    assert copy.read("metrics/evaluate.json")["test"]["accuracy"] > 0.9
    # The project's own test: no group is on both sides.
    shutil.rmtree(copy.path / ".pytest_cache", ignore_errors=True)
    assert "passed" in copy.run("pytest", "-q", "tests/test_data.py", "-k", "no_row").stdout
