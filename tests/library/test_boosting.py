"""What xgboost cannot learn from is refused, whether it is installed or not."""

from typing import Any

import polars as pl
import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import TRAIN
from mlrepo.learning.boosting import common
from penguins.prepare import main as prepare

from .conftest import TinyProject, tiny_table

BOOSTED: dict[str, Any] = {
    "train.estimator": "xgboost.XGBClassifier",
    "train.arguments": {"n_estimators": 5, "subsample": 0.8},
}
TASKS: dict[str, dict[str, Any]] = {
    "two classes": {"data.target": "two"},
    "three classes": {"data.target": "three"},
    "numbers": {
        "data.task": "regression",
        "data.target": "weight",
        "train.estimator": "xgboost.XGBRegressor",
    },
}


@pytest.fixture
def numbered(tiny: TinyProject) -> TinyProject:
    """A project whose classes are numbers."""
    classes = {
        "two": (pl.col("kind") == "big").cast(pl.Int64),
        "three": pl.col("weight").cast(pl.Int64) // 20,
    }
    tiny_table().with_columns(**classes).write_csv("table.csv")
    tiny.set({**BOOSTED, "data.target": "two"})
    tiny.propose()
    return tiny


def batches(rows: int | None, on_disk: bool = False) -> dict[str, Any]:
    return {"train.batches": {"rows": rows, "passes": 1, "on_disk": on_disk}}


@pytest.mark.parametrize(
    "changes",
    [
        {**BOOSTED, **batches(None, on_disk=True)},
        batches(20, on_disk=True),
        {"train.estimator": "xgboost.dask.DaskXGBClassifier", **batches(20, on_disk=True)},
    ],
    ids=["all rows", "another estimator", "a cluster"],
)
def test_where_nothing_is_kept_on_disk_it_cannot_be_asked_for(
    tiny: TinyProject, changes: dict[str, Any]
) -> None:
    with pytest.raises(ProjectError, match=r"batches\.on_disk is for xgboost\.XGBClassifier"):
        tiny.set(changes)


@pytest.mark.parametrize(
    ("target", "shown"), [("kind", r"\['big', 'small'\]"), ("herd", r"\['herd 0', .*, \.\.\.\]")]
)
def test_classes_that_are_no_numbers_are_refused_with_the_fix(
    tiny: TinyProject, target: str, shown: str
) -> None:
    params = tiny.set({**BOOSTED, "data.target": target, "data.features.exclude": []})
    prepare(params)
    with pytest.raises(ProjectError, match=f"those of '{target}' are {shown}: ") as refused:
        common.refuse_labels(params, TRAIN)
    fix = str(refused.value).partition("without a target:\n")[2]
    seen: dict[str, Any] = {"pl": pl, "table": pl.scan_parquet(TRAIN)}
    assert "'" not in fix  # `ruff format` asks for double quotes
    exec("def add_features(table):\n" + fix, seen)  # the code that the message tells to write
    fixed = seen["add_features"](seen["table"]).collect()
    before = seen["table"].collect()[target].n_unique()
    assert sorted(fixed[target].unique()) == list(range(before))
    without = seen["table"].drop(target)
    assert seen["add_features"](without).collect().equals(without.collect())


def test_classes_that_are_numbers_are_taken(numbered: TinyProject) -> None:
    prepare(numbered.set({}))
    common.refuse_labels(numbered.set({}), TRAIN)
    common.refuse_labels(numbered.set(TASKS["numbers"]), TRAIN)
