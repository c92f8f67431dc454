"""Tables larger than memory: learning in batches, and the refusal of what cannot."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from {{ cookiecutter.__package_name }} import batches, checks, intervals, memory
from {{ cookiecutter.__package_name }}.artifacts import MODEL
from {{ cookiecutter.__package_name }}.assess import evaluate
from {{ cookiecutter.__package_name }}.errors import ProjectError
from {{ cookiecutter.__package_name }}.fit import train
from {{ cookiecutter.__package_name }}.partition import partition
from {{ cookiecutter.__package_name }}.predictions import Predictions

from .conftest import ROOT, TinyProject

LEARNS: dict[str, Any] = {
    "train.estimator": "sklearn.linear_model.SGDClassifier",
    "train.arguments": {"loss": "log_loss"},
    "train.batches": {"rows": 20, "passes": 5, "on_disk": False},
}
# In a process of its own, so without your model as well: conftest.py says why.
RUN = """
from {{ cookiecutter.__package_name }} import numerics, params
numerics.pin()
from {{ cookiecutter.__package_name }} import fit
from tests.conftest import tiny_model
fit.build = tiny_model
fit.train(params.load_params())
"""


def models_at_any_number_of_threads() -> set[bytes]:
    """Return what processes with 1, 2 and 8 threads train: one model, as it should be."""
    models = set()
    for threads in ("1", "2", "8"):
        variables = {"POLARS_MAX_THREADS": threads, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", RUN]
        subprocess.run(command, check=True, env={**os.environ, **variables}, capture_output=True)
        models.add(MODEL.read_bytes())
    return models


def test_batches_give_the_same_bytes_at_any_number_of_threads(tiny: TinyProject) -> None:
    partition(tiny.set(LEARNS))
    assert len(models_at_any_number_of_threads()) == 1


def test_evaluate_in_batches_says_the_same(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = tiny.set(LEARNS)
    partition(params)
    train(params)
    evaluate(params)
    once = {
        path: path.read_bytes()
        for path in [Path("reports/scores.csv"), *Path("reports").rglob("*.csv")]
    }
    monkeypatch.setattr(batches, "PREDICT", 7)
    evaluate(params)
    assert {path: path.read_bytes() for path in once} == once


def test_what_cannot_learn_in_batches_is_refused(tiny: TinyProject) -> None:
    params = tiny.set({"train.batches.rows": 20})
    partition(params)
    with pytest.raises(ProjectError, match="no partial_fit"):
        train(params)
    assert not MODEL.exists()


def test_folds_and_batches_exclude_each_other(tiny: TinyProject) -> None:
    with pytest.raises(ProjectError, match="folds need all rows at once"):
        tiny.set({**LEARNS, "train.cross_validation": 3})


def test_a_fit_that_needs_more_memory_than_there_is_is_refused(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = tiny.set({})
    partition(params)
    monkeypatch.setattr(memory, "available", lambda: (10**8, "this test"))
    with pytest.raises(ProjectError, match=r"need about 0.4 GB .* this test leaves 0.1 GB"):
        train(params)
    assert not MODEL.exists()


def test_keys_are_counted_in_passes(tiny: TinyProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_REMEMBERED", 7)
    schema = tiny.folder / "schema.yaml"
    text = schema.read_text(encoding="utf-8")
    schema.write_text(f"{text}primaryKey: [id]\n", encoding="utf-8")
    partition(tiny.set({}))
    schema.write_text(f"{text}primaryKey: [weight]\n", encoding="utf-8")
    with pytest.raises(ProjectError, match="30 rows repeat a key"):
        partition(tiny.set({}))


def test_the_interval_of_many_rows_is_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    table = Predictions(truth, truth + rng.normal(size=4000))
    whole = intervals.intervals("regression", table, 400, 0.95, seed=0)
    monkeypatch.setattr(intervals, "MOST", 1000)
    some = intervals.intervals("regression", table, 400, 0.95, seed=0)
    for name, (low, high) in whole.items():
        assert some[name][1] - some[name][0] == pytest.approx(high - low, rel=0.25)
        assert some[name][0] == pytest.approx(low, abs=0.3 * (high - low))
