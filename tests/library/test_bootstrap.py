"""The bootstrap: repeatable, every row drawn equally often, honest about what is undefined."""

from functools import partial

import numpy as np
import pytest

from mlrepo.learning.metrics.aggregates import Weights, from_sklearn
from mlrepo.learning.predictions import FloatArray, Predictions
from mlrepo.scoring.bootstrap import bootstrap, draw

VALUES = np.random.default_rng(0).normal(size=80)


def mean(weights: Weights) -> FloatArray:
    found: FloatArray = (weights * VALUES).sum(axis=1) / weights.sum(axis=1)
    return found


def of_mean(resamples: int, seed: int, memory: int) -> tuple[float, float]:
    return bootstrap({"mean": mean}, 80, resamples, 0.9, seed, memory)["mean"]


def test_the_chunk_size_changes_no_bit() -> None:
    whole = of_mean(300, 5, 2**24)
    assert whole == of_mean(300, 5, 1) == of_mean(300, 5, 7 * 6 * 8 * 80)
    assert whole != of_mean(300, 6, 2**24)


def test_the_ends_are_quantiles_of_the_values_of_drawn_rows() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    means = [VALUES[rng.integers(0, 80, size=80)].mean() for _ in range(200)]
    wanted = np.quantile(means, [0.05, 0.95])
    np.testing.assert_allclose(of_mean(200, 3, 2**24), wanted)


def test_every_row_is_drawn_equally_often() -> None:
    counts = draw(np.random.Generator(np.random.PCG64(0)), 2000, 30)
    assert counts.shape == (2000, 30)
    assert (counts.sum(axis=1) == 30).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.1)


def test_undefined_resamples_are_dropped_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """One row of class b among 20: 0.95**20 = 36 % of the resamples have none."""
    truth = np.array(["b"] + ["a"] * 19, dtype=object)

    def only_with_both(y_true: FloatArray, y_pred: FloatArray) -> float:
        return float((y_true == y_pred).mean()) if len(set(y_true)) == 2 else np.nan

    metric = partial(from_sklearn(only_with_both), Predictions(truth, truth))
    assert bootstrap({"both": metric}, 20, 1000, 0.9, seed=0) == {"both": (1.0, 1.0)}
    word = capsys.readouterr().err.split()
    assert word[:5] == ["both", "is", "undefined", "in", word[4]]
    assert 300 < int(word[4]) < 420
    assert word[5:7] == ["of", "1000"]


def test_a_statistic_that_is_mostly_undefined_has_no_interval() -> None:
    """Two rows: half of the resamples draw one of them twice."""
    given = []
    for seed in range(8):
        counts = draw(np.random.Generator(np.random.PCG64(seed)), 99, 2)
        of_both = {"both": lambda weights: np.where(weights[:, 0] == 1, 1.0, np.nan)}
        found = bootstrap(of_both, 2, 99, 0.9, seed)
        assert ("both" in found) == (2 * (counts[:, 0] == 1).sum() >= 99)
        given.append("both" in found)
    assert set(given) == {True, False}
