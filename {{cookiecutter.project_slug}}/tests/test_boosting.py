"""Boosting in batches: the trees that all rows at once give, and no argument that does nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from {{ cookiecutter.__package_name }} import boosting, duration
from {{ cookiecutter.__package_name }}.artifacts import MODEL, TRAIN
from {{ cookiecutter.__package_name }}.errors import ProjectError
from {{ cookiecutter.__package_name }}.fit import train
from {{ cookiecutter.__package_name }}.params import Params
from {{ cookiecutter.__package_name }}.partition import partition
from {{ cookiecutter.__package_name }}.persist import load

from .conftest import ROOT, TinyProject, tiny_table
from .test_scale import RUN

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


@pytest.fixture
def boosted(numbered: TinyProject) -> TinyProject:
    """The same, where xgboost is installed."""
    pytest.importorskip("xgboost", reason="xgboost is not installed: uv sync --extra xgboost")
    return numbered


def batches(rows: int | None, on_disk: bool = False) -> dict[str, Any]:
    return {"train.batches": {"rows": rows, "passes": 1, "on_disk": on_disk}}


def trees(params: Params) -> bytes:
    """Return what xgboost knows of a model that is learned now."""
    train(params)
    model: Any = load(MODEL)
    return bytes(model[-1].get_booster().save_raw("ubj"))


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())
def test_batches_give_the_trees_of_all_rows_at_once(
    boosted: TinyProject, task: dict[str, Any]
) -> None:
    partition(boosted.set(task))
    whole = trees(boosted.set(batches(None)))
    for rows in (7, 1000):
        assert trees(boosted.set(batches(rows))) == whole, rows
        assert trees(boosted.set(batches(rows, on_disk=True))) == whole, rows
    assert list(Path(".dvc/tmp").iterdir()) == []


def test_it_gives_the_same_bytes_at_any_number_of_threads(boosted: TinyProject) -> None:
    partition(boosted.set(batches(7, on_disk=True)))
    models = set()
    for threads in ("1", "2", "8"):
        variables = {"POLARS_MAX_THREADS": threads, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", RUN]
        subprocess.run(command, check=True, env={**os.environ, **variables}, capture_output=True)
        models.add(MODEL.read_bytes())
    assert len(models) == 1


@pytest.mark.parametrize("error", [OSError("the disk is gone"), KeyboardInterrupt()], ids=str)
def test_an_end_in_the_middle_leaves_nothing(
    boosted: TinyProject, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    partition(boosted.set({}))
    params, read, left = boosted.set(batches(7, on_disk=True)), boosting.Rows.read, [12]

    def fails(rows: boosting.Rows, start: int, size: int) -> Any:
        left[0] -= 1  # the table has seven batches: this is in the second time over it
        if not left[0]:
            assert list(Path(".dvc/tmp").iterdir())
            raise error
        return read(rows, start, size)

    monkeypatch.setattr(boosting.Rows, "read", fails)
    with pytest.raises(type(error)):
        train(params)
    assert left == [0]
    assert list(Path(".dvc/tmp").iterdir()) == []
    assert not MODEL.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train.arguments": {"early_stopping_rounds": 3}}, "early_stopping_rounds .* held back"),
        ({"train.arguments": {"feature_weights": [1, 2]}}, "feature_weights .* does nothing"),
        ({"train.arguments": {"enable_categorical": True}}, "encoded by train.preprocessing"),
        ({"train.arguments": {"max_depth": "deep"}}, "xgboost cannot learn: .*max_depth"),
        ({"train.arguments": {"booster": "gblinear"}}, "booster .* learns with gbtree or dart"),
        ({"train.arguments": {"tree_method": "exact"}}, "tree_method .* learns with hist"),
        ({"train.arguments": {"objective": "so"}}, "xgboost cannot learn: Unknown objective"),
        ({"train.batches.passes": 2}, "and passes to 1"),
    ],
)
def test_what_would_do_nothing_is_refused(
    boosted: TinyProject, changes: dict[str, Any], words: str
) -> None:
    partition(boosted.set({}))
    with pytest.raises(ProjectError, match=words):
        train(boosted.set({**batches(20), **changes}))
    assert not MODEL.exists()


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


def test_classes_that_are_no_numbers_are_refused_with_the_mend(tiny: TinyProject) -> None:
    params = tiny.set(BOOSTED)
    partition(params)
    with pytest.raises(ProjectError, match=r"those of 'kind' are \['big', 'small'\]") as refused:
        boosting.refuse_labels(params, TRAIN)
    mend = str(refused.value).partition("without a target:\n")[2]
    seen: dict[str, Any] = {"pl": pl, "table": pl.scan_parquet(TRAIN)}
    exec("def add_features(table):\n" + mend, seen)  # the code that the message tells to write
    mended = seen["add_features"](seen["table"]).collect()
    assert sorted(mended["kind"].unique()) == [0, 1]
    without = seen["table"].drop("kind")
    assert seen["add_features"](without).collect().equals(without.collect())


def test_classes_that_are_numbers_are_taken(numbered: TinyProject) -> None:
    partition(numbered.set({}))
    boosting.refuse_labels(numbered.set({}), TRAIN)
    boosting.refuse_labels(numbered.set(TASKS["numbers"]), TRAIN)


def test_how_long_it_takes_is_told(
    boosted: TinyProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    partition(boosted.set({}))
    params = boosted.set(batches(7))
    untold = trees(params)
    assert "takes about" not in capsys.readouterr().out
    monkeypatch.setattr(duration, "MANY", 30)
    assert trees(params) == untold
    said = capsys.readouterr().out
    assert re.search(r"^reading takes about [\d.]+ s \(28 x ", said, re.MULTILINE), said
    assert re.search(r"^boosting takes about [\d.]+ s \(5 x ", said, re.MULTILINE), said
