"""data.weight: a column that says how much each row counts, where it is learned from or scored.

test_twins.py has the scores by scikit-learn.
"""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk
from sklearn.base import clone
from sklearn.naive_bayes import GaussianNB

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import MODEL, TEST, TRAIN
from mlrepo.learning import model_file
from mlrepo.learning.metrics.aggregates import from_sklearn
from mlrepo.learning.predictions import Predictions
from mlrepo.prediction.batches import Input
from mlrepo.prediction.predictor import Predictor
from mlrepo.scoring.intervals import Interval, intervals
from mlrepo.tables.schema import load_schema
from penguins import evaluate, prepare, train

from .conftest import TinyProject, tiny_table
from .ring import Ring
from .test_metrics import classified, measured


def weighted_table() -> pl.DataFrame:
    weights = np.random.default_rng(0).exponential(size=80) + 0.01
    return tiny_table().with_columns(w=pl.Series(weights))


@pytest.fixture
def weighted(tiny: TinyProject) -> TinyProject:
    weighted_table().write_csv("table.csv")
    tiny.set({"data.weight": "w"})
    tiny.propose()
    return tiny


def test_it_is_no_feature_and_predictions_do_without_it(weighted: TinyProject) -> None:
    params = weighted.set({})
    prepare.main(params)
    train.main(params)
    model: Any = model_file.load(MODEL)
    assert model.feature_names_in_.tolist() == ["size", "weight", "colour"]
    schema = load_schema(Path("schema.yaml"))
    by = Predictor(model, "v1.0.0", "ab" * 32, params.data, schema, lambda rows: rows)
    tiny_table().drop("kind").write_csv("new.csv")
    assert Input.open(Path("new.csv"), by).predictor is by


BAD: dict[str, tuple[pl.Expr, str]] = {
    "missing": (
        pl.when(pl.col("id") > 77).then(None).otherwise(1.5),
        "and 2 rows have no number from",
    ),
    "negative": (
        pl.lit(-1.5),
        "and 80 rows have no number from 1e-9 to 1e9 there: give them one, or",
    ),
    "zero": (pl.when(pl.col("id") == 3).then(0.0).otherwise(1.5), "and 1 rows have no number from"),
    "text": (pl.lit("heavy"), "data.weight 'w' is no number"),
}


@pytest.mark.parametrize(("values", "says"), BAD.values(), ids=BAD.keys())
def test_what_is_no_weight_is_refused(tiny: TinyProject, values: pl.Expr, says: str) -> None:
    tiny_table().with_columns(w=values).write_csv("table.csv")
    tiny.propose()
    params = tiny.set({"data.weight": "w"})
    with pytest.raises(ProjectError, match=says):
        prepare.main(params)
    assert not TRAIN.exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"data.weight": "v"}, r"data\.weight in params\.yaml names 'v', which the table lacks"),
        ({"data.weight": "kind"}, "the target 'kind' cannot be the weight as well"),
        ({"data.weight": "id"}, "the weight 'id' cannot be a feature or an id as well"),
        (
            {"train.estimator": "sklearn.neighbors.KNeighborsClassifier", "train.arguments": {}},
            "the fit of KNeighborsClassifier names no sample_weight, and data.weight in",
        ),
    ],
)
def test_what_cannot_go_by_weights_is_refused(
    weighted: TinyProject, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(ProjectError, match=says):
        learn(weighted.set(changes))
    assert not MODEL.exists()


def learn(params: LibraryParams) -> None:
    prepare.main(params)
    train.main(params)


def test_a_metric_of_the_owners_gets_them() -> None:
    data = classified(rows=60)
    weights = np.random.default_rng(2).exponential(size=60)
    of = Predictions(data.truth, data.predicted, data.classes, data.probabilities, weights=weights)
    metric = from_sklearn(sk.matthews_corrcoef)
    wanted = sk.matthews_corrcoef(data.truth, data.predicted, sample_weight=weights)
    assert metric(of, of.once_each)[0] == pytest.approx(wanted)

    def own(truth: Any, predicted: Any) -> float:
        return float((truth == predicted).mean())

    assert from_sklearn(own)(data, data.once_each)[0] == pytest.approx(
        own(data.truth, data.predicted)
    )
    with pytest.raises(ProjectError, match="own takes no sample_weight, and data"):
        from_sklearn(own)(of, of.once_each)


def test_batches_learn_by_them(weighted: TinyProject) -> None:
    batches = {"train.batches": {"rows": 20, "passes": 1, "on_disk": False}}
    naive = {"train.estimator": "sklearn.naive_bayes.GaussianNB", "train.arguments": {}}
    params = weighted.set({**naive, **batches})
    prepare.main(params)
    train.main(params)
    model: Any = model_file.load(MODEL)
    rows = pl.read_parquet(TRAIN)
    x, by_hand = model[:-1].transform(rows), GaussianNB()
    for start in range(0, rows.height, 20):
        part = slice(start, start + 20)
        by_hand.partial_fit(
            x[part], rows["kind"].to_numpy()[part], ["big", "small"], rows["w"].to_numpy()[part]
        )
    assert (model.predict_proba(rows) == by_hand.predict_proba(x)).all()


@pytest.mark.parametrize("on_disk", [False, True])
def test_boosting_in_batches_learns_by_them(weighted: TinyProject, on_disk: bool) -> None:
    numbers = (pl.col("kind") == "big").cast(pl.Int64).alias("two")
    weighted_table().with_columns(numbers).drop("kind").write_csv("table.csv")
    xgboost = {"train.estimator": "xgboost.XGBClassifier", "train.arguments": {"n_estimators": 5}}
    whole = weighted.set({**xgboost, "data.target": "two"})
    weighted.propose()
    prepare.main(whole)
    train.main(whole)
    rows, model = pl.read_parquet(TRAIN), clone(model_file.load(MODEL))
    at_once = model_file.load(MODEL).predict_proba(rows)
    model.fit(rows, rows["two"].to_numpy(), estimator__sample_weight=rows["w"].to_numpy())
    assert (model.predict_proba(rows) == at_once).all()
    train.main(weighted.set({"train.batches": {"rows": 7, "passes": 1, "on_disk": on_disk}}))
    loaded: Any = model_file.load(MODEL)
    np.testing.assert_allclose(loaded.predict_proba(rows), at_once, rtol=1e-6)
    train.main(weighted.set({"data.weight": None, "data.features.exclude": ["herd", "w"]}))
    loaded = model_file.load(MODEL)
    assert (loaded.predict_proba(rows) != at_once).any()


def heavier(data: Predictions, weights: np.ndarray) -> Predictions:
    names = ("truth", "predicted", "classes", "probabilities", "decisions")
    return Predictions(**{name: getattr(data, name) for name in names}, weights=weights)


TASKS = {"classification": classified(classes=3, rows=300), "regression": measured(300)}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("in_groups", [False, True])
def test_equal_weights_are_none(task: str, in_groups: bool) -> None:
    data = TASKS[task]
    unit = np.arange(300) // 3 if in_groups else None
    plain = intervals(task, data, 200, 0.95, 0, unit)
    same = intervals(task, heavier(data, np.full(300, 3.7)), 200, 0.95, 0, unit)
    assert plain.keys() == same.keys()
    for name, found in plain.items():
        assert found.method == same[name].method
        assert (found.low, found.high) == pytest.approx((same[name].low, same[name].high)), name


@pytest.mark.parametrize("task", TASKS)
def test_uneven_weights_make_intervals_wider(task: str) -> None:
    """A few heavy rows say as much as a few rows."""
    data = TASKS[task]
    uneven = np.where(np.arange(300) % 5 == 0, 4.0, 1.0)  # as much as 192 rows
    plain = intervals(task, data, 200, 0.95, 0)
    found = intervals(task, heavier(data, uneven), 200, 0.95, 0)
    bootstrapped = {"log_loss", "brier", "rmse", "mae", "r2"} & found.keys()
    for name in bootstrapped:
        assert found[name].method == "the weights of the rows are too uneven"
    for name in found.keys() - bootstrapped:
        (low, high), (least, most) = (bounds(each[name]) for each in (found, plain))
        assert high - low > 1.1 * (most - least), name


def bounds(interval: Interval) -> tuple[float, float]:
    assert interval.low is not None
    assert interval.high is not None
    return interval.low, interval.high


def test_a_row_that_weighs_more_than_all_others_leaves_no_interval_of_a_loss() -> None:
    data = TASKS["classification"]
    one = np.ones(300)
    one[0] = 10_000
    found = intervals("classification", heavier(data, one), 200, 0.95, 0)
    assert found["log_loss"].low is None
    low, high = bounds(found["accuracy"])
    assert high - low > 0.7


def test_scores_of_a_slice_and_importance_go_by_them(weighted: TinyProject) -> None:
    """Another column of weights makes other scores, of the same rows."""
    params = weighted.set({"evaluate.slices": ["colour"]})
    prepare.main(params)
    train.main(params)
    evaluate.main(params)
    before = Path("reports/scores.csv").read_text(encoding="utf-8")
    for path in (TEST,):
        table = pl.read_parquet(path)
        table.with_columns(w=table["w"].reverse()).write_parquet(path)
    evaluate.main(params)
    after = Path("reports/scores.csv").read_text(encoding="utf-8")
    pairs = list(zip(before.splitlines(), after.splitlines(), strict=True))
    assert sum(old != new for old, new in pairs) > len(pairs) / 2


def test_the_gate_compares_by_them(tiny: TinyProject) -> None:
    ring = Ring(tiny)
    plain = ring.judge("near", "good")
    truth = ring.test["answer"].to_numpy()
    right = {
        name: (np.where(ring.test[name].to_numpy() > 0.5, "yes", "no") == truth)
        for name in ("near", "good")
    }
    weights = np.where(right["near"], 1.0, 9.0)
    ring.test = ring.test.with_columns(w=pl.Series(weights))
    ring.set({"data.weight": "w"})
    found = ring.judge("near", "good")
    near, good = (np.average(right[name], weights=weights) for name in ("near", "good"))
    assert found["challenger"]["value"] == pytest.approx(near)
    assert found["champion"]["value"] == pytest.approx(good)
    assert found["difference"] == pytest.approx(near - good)
    assert plain["verdict"] == "inconclusive"
    assert (found["verdict"], found["high"] < 0) == ("fail", True)
