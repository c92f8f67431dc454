"""Learning by `partial_fit`, a batch at a time."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline

from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import MODEL, TRAIN
from mlrepo.learning.estimator import split_steps
from mlrepo.learning.model_file import load
from penguins.evaluate import main as evaluate
from penguins.prepare import main as prepare
from penguins.train import main as train

from .conftest import TinyProject

LEARNS: dict[str, Any] = {
    "train.estimator": "sklearn.linear_model.SGDClassifier",
    "train.arguments": {"loss": "log_loss"},
    "train.batches": {"rows": 20, "passes": 5, "on_disk": False},
}
# In a process of its own, which alone can pin its arithmetic.
RUN = """
from mlrepo.core import numerics, owner
numerics.pin()
from penguins.train import main
main(owner.load_params())
"""


def models_at_any_number_of_threads() -> set[bytes]:
    """Return what processes with 1, 2 and 8 threads train: one model, as it should be."""
    models = set()
    for threads in ("1", "2", "8"):
        environment = {**os.environ, "POLARS_MAX_THREADS": threads}
        command = [sys.executable, "-c", RUN]
        subprocess.run(command, check=True, env=environment, capture_output=True)
        models.add(MODEL.read_bytes())
    return models


def test_batches_give_the_same_bytes_at_any_number_of_threads(tiny: TinyProject) -> None:
    prepare(tiny.set(LEARNS))
    assert len(models_at_any_number_of_threads()) == 1


def test_what_cannot_learn_in_batches_is_refused(tiny: TinyProject) -> None:
    params = tiny.set({"train.batches.rows": 20})
    prepare(params)
    with pytest.raises(ProjectError, match="no partial_fit"):
        train(params)
    assert not MODEL.exists()


def test_folds_and_batches_exclude_each_other(tiny: TinyProject) -> None:
    with pytest.raises(ProjectError, match="folds need all rows at once"):
        tiny.set({**LEARNS, "train.cross_validation": 3})


@pytest.mark.parametrize("wrap", [lambda estimator: estimator, make_pipeline], ids=["alone", "one"])
def test_a_model_may_have_no_preprocessing(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch, wrap: Callable[[Any], Any]
) -> None:
    """An estimator alone, or a Pipeline of one step."""
    features = {"include": ["weight"], "exclude": []}
    params = tiny.set({**LEARNS, "data.features": features})
    prepare(params)
    monkeypatch.setattr(f"{train.__module__}.build", lambda *_: wrap(SGDClassifier(random_state=3)))
    train(params)
    evaluate(params)

    rows, expected = pl.read_parquet(TRAIN), SGDClassifier(random_state=3)
    for start in [*range(0, rows.height, 20)] * 5:
        x, y = rows.select("weight")[start : start + 20], rows["kind"][start : start + 20]
        expected.partial_fit(x, y.to_list(), classes=["big", "small"])
    _, estimator = split_steps(load(MODEL))
    assert estimator.coef_.tolist() == expected.coef_.tolist()
    assert estimator.intercept_.tolist() == expected.intercept_.tolist()
