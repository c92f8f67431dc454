"""Of a large table some rows stand for all: intervals are as wide as those of all rows."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from mlrepo.learning.predictions import IndexArray, Predictions
from mlrepo.scoring import bootstrap
from mlrepo.scoring import intervals as intervals_module
from mlrepo.scoring.intervals import intervals
from mlrepo.scoring.units import Drawn
from mlrepo.versions.gate.paired import paired

from .conftest import TinyProject
from .test_intervals import DATA, bounds, classified, measured, none_given

ROWS, MOST = 20_000, 4000
EVEN = {
    "ids of two rows": np.arange(ROWS) // 2,
    "groups of ten rows": np.arange(ROWS) % 2000,
    "blocks of time": np.arange(ROWS) // 54,
}
# A group of a quarter of the rows, and few large groups: rows are left out of these.
UNEVEN = {
    "a large group": np.where(np.arange(ROWS) < 15_000, np.arange(ROWS) // 2, 10_000),
    "forty groups": np.arange(ROWS) % 40,
}
UNITS: dict[str, IndexArray] = {
    name: np.unique(unit, return_inverse=True)[1] for name, unit in (EVEN | UNEVEN).items()
}


def width(low: float | None, high: float | None) -> float:
    assert low is not None
    assert high is not None
    return high - low


def thin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "MOST", MOST)
    monkeypatch.setattr(intervals_module, "_MOST_SHARES", 3 * MOST)


@pytest.mark.parametrize("kind", UNITS)
@pytest.mark.parametrize("task", DATA)
def test_of_rows_that_belong_together_whole_units_stand_for_all(
    task: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = measured(ROWS) if task == "regression" else classified(ROWS)
    whole = intervals(task, table, 200, 0.95, 0, UNITS[kind])
    thin(monkeypatch)
    some = intervals(task, table, 200, 0.95, 0, UNITS[kind])
    assert some.keys() == whole.keys()
    for name, interval in whole.items():
        if interval.low is None:  # average precision of forty groups
            assert some[name].method == interval.method
            continue
        ratio = width(some[name].low, some[name].high) / width(interval.low, interval.high)
        exact = interval.method == "studentised bootstrap"
        most = 1.2 if exact or kind in EVEN else 3
        assert 0.8 < ratio < most, (name, ratio)


@pytest.mark.parametrize("kind", UNITS)
def test_the_gate_draws_them_so_as_well(tiny: TinyProject, kind: str) -> None:
    params = tiny.set({"data.task": "regression", "data.target": "amount"})
    one = measured(ROWS)
    other = Predictions(one.truth, one.predicted + np.random.default_rng(9).normal(size=ROWS) / 3)
    whole, some = (
        paired(one, other, Drawn.of(ROWS, UNITS[kind], most), params)["mae"]
        for most in (ROWS, MOST)
    )
    assert some["difference"] == whole["difference"]
    ratio = width(some["low"], some["high"]) / width(whole["low"], whole["high"])
    assert 0.8 < ratio < (1.25 if kind in EVEN else 3), ratio


def test_which_units_stand_for_all() -> None:
    unit = UNITS["groups of ten rows"]
    drawn = Drawn.of(ROWS, unit, MOST)
    assert (len(drawn.rows), drawn.count, drawn.of_all) == (MOST, 400, 2000)
    assert (np.bincount(unit[drawn.rows], minlength=2000) % 10 == 0).all()
    drawn = Drawn.of(ROWS, UNITS["forty groups"], MOST)
    assert (len(drawn.rows), drawn.count, drawn.of_all) == (MOST, 40, 40)
    drawn = Drawn.of(ROWS, unit, ROWS)
    assert (len(drawn.rows), drawn.count, drawn.of_all) == (ROWS, 2000, 2000)


@pytest.mark.parametrize("task", DATA)
def test_the_interval_of_many_rows_is_that_of_all(
    task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = measured(4000) if task == "regression" else classified(4000)
    whole = intervals(task, table, 400, 0.95, seed=0)
    monkeypatch.setattr(bootstrap, "MOST", 1000)
    some = intervals(task, table, 400, 0.95, seed=0)
    for name, interval in whole.items():
        low, high = bounds(interval)
        assert bounds(some[name])[1] - bounds(some[name])[0] == pytest.approx(high - low, rel=0.25)
        assert bounds(some[name])[0] == pytest.approx(low, abs=0.3 * (high - low))


def test_groups_of_a_large_table_widen_the_median_by_all_of_their_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """60 groups of 100 rows: of rows that stand for all, each group would have 16."""
    rng, group = np.random.default_rng(0), np.arange(6000) // 100
    error = rng.normal(size=60)[group] + 0.1 * rng.normal(size=6000)
    table = Predictions(np.zeros(6000), error)
    whole = intervals("regression", table, 50, 0.9, 0, group)["median_absolute_error"]
    monkeypatch.setattr(bootstrap, "MOST", 1000)
    assert intervals("regression", table, 50, 0.9, 0, group)["median_absolute_error"] == whole


def test_a_rare_class_of_a_large_table_counts_with_all_of_its_rows() -> None:
    """40 positives among 100,000 rows: of 20,000 rows that stand for all, some 8 would be left."""
    rng = np.random.default_rng(0)
    truth = np.zeros(100_000, dtype=int)
    truth[rng.choice(100_000, 40, replace=False)] = 1
    odds = 1 / (1 + np.exp(7 - 3 * (rng.normal(size=100_000) + 2.5 * truth)))
    table = Predictions(
        truth, (odds > 0.5) * 1, np.array([0, 1]), np.column_stack([1 - odds, odds])
    )
    found = intervals("classification", table, 50, 0.9, seed=0)
    recall = (odds[truth == 1] > 0.5).mean()
    wanted = proportion_confint(round(40 * recall), 40, alpha=0.1, method="wilson")
    low, high = bounds(found["balanced_accuracy"])
    assert high - low == pytest.approx((wanted[1] - wanted[0]) / 2, rel=0.1)
    assert none_given(found) == {}
