"""Permutation importance of a large test table: on some of its rows, and as on all of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import metrics as sk
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression

from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import MODEL
from mlrepo.core.paths import TEST as PREPARED
from mlrepo.learning import model_file
from mlrepo.learning.features import choose
from mlrepo.learning.metrics.aggregates import from_sklearn
from mlrepo.learning.predictions import Predictions, evenly_spread
from mlrepo.scoring import importance
from penguins import metrics as owners_metrics

from .conftest import TinyProject
from .test_card import written

REPEATS = 5
TEST = Path("test.parquet")
NAMES = ["strong", "weak", "noise"]


def large(rows: int, rare: np.ndarray, distance: float) -> pl.DataFrame:
    """A table whose rare class lies so far off in `strong`, and half as far in `weak`."""
    rng = np.random.default_rng(0)
    kind = np.full(rows, "usual")
    kind[rare] = "rare"
    far = np.where(kind == "rare", distance, 0.0)
    columns = {"strong": far, "weak": far / 2, "noise": np.zeros(rows)}
    columns = {name: values + rng.normal(size=rows) for name, values in columns.items()}
    return pl.DataFrame({**columns, "kind": kind})


def opened(
    tiny: TinyProject, table: pl.DataFrame, metric: str | None
) -> tuple[Any, Predictions, LibraryParams]:
    table.write_parquet(TEST)
    params = tiny.set(
        {
            "data.id": [],
            "data.features": {"include": NAMES, "exclude": []},
            "evaluate.importance_repeats": REPEATS,
            "evaluate.metric": metric,
        }
    )
    truth = table["kind"].to_numpy().astype(str)
    model: Any = LogisticRegression().fit(table.select(NAMES), truth)
    return model, Predictions.of(model, table.select(NAMES), truth), params


def found(model: Any, data: Predictions, params: LibraryParams) -> dict[str, float]:
    features = choose(pl.scan_parquet(TEST).collect_schema(), params)
    table = importance.importance_table(model, TEST, features, data, params)
    return dict(table.select("feature", "mean").iter_rows())


def by_sklearn(model: Any, table: pl.DataFrame, stands_for: np.ndarray, metric: str) -> Any:
    """The drops of a metric on these rows, each pair of a row and its giver as often as it is."""
    rows = pd.DataFrame({name: table[name].to_numpy() for name in NAMES})
    of_value = {
        name: dict(zip(rows[name], stands_for, strict=True)) for name in NAMES
    }  # no two values are equal

    def score(model: Any, inputs: Any, truth: Any, sample_weight: Any) -> float:
        frame = pd.DataFrame(np.asarray(inputs), columns=NAMES)
        for name in NAMES:
            if not frame[name].equals(rows[name]):
                sample_weight = sample_weight * frame[name].map(of_value[name]).to_numpy()
        w = {"sample_weight": sample_weight}
        if metric == "accuracy":
            return float(sk.accuracy_score(truth, model.predict(frame), **w))
        shares = model.predict_proba(frame)
        if metric == "log_loss":
            return -float(sk.log_loss(truth, shares, **w))
        ranking = {"roc_auc": sk.roc_auc_score, "average_precision": sk.average_precision_score}
        return float(ranking[metric](truth == "usual", shares[:, 1], **w))

    wanted = permutation_importance(
        model,
        rows,
        table["kind"].to_numpy(),
        scoring=score,
        sample_weight=stands_for,
        n_repeats=REPEATS,
        random_state=0,
    )
    return dict(zip(NAMES, wanted.importances_mean, strict=True))


def test_a_class_of_few_rows_among_many_is_scored(tiny: TinyProject) -> None:
    """Twelve rows of 60,000, none of them where every sixth row is."""
    rows = 60_000
    passed = np.setdiff1d(np.arange(rows), evenly_spread(rows, importance.ROWS))
    rare = passed[evenly_spread(len(passed), 12)]
    table = large(rows, rare, 4)
    model, data, params = opened(tiny, table, None)
    means = found(model, data, params)
    assert next(iter(means)) == "strong"

    some, stands_for = importance.thinned(data)
    assert stands_for is not None
    assert np.isin(rare, some).all()
    assert importance.ROWS <= len(some) <= importance.ROWS + 12
    is_rare = table["kind"].to_numpy()[some] == "rare"
    assert (stands_for[is_rare] == 1).all()
    assert stands_for.sum() == pytest.approx(rows)
    wanted = by_sklearn(model, table[some], stands_for, "roc_auc")
    for name in NAMES:
        assert means[name] == pytest.approx(wanted[name], rel=1e-5, abs=1e-9)  # six digits
    of_all = by_sklearn(model, table, np.ones(rows), "roc_auc")
    assert means["strong"] == pytest.approx(of_all["strong"], abs=0.08)


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "average_precision"])
def test_it_is_that_of_the_whole_table(tiny: TinyProject, metric: str) -> None:
    """Though a class of one row in a hundred keeps each of its rows."""
    rows = 60_000
    table = large(rows, np.arange(0, rows, 100), 4)
    model, data, params = opened(tiny, table, metric)
    some, stands_for = importance.thinned(data)
    assert stands_for is not None
    assert np.count_nonzero(table["kind"].to_numpy()[some] == "rare") == 600
    means = found(model, data, params)
    wanted = by_sklearn(model, table[some], stands_for, metric)
    of_all = by_sklearn(model, table, np.ones(rows), metric)
    for name in NAMES:
        assert means[name] == pytest.approx(wanted[name], rel=1e-5, abs=1e-9)
        assert means[name] == pytest.approx(of_all[name], rel=0.05, abs=0.002)


def test_of_many_classes_no_more_than_twice_the_rows_are_kept() -> None:
    rng = np.random.default_rng(0)
    truth = np.concatenate([np.arange(300), rng.integers(0, 2, 59_700)])
    data = Predictions(truth, truth, np.arange(300))
    some, stands_for = importance.thinned(data)
    assert stands_for is not None
    assert importance.ROWS <= len(some) <= 2 * importance.ROWS
    assert len(np.unique(truth[some])) == 300
    assert np.bincount(truth[some], stands_for) == pytest.approx(np.bincount(truth))


def test_a_metric_without_weights_gets_the_shares_of_the_table(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def right(truth: np.ndarray, said: np.ndarray) -> float:
        return float((truth == said).mean())

    own = {**owners_metrics.CLASSIFICATION, "own": from_sklearn(right)}
    monkeypatch.setattr(owners_metrics, "CLASSIFICATION", own)
    rows = 20_000
    table = large(rows, np.arange(0, rows, 20), 4)
    model, data, params = opened(tiny, table, "own")
    some, stands_for = importance.thinned(data, weighs=False)
    assert stands_for is None
    assert np.count_nonzero(table["kind"].to_numpy()[some] == "rare") == 500
    means = found(model, data, params)
    wanted = by_sklearn(model, table[some], np.ones(len(some)), "accuracy")
    for name in NAMES:
        assert means[name] == pytest.approx(wanted[name], rel=1e-5, abs=1e-9)


def test_a_table_up_to_the_limit_is_taken_as_it_is() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(importance.ROWS) < 0.01).astype(int)
    data = Predictions(truth, truth, np.arange(2))
    some, stands_for = importance.thinned(data)
    assert stands_for is None
    np.testing.assert_array_equal(some, np.arange(importance.ROWS))
    numbers = Predictions(rng.normal(size=50_000), np.zeros(50_000))
    some, stands_for = importance.thinned(numbers)
    assert stands_for is None
    np.testing.assert_array_equal(some, evenly_spread(50_000, importance.ROWS))


def test_the_strong_feature_leads_where_one_row_in_a_hundred_is_positive(tiny: TinyProject) -> None:
    """The issue's own table: accuracy would list the strong feature last."""
    rng = np.random.default_rng(1)
    rows = 4000
    strong = rng.normal(size=rows)
    rare = strong + 0.5 * rng.normal(size=rows) > 2.6
    table = {f"noise_{number}": rng.normal(size=rows) for number in range(4)}
    kind = np.where(rare, "rare", "usual")
    pl.DataFrame({**table, "strong": strong, "kind": kind}).write_csv("table.csv")
    assert 0.005 < rare.mean() < 0.02
    tiny.set({"data.id": [], "data.features": {"include": [], "exclude": []}})
    params = tiny.set({"prepare.split.method": "stratified", "train.arguments": {}})
    tiny.propose()
    _, body = written(params)
    ranked = pl.read_csv("reports/plots/importance.csv")
    assert ranked["feature"][0] == "strong"
    assert ranked["mean"][0] > 10 * ranked["mean"][1]

    assert "\n- From, the most important first: strong, " in body

    # The same by scikit-learn, told the same rows.
    test = pl.read_parquet(PREPARED)
    model: Any = model_file.load(MODEL)
    names = [str(name) for name in model.feature_names_in_]
    inputs = pd.DataFrame({name: test[name].to_numpy() for name in names})
    wanted = permutation_importance(
        model, inputs, test["kind"].to_numpy(), scoring="roc_auc", n_repeats=2, random_state=0
    )
    means = dict(ranked.select("feature", "mean").iter_rows())
    for name, mean in zip(names, wanted.importances_mean, strict=True):
        # The file has six digits.
        assert means[name] == pytest.approx(float(f"{mean:.6g}"), rel=1e-9, abs=1e-9)
