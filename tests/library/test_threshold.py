"""The decision threshold: tuned on train rows alone, and what every prediction goes by."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, KFold, StratifiedKFold
from sklearn.semi_supervised import SelfTrainingClassifier

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import FOLDS, MODEL, TEST, TRAIN
from mlrepo.learning import model_file, threshold
from mlrepo.learning.cluster import session
from mlrepo.learning.fit import fit
from mlrepo.learning.metrics.aggregates import from_sklearn
from mlrepo.learning.training_table import TrainingTable
from penguins import evaluate, prepare, train
from penguins import metrics as owners_metrics

from .conftest import TinyProject

QUICK = {"train.arguments": {"n_estimators": 20}, "train.cross_validation": 3}


def rare(rows: int = 400) -> pl.DataFrame:
    """A table whose second class has a tenth of the rows, and follows from `x` with much noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    said = x + rng.normal(size=rows) > 1.8
    return pl.DataFrame(
        {"id": range(rows), "x": x, "w": rng.exponential(size=rows) + 0.1}
    ).with_columns(kind=pl.Series(np.where(said, "yes", "no")), herd=pl.lit("one"))


@pytest.fixture
def scarce(tiny: TinyProject) -> TinyProject:
    rare().write_csv("table.csv")
    tiny.set({**QUICK, "data.features": {"include": ["x"], "exclude": []}})
    tiny.propose()
    return tiny


def trained(params: LibraryParams) -> tuple[Any, dict[str, Any]]:
    prepare.main(params)
    train.main(params)
    return model_file.load(MODEL), json.loads(FOLDS.read_text(encoding="utf-8"))


def held_out(
    model: Any, rows: pl.DataFrame, kind: type, weight: str | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return truth, score and weight of each row that a fold holds out, by scikit-learn alone."""
    x, y = rows.select("x"), rows["kind"].to_numpy()
    w = None if weight is None else rows[weight].to_numpy()
    parts = []
    for learn, score in kind(3, shuffle=True, random_state=0).split(x, y):
        known = {} if w is None else {"estimator__sample_weight": w[learn]}
        fitted = clone(model).fit(x[learn], y[learn], **known)
        held = np.ones(len(score)) if w is None else w[score]
        parts.append((y[score], fitted.predict_proba(x[score])[:, 1], held))
    truth, scores, weights = (np.concatenate(each) for each in zip(*parts, strict=True))
    return truth, scores, None if w is None else weights


def best(
    truth: np.ndarray, scores: np.ndarray, weights: np.ndarray | None, metric: Any
) -> tuple[float, float]:
    """Return the best value of a metric over all scores as thresholds, and the first of these."""
    limits = np.unique(scores[truth == "yes"])
    values = [
        metric(truth, np.where(scores >= limit, "yes", "no"), sample_weight=weights)
        for limit in limits
    ]
    return max(values), float(limits[int(np.argmax(values))])


def f1(truth: np.ndarray, said: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
    return float(sk.f1_score(truth, said, average="macro", sample_weight=sample_weight))


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("f1_macro", f1),
        ("balanced_accuracy", sk.balanced_accuracy_score),
        ("accuracy", sk.accuracy_score),
    ],
)
@pytest.mark.parametrize("weight", [None, "w"])
def test_it_is_where_the_metric_is_best_on_folds(
    scarce: TinyProject, name: str, metric: Any, weight: str | None
) -> None:
    params = scarce.set({"train.threshold": {"tune": name}, "data.weight": weight})
    model, said = trained(params)
    rows = pl.read_parquet(TRAIN)
    plain = clone(model).set_params(estimator=clone(model[-1].estimator))
    _, limit = best(*held_out(plain, rows, KFold, weight), metric)
    assert said["threshold"] == limit == model[-1].threshold
    shares = model.predict_proba(rows)[:, 1]
    assert (model.predict(rows) == np.where(shares >= limit, "yes", "no")).all()


def test_the_folds_are_those_of_the_split(scarce: TinyProject) -> None:
    params = scarce.set(
        {"train.threshold": {"tune": "f1_macro"}, "prepare.split.method": "stratified"}
    )
    model, said = trained(params)
    plain = clone(model).set_params(estimator=clone(model[-1].estimator))
    _, limit = best(*held_out(plain, pl.read_parquet(TRAIN), StratifiedKFold), f1)
    assert said["threshold"] == limit


def test_of_many_scores_two_hundred_are_tried(scarce: TinyProject) -> None:
    rare(4000).write_csv("table.csv")
    scarce.propose()
    linear = {"train.estimator": "sklearn.linear_model.LogisticRegression", "train.arguments": {}}
    model, said = trained(scarce.set({**linear, "train.threshold": {"tune": "f1_macro"}}))
    plain = clone(model).set_params(estimator=clone(model[-1].estimator))
    truth, scores, _ = held_out(plain, pl.read_parquet(TRAIN), KFold)
    distinct = np.unique(scores[truth == "yes"])
    assert len(distinct) > 250
    tried = distinct[np.linspace(0, len(distinct) - 1, 200).round().astype(int)]
    values = [f1(truth, np.where(scores >= limit, "yes", "no")) for limit in tried]
    assert said["threshold"] == tried[np.argmax(values)]
    most, at = best(truth, scores, None, f1)
    assert (at in tried, most - max(values) < 0.01) == (False, True)


def test_the_cross_validation_tunes_for_each_fold_on_its_other_rows(scarce: TinyProject) -> None:
    """So that no row is scored by a threshold that it has helped to choose."""
    params = scarce.set({"train.threshold": {"tune": "f1_macro"}})
    model, said = trained(params)
    rows = pl.read_parquet(TRAIN)
    plain = clone(model).set_params(estimator=clone(model[-1].estimator))
    x, y = rows.select("x"), rows["kind"].to_numpy()
    values = []
    for learn, score in KFold(3, shuffle=True, random_state=0).split(x):
        _, limit = best(*held_out(plain, rows[learn], KFold), f1)
        fitted = FixedThresholdClassifier(clone(plain), threshold=limit).fit(x[learn], y[learn])
        values.append(f1(y[score], fitted.predict(x[score])))
    assert said["cv"]["f1_macro"] == pytest.approx(np.mean(values), abs=1e-9)


@pytest.mark.parametrize("tuned", [False, True])
def test_test_rows_have_no_part_in_it(scarce: TinyProject, tuned: bool) -> None:
    """A leak is planted: test labels that the threshold could be tuned to."""
    params = scarce.set({"train.threshold": {"tune": "f1_macro"} if tuned else 0.3})
    trained(params)
    before = MODEL.read_bytes()
    test = pl.read_parquet(TEST)
    test.with_columns(kind=pl.lit("yes"), x=pl.lit(9.0)).write_parquet(TEST)
    train.main(params)
    assert MODEL.read_bytes() == before
    with pytest.raises(ProjectError, match=r"test\.parquet is what \*evaluate\* scores by"):
        TrainingTable(TEST, params)


def test_scores_and_plots_go_by_it(scarce: TinyProject) -> None:
    found = {}
    for limit in (None, 0.05, 0.95):
        params = scarce.set({"train.threshold": limit})
        model, said = trained(params)
        evaluate.main(params)
        scores = json.loads(Path("metrics/evaluate.json").read_text(encoding="utf-8"))["test"]
        test = pl.read_parquet(TEST)
        truth, shares = test["kind"].to_numpy(), model.predict_proba(test)[:, 1]
        predicted = np.where(shares >= (limit or 0.5), "yes", "no")
        assert scores["accuracy"] == pytest.approx(sk.accuracy_score(truth, predicted))
        assert said.get("threshold") == limit
        found[limit] = scores
    assert len({scores["balanced_accuracy"] for scores in found.values()}) == 3
    assert len({scores["roc_auc"] for scores in found.values()}) == 1


def test_a_model_without_probabilities_has_one_on_its_own_scale(scarce: TinyProject) -> None:
    params = scarce.set(
        {
            "train.estimator": "sklearn.svm.LinearSVC",
            "train.arguments": {},
            "train.threshold": {"tune": "balanced_accuracy"},
        }
    )
    model, said = trained(params)
    rows = pl.read_parquet(TRAIN)
    assert -5 < said["threshold"] < 0
    scores = model.decision_function(rows)
    assert (model.predict(rows) == np.where(scores >= said["threshold"], "yes", "no")).all()


def test_an_estimator_that_stands_alone_takes_none(scarce: TinyProject) -> None:
    from sklearn.ensemble import RandomForestClassifier

    params = scarce.set({"train.threshold": 0.3})
    prepare.main(params)
    with pytest.raises(ProjectError, match="returns RandomForestClassifier alone: return a Pipe"):
        fit(RandomForestClassifier(n_estimators=3), TrainingTable(TRAIN, params))


@pytest.mark.parametrize("limit", [0.05, 0.6])
def test_what_learns_in_batches_takes_a_number(scarce: TinyProject, limit: float) -> None:
    params = scarce.set(
        {
            "train.estimator": "sklearn.naive_bayes.GaussianNB",
            "train.arguments": {},
            "train.cross_validation": 0,
            "train.batches": {"rows": 50, "passes": 1, "on_disk": False},
            "train.threshold": limit,
        }
    )
    model, _ = trained(params)
    rows = pl.read_parquet(TRAIN)
    shares = model.predict_proba(rows)[:, 1]
    assert (model.predict(rows) == np.where(shares >= limit, "yes", "no")).all()


def test_five_folds_make_36_fits(scarce: TinyProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/estimators.md says."""
    fits, fit = [], session.fit

    def counted(model: Any, *table: Any) -> None:
        fits.append(len(table[1]))
        fit(model, *table)

    monkeypatch.setattr(session, "fit", counted)
    quick = {"train.estimator": "sklearn.tree.DecisionTreeClassifier", "train.arguments": {}}
    scarce.set({**quick, "train.cross_validation": 5})
    trained(scarce.set({}))
    assert len(fits) == 6
    fits.clear()
    trained(scarce.set({"train.threshold": {"tune": "f1_macro"}}))
    assert len(fits) == 36


def with_metrics(monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    found = {**owners_metrics.CLASSIFICATION, **more}
    monkeypatch.setattr(owners_metrics, "CLASSIFICATION", found)


def test_a_metric_that_knows_the_labels_can_be_tuned_by(
    scarce: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = {("no", "yes"): 1.0, ("yes", "no"): 9.0, ("no", "no"): 0.0, ("yes", "yes"): 0.0}

    def cost(truth: np.ndarray, said: np.ndarray) -> float:
        return -float(np.mean([costs[pair] for pair in zip(truth, said, strict=True)]))

    def balance(truth: np.ndarray, said: np.ndarray) -> float:
        return -abs(float((truth == "yes").mean() - (said == "yes").mean()))

    by = {"f1_yes": from_sklearn(sk.f1_score, pos_label="yes"), "cost": from_sklearn(cost)}
    with_metrics(monkeypatch, **by, balance=from_sklearn(balance))
    limits = {}
    for name in ("f1_yes", "cost", "balance"):
        model, said = trained(scarce.set({"train.threshold": {"tune": name}}))
        limits[name] = said["threshold"]
        if name == "f1_yes":
            plain = clone(model).set_params(estimator=clone(model[-1].estimator))
            found = held_out(plain, pl.read_parquet(TRAIN), KFold)
            one = partial(sk.f1_score, pos_label="yes")
            assert limits[name] == best(*found, one)[1]
    assert limits["cost"] < limits["f1_yes"]


def test_never_is_a_threshold_too(scarce: TinyProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a wrong alarm costs more than all that is missed."""

    def cost(truth: np.ndarray, said: np.ndarray) -> float:
        return -float(np.mean(1000 * ((said == "yes") & (truth == "no")) + (truth == "yes")))

    with_metrics(monkeypatch, cost=from_sklearn(cost))
    noise = rare().with_columns(x=pl.Series(np.random.default_rng(5).normal(size=400)))
    noise.write_csv("table.csv")
    model, said = trained(scarce.set({"train.threshold": {"tune": "cost"}}))
    rows = pl.read_parquet(TRAIN)
    assert (model.predict(rows)[model.predict_proba(rows)[:, 1] < said["threshold"]] == "no").all()
    truth, scores, _ = held_out(
        clone(model).set_params(estimator=clone(model[-1].estimator)), rows, KFold
    )
    assert cost(truth, np.where(scores >= said["threshold"], "yes", "no")) >= cost(
        truth, np.full(len(truth), "no")
    )


def test_a_fold_of_one_class_is_learned_from_without_it(tiny: TinyProject) -> None:
    table = rare().with_columns(seen=pl.date(2024, 1, 1) + pl.duration(days=pl.col("id")))
    early = pl.when(pl.col("id") < 120).then(pl.lit("no")).otherwise(pl.col("kind"))
    table.with_columns(kind=early).write_csv("table.csv")
    split = {"prepare.split.method": "time", "prepare.split.column": "seen"}
    tiny.set({**QUICK, **split, "data.features": {"include": ["x"], "exclude": []}})
    tiny.propose()
    _, said = trained(tiny.set({"train.threshold": 0.3}))
    assert said["threshold"] == 0.3
    with pytest.raises(ProjectError, match="rows that are learned from have 1: no"):
        trained(tiny.set({"train.threshold": {"tune": "f1_macro"}}))


def test_a_threshold_of_the_owners_own_is_no_matter_of_params(scarce: TinyProject) -> None:
    params = scarce.set(
        {
            "train.estimator": "sklearn.model_selection.FixedThresholdClassifier",
            "train.arguments": {"estimator": "sklearn.linear_model.LogisticRegression"},
        }
    )
    assert "threshold" not in trained(params)[1]
    labels_itself = SelfTrainingClassifier(LogisticRegression(), threshold=0.75)
    assert threshold.of(labels_itself) == {}
