"""Intervals beside statsmodels, SciPy and arithmetic of their own, told the same rows."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.optimize import brentq
from sklearn.metrics import average_precision_score, cohen_kappa_score
from statsmodels.stats.proportion import proportion_confint

from mlrepo.core import owner
from mlrepo.learning.metrics import functions, of_task, scores
from mlrepo.learning.metrics.aggregates import Metric, from_sklearn
from mlrepo.learning.predictions import FloatArray, IndexArray, Predictions
from mlrepo.scoring import shares
from mlrepo.scoring.intervals import Interval, intervals
from mlrepo.scoring.units import units

from .test_split import params

Z = stats.norm.ppf(0.95)  # of an interval of 0.9
SHARES = {
    functions.accuracy: "accuracy",
    functions.balanced_accuracy: "balanced_accuracy",
    functions.roc_auc: "roc_auc",
}


def classified(rows: int = 300, seed: int = 0, classes: int = 3) -> Predictions:
    rng = np.random.default_rng(seed)
    names = np.array(list("abcdefghij")[:classes], dtype=object)
    true = rng.integers(0, classes, rows)
    odds = rng.dirichlet(np.ones(classes), rows) + np.eye(classes)[true] / classes
    odds /= odds.sum(axis=1, keepdims=True)
    return Predictions(names[true], names[odds.argmax(axis=1)], names, odds)


def measured(rows: int = 300, seed: int = 0) -> Predictions:
    truth = np.random.default_rng(seed).normal(size=rows)
    return Predictions(truth, truth + np.random.default_rng(seed + 1).normal(size=rows))


DATA = {"classification": classified(), "regression": measured()}


def bounds(interval: Interval) -> tuple[float, float]:
    assert interval.low is not None
    assert interval.high is not None
    return interval.low, interval.high


@pytest.mark.parametrize("task", DATA)
def test_an_interval_holds_its_value_and_widens_with_confidence(task: str) -> None:
    values = scores(task, DATA[task])
    narrow = intervals(task, DATA[task], 400, 0.5, seed=0)
    wide = intervals(task, DATA[task], 400, 0.99, seed=0)
    assert set(values) == set(narrow) == set(wide) == set(of_task(task))
    for name, value in values.items():
        inner, outer = bounds(narrow[name]), bounds(wide[name])
        assert outer[0] < inner[0] < value < inner[1] < outer[1]


@pytest.mark.parametrize("wrong", [0, 1, 7, 150, 300])
def test_that_of_accuracy_is_wilsons(wrong: int) -> None:
    truth = np.arange(300) % 2
    said = np.where(np.arange(300) < wrong, 1 - truth, truth)
    table = Predictions(truth, said, np.array([0, 1]))
    found = intervals("classification", table, 1, 0.9, seed=0)["accuracy"]
    wanted = proportion_confint(300 - wrong, 300, alpha=0.1, method="wilson")
    np.testing.assert_allclose(bounds(found), wanted, atol=1e-9)


def test_that_of_an_area_is_between_newcombes_and_delongs() -> None:
    for rows in (40, 20_000):
        table = classified(rows, classes=2)
        low, high = bounds(intervals("classification", table, 1, 0.9, seed=0)["roc_auc"])
        score, of_class = table.probabilities[:, 1], table.truth == "b"  # type: ignore[index]
        above, below = score[of_class], score[~of_class]
        m, n = len(above), len(below)
        right = (above[:, None] > below) + 0.5 * (above[:, None] == below)
        area = right.mean()
        shown = right.mean(axis=1).var() / m + right.mean(axis=0).var() / n

        def hanley(p: float, m: int = m, n: int = n) -> float:
            more = (m + n) / 2 - 1
            return p * (1 - p) * (1 + more * ((1 - p) / (2 - p) + p / (1 + p))) / (m * n)

        few = min(m, n)
        likely = (few * shown / hanley(area) + 20) / (few + 20)

        def away(p: float, likely: float = likely, area: float = area) -> float:
            return float((p - area) ** 2 - Z**2 * likely * hanley(p))

        wanted = brentq(away, 0, area), brentq(away, area, 1)
        np.testing.assert_allclose((low, high), wanted, atol=1e-9)


@pytest.mark.parametrize("metric", SHARES, ids=SHARES.values())
@pytest.mark.parametrize("classes", [2, 4])
def test_an_influence_is_the_slope_of_the_metric_in_the_weight_of_a_row(
    metric: Metric, classes: int
) -> None:
    table = classified(60, classes=classes)
    step = 1e-6
    heavier = np.ones((60, 60)) + step * np.eye(60)
    slopes = (metric(table, heavier) - metric(table, np.ones((1, 60)))) / step
    made = shares.OF_METRIC[metric](table)
    np.testing.assert_allclose(made.influence.mean(axis=0), slopes, atol=1e-5)
    assert made.values.mean() == pytest.approx(metric(table, np.ones((1, 60)))[0], abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_an_influence_on_average_precision_is_what_leaving_the_row_out_changes(
    weighted: bool,
) -> None:
    """So it is of rows of one weight; of others it is near."""
    rng = np.random.default_rng(0)
    truth, score = rng.integers(0, 2, 80), rng.integers(0, 60, 80) / 60  # some scores are equal
    weights = np.full(80, 2.5) if weighted else None
    odds = np.column_stack([1 - score, score])
    made = shares.OF_METRIC[functions.average_precision](
        Predictions(truth, score > 0.5, np.array([0, 1]), odds, weights=weights)
    )
    whole = average_precision_score(truth, score)
    changes = [
        whole - average_precision_score(np.delete(truth, row), np.delete(score, row))
        for row in range(80)
    ]
    np.testing.assert_allclose(made.influence[0], changes, atol=1e-12)
    assert made.values[0] == pytest.approx(whole, abs=1e-12)


def test_average_precision_of_few_rows_is_corrected_for_what_it_is_too_high() -> None:
    """5% positives, 200 rows: the middle of the ends is lower than the estimate, and nearer."""
    rng = np.random.default_rng(0)
    estimates, middles = [], []
    for _ in range(200):
        truth = np.arange(200) < 10
        score = 1 / (1 + np.exp(3 - rng.normal(size=200) - 1.5 * truth))
        table = Predictions(
            truth, score > 0.5, np.array([False, True]), np.column_stack([1 - score, score])
        )
        made = shares.OF_METRIC[functions.average_precision](table)
        estimates.append(made.values[0])
        middles.append(made.values[0] + made.influence.sum())
    many = np.arange(1_000_000) < 50_000
    scores_of = rng.normal(size=1_000_000) + 1.5 * many
    true = average_precision_score(many, scores_of)
    errors = np.std(estimates) / np.sqrt(200)
    assert np.mean(estimates) - true > 3 * errors
    assert abs(np.mean(middles) - true) < 2 * errors


def test_f1_is_the_mean_of_what_its_shares_scale_to() -> None:
    table = DATA["classification"]
    made = shares.OF_METRIC[functions.f1_macro](table)
    wanted = scores("classification", table)["f1_macro"]
    assert made.scale(made.values).mean() == pytest.approx(wanted, abs=1e-12)
    step = (made.scale(made.values + 1e-6) - made.scale(made.values)) / 1e-6
    np.testing.assert_allclose(made.slope(made.values), step, atol=1e-5)


LOSSES: dict[str, Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]] = {
    "mae": lambda truth, said: (np.abs(truth - said), np.ones(len(truth))),
    "rmse": lambda truth, said: ((truth - said) ** 2, np.ones(len(truth))),
    "r2": lambda truth, said: ((truth - said) ** 2, (truth - truth.mean()) ** 2),
}
SCALES: dict[str, Callable[[float], float]] = {
    "mae": lambda v: v,
    "rmse": np.sqrt,
    "r2": lambda v: 1 - v,
}


@pytest.mark.parametrize("name", LOSSES)
def test_that_of_a_loss_is_the_studentised_bootstrap_of_its_logarithm(name: str) -> None:
    table = DATA["regression"]
    value, base = LOSSES[name](table.truth, table.predicted)

    def log_and_error(rows: IndexArray) -> tuple[float, float]:
        a, b = value[rows], base[rows]
        quotient = a.sum() / b.sum()
        return float(np.log(quotient)), float(np.linalg.norm(a - quotient * b) / a.sum())

    rng = np.random.Generator(np.random.PCG64(3))
    here, error = log_and_error(np.arange(len(value)))
    students = []
    for _ in range(200):
        log, own = log_and_error(rng.integers(0, len(value), size=len(value)))
        students.append((log - here) / own)
    ends = np.exp(here - np.quantile(students, [0.95, 0.05]) * error)
    found = intervals("regression", table, 200, 0.9, seed=3)[name]
    np.testing.assert_allclose(bounds(found), sorted(map(SCALES[name], ends)), rtol=1e-9)


@pytest.mark.parametrize("rows", [12, 300, 301])
def test_that_of_the_median_is_a_binomials_to_a_rank(rows: int) -> None:
    table = measured(rows)
    errors = np.sort(np.abs(table.errors))
    low, high = bounds(intervals("regression", table, 1, 0.9, seed=0)["median_absolute_error"])
    exact = stats.quantile_test(errors, p=0.5).confidence_interval(0.9)
    for ours, theirs in ((low, exact.low), (high, exact.high)):
        ranks = np.searchsorted(errors, [ours, theirs])
        assert abs(ranks[0] - ranks[1]) <= 1


def test_a_metric_of_the_owner_has_the_percentile_bootstrap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kappa = {"kappa": from_sklearn(cohen_kappa_score)}
    monkeypatch.setattr(
        owner, "metrics", lambda: SimpleNamespace(CLASSIFICATION=kappa, REGRESSION={})
    )
    table = DATA["classification"]
    found = intervals("classification", table, 100, 0.9, seed=3)["kappa"]
    rng = np.random.Generator(np.random.PCG64(3))
    values = []
    for _ in range(100):
        rows = rng.integers(0, len(table), size=len(table))
        values.append(cohen_kappa_score(table.truth[rows], table.predicted[rows]))
    np.testing.assert_allclose(bounds(found), np.quantile(values, [0.05, 0.95]))
    assert found.method == "percentile bootstrap"


def none_given(found: dict[str, Interval]) -> dict[str, str]:
    return {name: made.method for name, made in found.items() if made.low is None}


def test_heavy_tails_have_no_interval_of_squares() -> None:
    errors = np.random.default_rng(0).standard_t(3, 2000)
    found = intervals("regression", Predictions(errors, errors * 0), 50, 0.9, seed=0)
    why = "a few rows may decide it"
    assert none_given(found) == {"rmse": why, "r2": why}


def test_a_sure_mistake_leaves_log_loss_without_one() -> None:
    table = classified(300, classes=2)
    sure = table.probabilities.copy()  # type: ignore[union-attr]
    sure[0] = [0.0, 1.0] if table.truth[0] == "a" else [1.0, 0.0]
    made = Predictions(table.truth, table.predicted, table.classes, sure)
    found = intervals("classification", made, 50, 0.9, seed=0)
    assert none_given(found) == {"log_loss": "a sure mistake decides it"}


def test_a_class_of_four_rows_has_none() -> None:
    table = classified(300, classes=2)
    some = table.rows(
        np.r_[np.flatnonzero(table.truth == "a"), np.flatnonzero(table.truth == "b")[:4]]
    )
    found = none_given(intervals("classification", some, 50, 0.9, seed=0))
    assert set(found.values()) == {"a class has fewer than 5 rows"}
    assert set(found) == set(of_task("classification")) - {"accuracy"}


def test_where_one_row_is_most_of_the_loss_there_is_none() -> None:
    """A survey's slice of 42 rows, one of them far off: without it nearly nothing is left."""
    errors = np.r_[np.full(20, 0.05), np.full(21, -0.06), 0.9]
    truth = np.arange(42) % 2
    second = np.clip(truth - errors * (2 * truth - 1), 0, 1)
    shares_of = np.column_stack([1 - second, second])
    table = Predictions(truth, (second > 0.5) * 1, np.array([0, 1]), shares_of)
    found = intervals("classification", table, 500, 0.95, seed=0)
    assert none_given(found)["brier"] == "a few rows may decide it"


def test_few_rows_equal_losses_a_single_row_and_no_resamples_have_none() -> None:
    few = "fewer than 30 rows"
    table = measured(29)
    found = intervals("regression", table, 50, 0.9, seed=0)
    assert none_given(found) == dict.fromkeys(["rmse", "mae", "r2"], few)
    same = Predictions(np.arange(50.0), np.arange(50.0) + 1)
    found = intervals("regression", same, 50, 0.9, seed=0)
    assert none_given(found)["mae"] == "every row has the same loss"
    assert intervals("regression", measured(1), 100, 0.9, seed=0) == {}
    assert intervals("regression", DATA["regression"], 0, 0.9, seed=0) == {}


def test_few_groups_have_none_and_average_precision_needs_more_of_them() -> None:
    table, precision = classified(1200, classes=2), {"average_precision"}
    every = precision | set(SHARES.values())
    for count, absent in {29: every, 30: precision, 99: precision, 100: set()}.items():
        unit = np.arange(1200) % count
        found = intervals("classification", table, 50, 0.9, seed=0, unit=unit)
        said = none_given({name: found[name] for name in every})
        assert said.keys() == absent
        for name, why in said.items():
            least = 100 if name in precision else 30
            assert why == f"fewer than {least} groups or blocks of rows"


def test_a_class_counts_by_the_groups_where_it_stands() -> None:
    """60 groups of 20 rows: 80 rows of a class that stand in four of them say too little."""
    group, by_class = np.arange(1200) // 20, ("balanced_accuracy", "roc_auc")
    for stands in (4, 5):
        truth = np.where(group < stands, "b", "a")
        right = np.random.default_rng(0).random(1200) < 0.7
        said = np.where(right, truth, np.where(truth == "a", "b", "a"))
        odds = np.where(said == "b", 0.7, 0.3)
        table = Predictions(truth, said, np.array(["a", "b"]), np.column_stack([1 - odds, odds]))
        found = intervals("classification", table, 50, 0.9, seed=0, unit=group)
        why = "a class has fewer than 5 groups or blocks of rows"
        none = {name: each for name, each in none_given(found).items() if name in by_class}
        assert none == (dict.fromkeys(by_class, why) if stands < 5 else {})
        bounds(found["accuracy"])


def test_of_a_class_that_no_row_has_nothing_is_known() -> None:
    two, classes = classified(300, classes=2), np.array(["a", "b", "never"], dtype=object)
    assert two.probabilities is not None
    shares_of = np.column_stack([two.probabilities, np.zeros(300)])
    table = Predictions(two.truth, two.predicted, classes, shares_of)
    found = intervals("classification", table, 50, 0.9, seed=0)
    assert none_given(found).keys() == found.keys() - {"accuracy"}
    assert none_given(found)["balanced_accuracy"] == "a class has fewer than 5 rows"


def test_a_metric_that_the_table_leaves_undefined_is_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one_class = DATA["classification"].rows(DATA["classification"].truth == "a")
    found = intervals("classification", one_class, 100, 0.9, seed=0)
    assert set(found) == set(scores("classification", one_class))
    assert "roc_auc" not in found
    assert capsys.readouterr().err == ""


def test_a_mean_of_shares_that_are_all_right_is_wilsons_of_all_rows() -> None:
    """Ten classes of ten rows, each right: as 100 rows of which none is wrong."""
    truth = np.repeat(np.arange(10), 10)
    table = Predictions(truth, truth, np.arange(10))
    found = intervals("classification", table, 1, 0.9, seed=0)["balanced_accuracy"]
    wanted = proportion_confint(100, 100, alpha=0.1, method="wilson")
    np.testing.assert_allclose(bounds(found), wanted, atol=1e-9)


@pytest.mark.parametrize("task", DATA)
def test_rows_that_are_copies_count_once(task: str) -> None:
    """Each row ten times: the intervals of the groups are those of one row of each."""
    once = DATA[task]
    copies = once.rows(np.repeat(np.arange(len(once)), 10))
    unit = np.repeat(np.arange(len(once)), 10)
    wanted = intervals(task, once, 400, 0.9, 0)
    found = intervals(task, copies, 400, 0.9, 0, unit)
    for name, interval in wanted.items():
        low, high = bounds(interval)
        np.testing.assert_allclose(
            bounds(found[name]), (low, high), atol=0.08 * (high - low), err_msg=name
        )


def test_units_are_groups_blocks_of_time_or_equal_features() -> None:
    table = pl.LazyFrame({"g": ["b", "a", "b"], "x": [1.0, 1.0, 2.0], "z": [0, 0, 0]})
    table = table.with_columns(y=pl.lit("yes"))

    def of(**split: object) -> list[int] | None:
        found = units(table, params(**split))
        return None if found is None else found.tolist()

    assert of(method="group", column="g") == [1, 0, 1]
    alike = of(method="random", equal_features="together")
    assert alike is not None
    assert len(set(alike)) == 3
    assert of(method="random") is of(method="stratified") is None
    for method in ("random", "stratified"):
        assert of(method=method, id=["g"]) == [1, 0, 1]
        assert of(method=method, id=["g", "z"]) == [1, 0, 1]
        assert of(method=method, id=["g", "x"]) is of(method=method, id=["left out"]) is None
    days = pl.LazyFrame({"day": np.arange(1000)[::-1], "y": ["no"] * 1000})
    blocks = units(days, params(method="time", column="day"))
    assert blocks is not None
    assert blocks.tolist() == [row // 20 for row in range(999, -1, -1)]
