"""Numbers of the plots as they are written: true of the rows, and the same on other processors."""

import numpy as np
import polars as pl
import pytest

from mlrepo.learning.predictions import Predictions
from mlrepo.scoring import plots

from .test_plots import CLOSE

SCORES = {
    "of a forest": lambda rng: rng.integers(0, 41, 300) / 40,
    "close": lambda rng: 0.1234565 + rng.integers(0, 300, 300) / 10**9,
    "next to each other": lambda rng: 0.3 + rng.integers(0, 9, 300) * 2.0**-54,
    "far from 0": lambda rng: 1e6 + rng.normal(size=300) / 1000,
    "below 0": lambda rng: -rng.exponential(size=300),
    "single precision": lambda rng: rng.random(300).astype(np.float32),
}


@pytest.mark.parametrize("name", SCORES)
def test_rates_are_true_at_the_threshold_as_it_is_written(name: str) -> None:
    rng = np.random.default_rng(0)
    scores, names = SCORES[name](rng), np.array(["no", "yes"], dtype=object)
    positive = rng.random(300) < 0.2 + 0.6 * (scores > np.median(scores))
    truth = names[positive.astype(int)]
    data = Predictions(truth, truth, names, decisions=scores)
    for table in (plots.roc(data), plots.precision_recall(data)):
        written = pl.read_csv(table.write_csv().encode()).filter(pl.col("threshold").is_not_null())
        for row in written.iter_rows(named=True):
            said = scores >= row["threshold"]
            recall = (said & positive).sum() / positive.sum()
            assert row.get("recall", row.get("true_positive_rate")) == pytest.approx(recall, CLOSE)
            if "precision" in row:
                assert row["precision"] == pytest.approx(positive[said].mean(), CLOSE)
            else:
                wrong = said[~positive].mean()
                assert row["false_positive_rate"] == pytest.approx(wrong, CLOSE)


def test_the_noise_of_other_processors_is_in_no_threshold() -> None:
    rng = np.random.default_rng(0)
    scores, names = rng.integers(1, 41, 300) / 40, np.array(["no", "yes"], dtype=object)
    truth = names[(rng.random(300) < scores).astype(int)]
    data = Predictions(truth, truth, names, np.column_stack([1 - scores, scores]))
    noise = np.where(np.unique(scores, return_inverse=True)[1] % 2, 1 - 2**-53, 1 + 2**-52)
    other = Predictions(truth, truth, names, np.column_stack([1 - scores, scores * noise]))
    assert plots.roc(other).equals(plots.roc(data))
    assert plots.precision_recall(other).equals(plots.precision_recall(data))


@pytest.mark.parametrize(("level", "spread"), [(1e6, 0.01), (-1e6, 1e3), (0.0, 1e-9), (3e-7, 1.0)])
def test_a_residual_is_the_difference_of_the_two_as_written(level: float, spread: float) -> None:
    rng = np.random.default_rng(0)
    truth = level + spread * rng.normal(size=50)
    found = plots.residuals(Predictions(truth, truth + spread * rng.normal(size=50)))
    actual, predicted, residual = found.select("actual", "predicted", "residual")
    np.testing.assert_allclose(actual - predicted, residual, rtol=CLOSE, atol=CLOSE * spread)
    np.testing.assert_allclose(actual, truth, rtol=CLOSE)
