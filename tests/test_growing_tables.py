"""Tables that grow: a split by time, and a folder of parts; all of it through DVC."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from helpers import OWN_CARD, QUICK, Copy, clone, copy_project, in_long_form
from spoil import swap

PARTS = "data/raw/parts"

# Four rows a day, the days not in their order. In the last five, the kind c is new.
DAYS = sorted(range(50), key=lambda day: day * 17 % 50)
ROWS = [
    (date(2024, 1, 1) + timedelta(day), hour, "ab"[hour % 2] if day < 45 else "c", "ny"[hour // 2])
    for hour in range(4)
    for day in DAYS
]

WRITE_A_PART = """
import sys
from pathlib import Path
import polars as pl
path, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
number = pl.int_range(first, first + count, eager=True)
kinds = ["round", "square", None]
table = pl.DataFrame({
    "id": number * 7919 % 100_003,
    "size": (number * 37 % 101) / 7,
    "shape": [kinds[n % 3] for n in number],
    "sold": number * 37 % 101 > 50,
})
Path(path).parent.mkdir(exist_ok=True)
table.write_parquet(path)
"""
READ = """
import json, sys
import polars as pl
sides = {side: pl.read_parquet(f"data/prepared/{side}.parquet") for side in ("train", "test")}
json.dump({side: table[sys.argv[1]].cast(pl.String).to_list() for side, table in sides.items()}, sys.stdout)
"""  # noqa: E501


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Copy:
    return copy_project(project, tmp_path / "penguins")


def column(copy: Copy, name: str) -> dict[str, list[str]]:
    """The values of a column in train and test, as they are in the Parquet files."""
    sides: dict[str, list[str]] = json.loads(copy.run("python", "-c", READ, name).stdout)
    return sides


def use(copy: Copy, path: str, split: dict[str, Any], **data: Any) -> None:
    """Do what the README says of an own table, up to the run."""
    copy.run("dvc", "add", "--quiet", path)
    copy.set_params(
        {
            **QUICK,
            **OWN_CARD,
            "data.path": path,
            "evaluate.slices": [],
            "prepare.split": {
                "test_size": 0.2,
                "seed": 0,
                "column": None,
                "equal_features": "apart",
                **split,
            },
            **{f"data.{key}": value for key, value in data.items()},
        }
    )
    copy.run("model", "schema", "--force")


@pytest.fixture(scope="module")
def by_time(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The table of ROWS, divided by its days; the run is done."""
    copy = copy_project(project, tmp_path_factory.mktemp("time") / "penguins")
    lines = [",".join(map(str, row)) for row in [("day", "hour", "kind", "late"), *ROWS]]
    (copy.path / "data/raw/sales.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    use(copy, "data/raw/sales.csv", {"method": "time", "column": "day"}, target="late")
    copy.repro()
    return copy


def test_rows_of_the_test_are_strictly_later(by_time: Copy) -> None:
    days = column(by_time, "day")
    assert min(days["test"]) > max(days["train"])
    assert sorted(days["train"] + days["test"]) == sorted(str(row[0]) for row in ROWS)
    assert len(days["test"]) == 0.2 * len(ROWS)
    assert by_time.read("metrics/evaluate.json")["test"]["accuracy"] == 1
    by_time.run("dvc", "status", "--quiet")


@in_long_form
def test_a_category_that_is_only_later_is_told_and_scored(by_time: Copy) -> None:
    assert by_time.run("python", "-m", "mlrepo", "evaluate").stderr == (
        "warning: 20 test rows have a 'kind' that no train row has ('c'): "
        "the model treats it as a rare category\n"
    )


def test_old_rows_keep_their_side_when_a_part_is_added(copy: Copy, tmp_path: Path) -> None:
    for number in range(2):
        part = f"{PARTS}/part-{number}.parquet"
        copy.run("python", "-c", WRITE_A_PART, part, str(100 * number), "100")
    use(copy, PARTS, {"method": "random"}, target="sold", id=["id"])
    copy.repro()
    copy.commit("Learn from two parts")
    before = column(copy, "id")
    assert len(before["train"] + before["test"]) == 200
    assert set(before["train"]).isdisjoint(before["test"])

    copy.run("python", "-c", WRITE_A_PART, f"{PARTS}/part-2.parquet", "200", "60")
    copy.run("dvc", "add", "--quiet", PARTS)
    refused = copy.run("dvc", "repro", check=False)
    assert "error: data/raw/parts does not match schema.yaml" in refused.stderr
    assert "'shape': 33.08% (86 of 260 rows) are missing, allowed are 33.00%" in refused.stderr
    swap("schema.yaml", "maxMissing: 0.33", "maxMissing: 0.5")(copy.path)
    assert copy.repro().ran == ["prepare", "train", "evaluate", "card"]
    after = column(copy, "id")
    for side in ("train", "test"):
        assert set(before[side]) < set(after[side])
    assert len(after["train"] + after["test"]) == 260
    assert copy.read("metrics/prepare.json")["rows"]["raw"] == 260

    # The hook lets it pass, and a clone finds all of it.
    copy.commit("Learn from a third part")
    assert copy.changed() == []
    copy.run("dvc", "push")
    other = clone(copy, tmp_path / "clone")
    other.run("dvc", "pull")
    assert other.outputs() == copy.outputs()
    assert other.repro().ran == []
    assert sorted(path.name for path in (other.path / PARTS).iterdir()) == [
        f"part-{number}.parquet" for number in range(3)
    ]
