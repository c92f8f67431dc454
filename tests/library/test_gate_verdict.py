"""The gate: who passes, by which margin, and how the interval comes about."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk
from sklearn.svm import LinearSVC

from mlrepo.core.errors import ProjectError
from mlrepo.learning import model_file
from mlrepo.learning.metrics.aggregates import Weights
from mlrepo.learning.predictions import FloatArray, Predictions
from mlrepo.scoring import bootstrap
from mlrepo.scoring.units import Drawn
from mlrepo.versions.gate import verdict as gate
from mlrepo.versions.gate.paired import paired
from penguins import metrics as owners_metrics

from .conftest import TinyProject
from .ring import GROUPS, ROWS, Ring, rules


@pytest.fixture
def ring(tiny: TinyProject) -> Ring:
    return Ring(tiny)


@pytest.mark.parametrize(
    ("challenger", "champion", "verdict", "reason"),
    [
        ("good", "bad", "pass", "not worse by more than the margin"),
        ("bad", "good", "fail", "worse by more than the margin"),
        ("good", "good", "pass", "not worse by more than the margin"),
        ("near", "good", "inconclusive", "these rows cannot tell"),
        ("good", None, "pass", "first version in this stage"),
    ],
)
def test_verdicts(
    ring: Ring, challenger: str, champion: str | None, verdict: str, reason: str
) -> None:
    found = ring.judge(challenger, champion)
    assert (found["verdict"], found["reasons"]) == (verdict, [reason])


def test_a_verdict_holds_what_it_rests_on(ring: Ring) -> None:
    found = ring.judge("near", "good", margin=0.001)
    assert found["metric"] == "accuracy"
    assert found["challenger"] == {"name": "v1.1.0", "value": 0.975}
    assert found["champion"] == {"name": "v1.0.0", "value": 0.98}
    assert found["difference"] == pytest.approx(-0.005)
    assert found["low"] < found["difference"] < found["high"]
    assert (found["rows"], found["confidence"], found["margin"]) == (ROWS, 0.95, 0.001)
    assert (found["bounds"], found["champion_has_seen_rows"]) == ({}, None)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert ring.judge("near", "good", margin=0.001) == found
    ring.set({"evaluate.seed": 1})
    assert ring.judge("near", "good", margin=0.001)["low"] != found["low"]


def test_a_first_version_has_values_and_nothing_to_compare_with(ring: Ring) -> None:
    found = ring.judge("near", None)
    absent = ("champion", "difference", "low", "high", "champion_has_seen_rows")
    assert [key for key, value in found.items() if value is None] == list(absent)
    assert found["challenger"]["value"] == 0.975


def test_the_margin_is_met_by_the_whole_interval(ring: Ring) -> None:
    found = ring.judge("bad", "good")
    low, high = found["low"], found["high"]
    assert low < high < 0
    said = {}
    for margin in (-low + 1e-9, -low, -low - 1e-9, -high, -high - 1e-9):
        said[margin] = ring.judge("bad", "good", margin=margin)["verdict"]
    assert list(said.values()) == ["pass", "pass", "inconclusive", "inconclusive", "fail"]


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "log_loss", "rmse"])
def test_the_interval_is_that_of_a_plain_loop_over_scikit_learn(ring: Ring, metric: str) -> None:
    truth, names = ring.test["answer"].to_numpy(), ("near", "good")
    if metric == "rmse":
        ring.regress()
        truth, names = ring.test["amount"].to_numpy(), ("close", "far")
    found = ring.judge(*names, metric=metric)
    said = []
    for name in names:
        model: Any = model_file.load(ring.model(name))
        inputs = ring.test.select(model.feature_names_in_)
        said.append(getattr(model, "predict_proba" if metric == "log_loss" else "predict")(inputs))
    score: Callable[..., float] = {
        "accuracy": sk.accuracy_score,
        "balanced_accuracy": sk.balanced_accuracy_score,
        "log_loss": lambda true, shares: -sk.log_loss(true, shares, labels=["no", "yes"]),
        "rmse": lambda true, value: -sk.root_mean_squared_error(true, value),
    }[metric]

    def difference(rows: Any) -> float:
        return score(truth[rows], said[0][rows]) - score(truth[rows], said[1][rows])

    rng, differences = np.random.Generator(np.random.PCG64(0)), []
    for _ in range(100):
        rows = rng.integers(0, ROWS, size=ROWS)
        differences.append(difference(rows))
    wanted = np.quantile(differences, [0.025, 0.975])
    np.testing.assert_allclose([found["low"], found["high"]], wanted, rtol=1e-9)
    assert found["difference"] == pytest.approx(difference(np.arange(ROWS)))


@pytest.mark.parametrize(
    ("names", "task"), [(("near", "bad"), "answer"), (("far", "close"), "amount")]
)
def test_each_metric_has_the_interval_that_it_has_where_it_decides(
    ring: Ring, names: tuple[str, str], task: str
) -> None:
    if task == "amount":
        ring.regress()
    paired = ring.judge(*names)["paired"]
    assert len(paired) >= 3
    for metric, said in paired.items():
        deciding = ring.judge(*names, metric=metric)
        assert said == {key: deciding[key] for key in ("difference", "low", "high")}
        assert deciding["paired"] == paired


@pytest.mark.parametrize("metric", [None, "mae", "r2"])
def test_regression_where_smaller_may_be_better(ring: Ring, metric: str | None) -> None:
    ring.regress()
    assert ring.judge("close", "far", metric=metric)["verdict"] == "pass"
    found = ring.judge("far", "close", metric=metric)
    assert found["verdict"] == "fail"
    assert found["high"] < 0
    assert found["metric"] == (metric or "rmse")


def test_of_a_large_table_some_rows_are_drawn(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ring.judge("near", "good")
    draw, drawn = bootstrap.draw, set[tuple[int, int | None]]()

    def counted(
        rng: np.random.Generator, resamples: int, rows: int, draws: int | None = None
    ) -> Weights:
        drawn.add((rows, draws))
        return draw(rng, resamples, rows, draws)

    monkeypatch.setattr(bootstrap, "draw", counted)
    monkeypatch.setattr(bootstrap, "MOST", 150)
    some = ring.judge("near", "good")
    assert drawn == {(150, ROWS)}
    assert some["difference"] == whole["difference"]
    assert some["low"] < some["difference"] < some["high"]
    width = (some["high"] - some["low"]) / (whole["high"] - whole["low"])
    assert 0.7 < width < 1.4  # of as many draws as the table has rows


def test_rows_that_are_copies_count_once(ring: Ring) -> None:
    """Each row ten times: the interval is that of the groups, which are the rows of before."""
    once = width(ring.judge("near", "good"))
    herds = ring.test.with_columns(herd=pl.int_range(pl.len()))
    ring.test = pl.concat([herds] * 10)
    assert width(ring.judge("near", "good")) == pytest.approx(once, rel=0.25)  # by the id
    ring.test = ring.test.with_columns(id=pl.int_range(10**6, 10**6 + pl.len()))
    apart = width(ring.judge("near", "good"))
    ring.set({"prepare.split": GROUPS})
    assert width(ring.judge("near", "good")) == pytest.approx(once, rel=0.25)
    assert apart < 0.45 * once


def width(verdict: gate.Verdict) -> float:
    return float(verdict["high"] - verdict["low"])


@pytest.mark.parametrize(("metric", "least"), [("accuracy", 30), ("average_precision", 100)])
def test_too_few_groups_cannot_tell(ring: Ring, metric: str, least: int) -> None:
    """Of as few there is no interval of a score either."""
    ring.set({"prepare.split": GROUPS})
    for groups in (least, least - 1):
        ring.test = ring.test.with_columns(herd=pl.int_range(pl.len()) % groups)
        found = ring.judge("good", "bad", metric=metric)
        few = groups < least
        assert found["verdict"] == ("inconclusive" if few else "pass")
        assert (metric in found["paired"], found["difference"] is None) == (not few, few)
    assert found["reasons"] == [f"fewer than {least} groups or blocks of rows"]


def test_too_few_rows_cannot_tell(ring: Ring) -> None:
    ring.test = ring.test[:30]
    assert ring.judge("good", "bad")["verdict"] == "pass"
    ring.test = ring.test[:29]
    found = ring.judge("good", "bad")
    assert (found["verdict"], found["reasons"]) == ("inconclusive", ["fewer than 30 rows"])


def test_of_two_models_that_are_as_good_few_are_told_to_differ(tiny: TinyProject) -> None:
    """At a margin of 0 each end of a 0.95 interval is on the wrong side of it in 2.5% of tables."""
    ring = Ring(tiny)
    params = ring.set({"data.task": "regression", "data.target": "amount"})
    rng, tables, unit = np.random.default_rng(0), 200, np.repeat(np.arange(60), 10)
    wrong = {"groups": 0, "rows": 0}
    for _ in range(tables):
        errors = rng.normal(size=(2, 60))[:, unit] + 0.5 * rng.normal(size=(2, 600))
        one, other = (Predictions(np.zeros(600), error, None) for error in errors)
        for name, of in (("groups", unit), ("rows", None)):
            found = paired(one, other, Drawn.of(600, of, 600), params)["rmse"]
            wrong[name] += found["low"] > 0 or found["high"] < 0
    assert wrong["groups"] <= tables * 0.05 + 3 * np.sqrt(tables * 0.05 * 0.95)
    assert wrong["rows"] > tables / 3


def test_a_metric_of_no_such_name_is_told(ring: Ring) -> None:
    with pytest.raises(ProjectError, match=r"evaluate\.metric in params\.yaml: 'rmse' is none of"):
        ring.judge("good", None, metric="rmse")


def test_an_undefined_metric_is_inconclusive(ring: Ring) -> None:
    without = ring.champion("good", estimator=LinearSVC())
    found = ring.judge("good", without, metric="log_loss")
    assert found["verdict"] == "inconclusive"
    assert found["champion"]["value"] is None
    assert found["reasons"] == ["log_loss is undefined on these rows, or on most resamples of them"]
    ring.test = ring.test[:1]
    found = ring.judge("good", "bad")
    assert found["verdict"] == "inconclusive"
    assert found["difference"] is None


def test_a_metric_that_resamples_alone_define_is_inconclusive(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strange(_: Predictions, weights: Weights) -> FloatArray:
        return np.where((weights == 1).all(axis=1), np.nan, 1.0)

    monkeypatch.setitem(owners_metrics.CLASSIFICATION, "strange", strange)
    found = ring.judge("good", "bad", metric="strange")
    assert (found["verdict"], found["difference"], found["low"]) == ("inconclusive", None, None)


def test_what_the_gate_lets_in() -> None:
    for word, allow, refuse in (
        ("pass", True, True),
        ("inconclusive", True, False),
        ("fail", False, False),
    ):
        verdict = {"verdict": word}
        assert gate.opens(verdict, rules()) is allow
        assert gate.opens(verdict, rules(inconclusive="refuse")) is refuse


def test_a_verdict_in_words(ring: Ring) -> None:
    assert gate.describe(ring.judge("near", None)).splitlines() == [
        "pass: first version in this stage",
        "  accuracy on 200 rows: v1.1.0 0.975",
    ]
    bounds = {"worst_slice": 0.5, "max_size_mb": 1e-6}
    found = ring.judge("near", "good", margin=0.25, **bounds)
    found["champion_has_seen_rows"] = 7
    lines = gate.describe(found).splitlines()
    assert lines[0].startswith("fail: max_size_mb 0.0")
    assert lines[0].endswith("(near-LogisticRegression.skops) breaks 1e-06")
    assert lines[1] == "  accuracy on 200 rows: v1.1.0 0.975, v1.0.0 0.98"
    assert lines[2].startswith("  better by -0.005 (0.95 interval -0.0")
    assert lines[2].endswith("; margin 0.25")
    assert lines[3] == ("  v1.0.0 was fitted on 7 of the test rows, left out here")
    assert lines[4:] == ["  worst_slice 0.9667 (region = north, 60 rows) keeps to 0.5"]
