"""How long a fit takes is told before it, and changes nothing."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from mlrepo.core.paths import MODEL
from mlrepo.learning import duration
from penguins.prepare import main as prepare
from penguins.train import main as train

from .conftest import TinyProject

ROWS = 20_000
FOLDS = 5
TABLE = pl.DataFrame({"x": np.arange(ROWS, dtype=np.float64)})
TRUTH = np.arange(ROWS) % 2
CLOCK = [0.0]


class Slow(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Takes a known time, as a power of the rows."""

    def __init__(self, power: int = 1) -> None:
        self.power = power

    def fit(self, inputs: pl.DataFrame, truth: np.ndarray) -> "Slow":
        CLOCK[0] += (inputs.height / ROWS) ** self.power
        self.fitted_ = True
        return self


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass only where a test says so: the machine may be busy."""
    monkeypatch.setattr(duration, "time", SimpleNamespace(perf_counter=lambda: CLOCK[0]))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take small tables for large ones."""
    monkeypatch.setattr(duration, "MANY", 30)
    monkeypatch.setattr(duration, "_FIRST", 10)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("power", [1, 2])
def test_a_slow_fit_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], power: int
) -> None:
    monkeypatch.setattr(duration, "MANY", ROWS - 1)
    model = Slow(power)
    duration.announce(model, TABLE, TRUTH, FOLDS)
    assert not hasattr(model, "fitted_")
    said = capsys.readouterr().out
    found = re.fullmatch(
        r"fitting takes about ([\d.]+) s \([\d,]+ rows took [\d.]+ s\)"
        rf", with {FOLDS} folds about ([\d.]+) s\n",
        said,
    )
    assert found, said
    assert float(found[1]) == 1
    folds = 1 + FOLDS * (1 - 1 / FOLDS) ** power
    assert float(found[2]) == pytest.approx(folds, abs=0.05)


def test_nothing_is_told_of_small_tables(capsys: pytest.CaptureFixture[str]) -> None:
    duration.announce(Slow(), TABLE, TRUTH, FOLDS)
    assert list(duration.timed(range(9), 9, ROWS, "learning")) == list(range(9))
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("few")
def test_an_estimator_that_refuses_a_sample_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    duration.announce(Slow("no power"), TABLE, TRUTH, FOLDS)  # type: ignore[arg-type]
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("seed", [0, None])
def test_the_model_has_the_same_bytes_with_and_without(
    tiny: TinyProject,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seed: int | None,
) -> None:
    params = tiny.set({"train.arguments": {"n_estimators": 5, "random_state": seed}})
    prepare(params)
    models = []
    for told in (True, False):
        if not told:
            monkeypatch.setattr(duration, "announce", lambda *_, **__: None)
        np.random.seed(3)  # an estimator without a seed draws from this
        train(params)
        assert ("fitting takes about" in capsys.readouterr().out) == told
        models.append(MODEL.read_bytes())
    assert models[0] == models[1]


@pytest.mark.usefixtures("few", "clock")
def test_batches_are_told_by_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Any] = []
    for part in duration.timed(range(40), 40, ROWS, "learning"):
        seen.append(part)
        if part < 3:
            CLOCK[0] += 0.2
    assert seen == list(range(40))
    [line] = capsys.readouterr().out.splitlines()
    assert line == "learning takes about 8.0 s (40 x 0.2 s)"
