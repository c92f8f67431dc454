"""Scores on folds, and that a sweep sees each fold through whatever page the owner has written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import MODEL
from mlrepo.learning.cross_validation import observed
from penguins.prepare import main as prepare
from penguins.train import main as train

from .conftest import TinyProject, tiny_table

# A page that someone wrote anew: it scores the folds of two models, and keeps none.
REWRITTEN = """
from mlrepo.core.paths import TRAIN
from mlrepo.learning import cross_validation as folds
from mlrepo.learning.training_table import TrainingTable
from mlrepo.learning.metrics import scores

from penguins.model import build

def main(params):
    table = TrainingTable(TRAIN, params)
    for _ in range(2):
        folds.cross_validate(build(params, table.features), table, scores)
"""


class PrunedError(Exception):
    """What ends a trial of a sweep."""


def rewritten() -> Callable[[LibraryParams], None]:
    page: dict[str, Any] = {}
    exec(REWRITTEN, page)
    main: Callable[[LibraryParams], None] = page["main"]
    return main


@pytest.mark.parametrize("make", [lambda: train, rewritten], ids=["as generated", "rewritten"])
def test_pruning_reaches_any_page(
    tiny: TinyProject, make: Callable[[], Callable[[LibraryParams], None]]
) -> None:
    params, page = tiny.set({"train.cross_validation": 4}), make()
    prepare(params)
    seen: list[int] = []

    def after_fold(values: dict[str, list[float]]) -> None:
        seen.append(len(values["accuracy"]))
        if len(values["accuracy"]) == 3:
            raise PrunedError

    with pytest.raises(PrunedError), observed(after_fold):
        page(params)
    assert seen == [1, 2, 3]
    page(params)  # behind the block nobody is told
    assert seen == [1, 2, 3]


def test_folds_keep_together_what_the_split_keeps_together(tiny: TinyProject) -> None:
    """A model that remembers rows is right about copies of them, unless a fold holds all copies."""
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"x": rng.normal(size=150), "kind": rng.choice(["a", "b"], 150)})
    pl.concat([table] * 4).write_csv("table.csv")
    tiny.set({"data.id": [], "data.features": {"include": [], "exclude": []}})
    tiny.set({"train.estimator": "sklearn.tree.DecisionTreeClassifier", "train.arguments": {}})
    tiny.propose()
    found = {}
    for equal in ("apart", "together"):
        split = {"prepare.split.equal_features": equal, "train.cross_validation": 5}
        params = tiny.set(split)
        prepare(params)
        train(params)
        scores = json.loads(Path("metrics/cross_validation.json").read_text(encoding="utf-8"))
        found[equal] = scores["cv"]["accuracy"]
    assert found["apart"] > 0.95
    assert 0.35 < found["together"] < 0.65  # the labels were drawn by a coin


@pytest.mark.parametrize("folds", [0, 3])
def test_a_metric_that_there_is_not_is_told_before_anything_is_fitted(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch, folds: int
) -> None:
    params = tiny.set({"evaluate.metric": "roc_auk", "train.cross_validation": folds})
    prepare(params)
    monkeypatch.setattr("sklearn.ensemble.RandomForestClassifier.fit", None)
    with pytest.raises(ProjectError, match=r"evaluate\.metric in params\.yaml: 'roc_auk' is none"):
        train(params)
    assert not MODEL.exists()


@pytest.mark.parametrize(
    ("method", "column"),
    [("random", None), ("stratified", None), ("group", "herd"), ("time", "seen")],
)
def test_more_folds_than_rows_are_refused_in_our_words(
    tiny: TinyProject, method: str, column: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    split = {"prepare.split.method": method, "prepare.split.column": column}
    params = tiny.set({**split, "train.cross_validation": 70})
    prepare(params)
    says = rf"train\.cross_validation in params\.yaml is 70, and the \d+ train rows .*'{method}'"
    with pytest.raises(ProjectError, match=says) as caught:
        train(params)
    assert "n_splits" not in str(caught.value)
    assert capfd.readouterr().err == ""  # nothing is told of what will not run


def test_a_class_with_fewer_rows_than_folds_is_told(
    tiny: TinyProject, capfd: pytest.CaptureFixture[str]
) -> None:
    table = tiny_table().with_columns(kind=pl.Series(["rare"] * 4 + ["often"] * 76))
    table.write_csv("table.csv")
    tiny.propose()
    params = tiny.set({"prepare.split.method": "stratified", "train.cross_validation": 5})
    prepare(params)
    train(params)
    said = capfd.readouterr().err
    assert "warning: the class 'rare' has 3 train rows, fewer than train.cross_validation" in said
    assert "least populated" not in said
