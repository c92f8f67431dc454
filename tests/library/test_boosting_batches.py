"""Boosting in batches: the trees that all rows at once give, and no argument that does nothing.

conftest.py leaves this file out where xgboost is not installed.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.pipeline import make_pipeline

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import MODEL
from mlrepo.learning import duration
from mlrepo.learning.boosting import common
from mlrepo.learning.estimator import make_estimator, split_steps
from mlrepo.learning.model_file import load
from penguins.evaluate import main as evaluate
from penguins.prepare import main as prepare
from penguins.train import main as train

from .conftest import TinyProject
from .test_boosting import TASKS, batches, numbered
from .test_partial_fit import models_at_any_number_of_threads

__all__ = ["numbered"]  # a fixture of the tests below


def trees(params: LibraryParams) -> bytes:
    """Return what xgboost knows of a model that is learned now."""
    train(params)
    _, estimator = split_steps(load(MODEL))
    return bytes(estimator.get_booster().save_raw("ubj"))


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())
def test_batches_give_the_trees_of_all_rows_at_once(
    numbered: TinyProject, task: dict[str, Any]
) -> None:
    prepare(numbered.set(task))
    whole = trees(numbered.set(batches(None)))
    for rows in (7, 1000):
        assert trees(numbered.set(batches(rows))) == whole, rows
        assert trees(numbered.set(batches(rows, on_disk=True))) == whole, rows
    assert list(Path(".dvc/tmp").iterdir()) == []


@pytest.mark.parametrize("wrap", [lambda estimator: estimator, make_pipeline], ids=["alone", "one"])
def test_a_model_may_have_no_preprocessing(
    numbered: TinyProject, monkeypatch: pytest.MonkeyPatch, wrap: Callable[[Any], Any]
) -> None:
    """An estimator alone, or a Pipeline of one step: xgboost also keeps the names of columns."""
    prepare(numbered.set({"data.features": {"include": ["size", "weight"], "exclude": []}}))
    monkeypatch.setattr(
        f"{train.__module__}.build",
        lambda params, _: wrap(make_estimator(params.train, params.data.task)),
    )
    whole = trees(numbered.set(batches(None)))
    assert trees(numbered.set(batches(7))) == whole
    assert load(MODEL).feature_names_in_.tolist() == ["size", "weight"]
    evaluate(numbered.set(batches(7)))


def test_it_gives_the_same_bytes_at_any_number_of_threads(numbered: TinyProject) -> None:
    prepare(numbered.set(batches(7, on_disk=True)))
    assert len(models_at_any_number_of_threads()) == 1


@pytest.mark.parametrize("error", [OSError("the disk is gone"), KeyboardInterrupt()], ids=str)
def test_an_end_in_the_middle_leaves_nothing(
    numbered: TinyProject, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    prepare(numbered.set({}))
    params, read, left = numbered.set(batches(7, on_disk=True)), common.Rows.read, [12]

    def fails(rows: common.Rows, start: int, size: int) -> Any:
        left[0] -= 1  # the table has seven batches: this is in the second time over it
        if not left[0]:
            assert list(Path(".dvc/tmp").iterdir())
            raise error
        return read(rows, start, size)

    monkeypatch.setattr(common.Rows, "read", fails)
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
    numbered: TinyProject, changes: dict[str, Any], words: str
) -> None:
    prepare(numbered.set({}))
    with pytest.raises(ProjectError, match=words):
        train(numbered.set({**batches(20), **changes}))
    assert not MODEL.exists()


def test_how_long_it_takes_is_told(
    numbered: TinyProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(numbered.set({}))
    params = numbered.set(batches(7))
    untold = trees(params)
    assert "takes about" not in capsys.readouterr().out
    monkeypatch.setattr(duration, "MANY", 30)
    assert trees(params) == untold
    said = capsys.readouterr().out
    assert re.search(r"^reading takes about [\d.]+ s \(28 x ", said, re.MULTILINE), said
    assert re.search(r"^boosting takes about [\d.]+ s \(5 x ", said, re.MULTILINE), said
