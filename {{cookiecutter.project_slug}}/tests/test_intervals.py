"""Bootstrap intervals: repeatable, bounded, honest about what is undefined."""

import numpy as np
import pytest

from {{ cookiecutter.__package_name }}.intervals import draw, intervals
from {{ cookiecutter.__package_name }}.metrics import of_task, scores
from {{ cookiecutter.__package_name }}.predictions import Predictions


def classified(rows: int = 80, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    names = np.array(["a", "b", "c"], dtype=object)
    true = rng.integers(0, 3, rows)
    shares = rng.dirichlet(np.ones(3), rows) + np.eye(3)[true] / 3
    shares /= 4 / 3
    return Predictions(names[true], names[shares.argmax(axis=1)], names, shares)


def measured(rows: int = 80, seed: int = 0) -> Predictions:
    truth = np.random.default_rng(seed).normal(size=rows)
    return Predictions(truth, truth + np.random.default_rng(seed + 1).normal(size=rows))


DATA = {"classification": classified(), "regression": measured()}


@pytest.mark.parametrize("task", DATA)
def test_the_chunk_size_changes_no_bit(task: str) -> None:
    whole = intervals(task, DATA[task], 300, 0.9, seed=5)
    assert whole == intervals(task, DATA[task], 300, 0.9, seed=5, memory=1)
    assert whole == intervals(task, DATA[task], 300, 0.9, seed=5, memory=7 * 6 * 8 * 80)
    assert whole != intervals(task, DATA[task], 300, 0.9, seed=6)


@pytest.mark.parametrize("task", DATA)
def test_an_interval_holds_its_value_and_widens_with_confidence(task: str) -> None:
    values = scores(task, DATA[task])
    narrow = intervals(task, DATA[task], 400, 0.5, seed=0)
    wide = intervals(task, DATA[task], 400, 0.99, seed=0)
    assert set(values) == set(narrow) == set(wide) == set(of_task(task))
    for name, value in values.items():
        assert wide[name][0] < narrow[name][0] < narrow[name][1] < wide[name][1]
        assert wide[name][0] < value < wide[name][1]


def test_intervals_are_quantiles_of_scores_of_drawn_rows() -> None:
    data = DATA["regression"]
    rng = np.random.Generator(np.random.PCG64(3))
    errors = []
    for _ in range(200):
        rows = rng.integers(0, len(data), size=len(data))
        errors.append(np.abs(data.truth[rows] - data.predicted[rows]).mean())
    wanted = np.quantile(errors, [0.05, 0.95])
    np.testing.assert_allclose(intervals("regression", data, 200, 0.9, seed=3)["mae"], wanted)


def test_the_interval_of_a_mean_covers_the_truth_as_often_as_it_says() -> None:
    """The mean absolute error of a standard normal error is sqrt(2 / pi)."""
    hits = 0
    for seed in range(200):
        noise = np.random.default_rng(seed).normal(size=150)
        low, high = intervals("regression", Predictions(noise, noise * 0), 200, 0.8, 1)["mae"]
        hits += low <= np.sqrt(2 / np.pi) <= high
    assert 0.70 <= hits / 200 <= 0.88


def test_every_row_is_drawn_equally_often() -> None:
    counts = draw(np.random.Generator(np.random.PCG64(0)), 2000, 30)
    assert counts.shape == (2000, 30)
    assert (counts.sum(axis=1) == 30).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.1)


def test_undefined_resamples_are_dropped_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """One row of class b among 20: 0.95**20 = 36 % of the resamples have none."""
    truth = np.array(["b"] + ["a"] * 19, dtype=object)
    share = np.linspace(0.6, 0.1, 20)
    data = Predictions(
        truth, truth, np.array(["a", "b"], dtype=object), np.column_stack([1 - share, share])
    )
    found = intervals("classification", data, 1000, 0.9, seed=0)
    assert found["roc_auc"] == (1.0, 1.0)
    word = capsys.readouterr().err.split()
    assert word[:5] == ["roc_auc", "is", "undefined", "in", word[4]]
    assert 300 < int(word[4]) < 420
    assert word[5:7] == ["of", "1000"]


def test_a_metric_that_is_mostly_undefined_has_no_interval() -> None:
    """Two rows: half of the resamples draw one of them twice, then R2 is undefined."""
    data = Predictions(np.array([1.0, 2.0]), np.array([1.5, 2.5]))
    given = []
    for seed in range(8):
        counts = draw(np.random.Generator(np.random.PCG64(seed)), 99, 2)
        found = intervals("regression", data, 99, 0.9, seed)
        assert "mae" in found
        assert ("r2" in found) == (2 * (counts[:, 0] == 1).sum() >= 99)
        given.append("r2" in found)
    assert set(given) == {True, False}


def test_a_metric_that_the_table_leaves_undefined_is_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one_class = DATA["classification"].rows(DATA["classification"].truth == "a")
    found = intervals("classification", one_class, 100, 0.9, seed=0)
    assert set(found) == set(scores("classification", one_class))
    assert "roc_auc" not in found
    assert capsys.readouterr().err == ""


def test_a_single_row_and_no_resamples_have_no_interval() -> None:
    assert intervals("regression", measured(1), 100, 0.9, seed=0) == {}
    assert intervals("regression", measured(9), 0, 0.9, seed=0) == {}
