"""Other tables need one command: scikit-learn's own data reach the usual scores.

LONG=1 takes more of them.
"""

import shutil
from pathlib import Path

import pytest
from conftest import Project
from helpers import LONG, OWN_CARD, Copy, copy_project

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
# name, the task and the metric that `model start` is to find, and the least score
TABLES = [
    ("iris", "classification", "accuracy", 0.9),
    ("diabetes", "regression", "r2", 0.35),
    *(
        [
            ("wine", "classification", "accuracy", 0.9),
            ("breast_cancer", "classification", "accuracy", 0.9),
            ("digits", "classification", "accuracy", 0.95),
        ]
        if LONG
        else []
    ),
]
SAID = ("--purpose", "To try it", "--source", "scikit-learn", "--licence", "BSD-3-Clause")


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Copy:
    return copy_project(project, tmp_path / "penguins")


@pytest.mark.parametrize(("name", "task", "metric", "least"), TABLES)
def test_a_table_of_a_package_takes_one_command(
    copy: Copy, tmp_path: Path, name: str, task: str, metric: str, least: float
) -> None:
    table = tmp_path / f"{name}.csv"
    copy.run("python", "-c", WRITE, name, str(table))
    before = (copy.path / "params.yaml").read_text(encoding="utf-8").splitlines()
    refused = copy.run("model", "start", str(table), *SAID, check=False)
    assert (refused.returncode, copy.changed()) == (2, [])
    assert "no terminal to ask in, so give --target (" in refused.stderr
    done = copy.run("model", "start", str(table), "--target", "target", *SAID)
    assert f"\n{metric} " in done.stdout
    assert copy.read("metrics/evaluate.json")["test"][metric] >= least
    copy.run("dvc", "status", "--quiet")
    after = (copy.path / "params.yaml").read_text(encoding="utf-8").splitlines()
    assert f"  task: {task}" in after
    assert [line for line in after if "#" in line] == [line for line in before if "#" in line]


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
