"""Every number that is printed, once more by scikit-learn and pandas alone, told the same rows.

15 estimators and six tables, with and without weights of the rows; LONG=1 takes each estimator to
each table of its task, otherwise to one of them.
"""

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import datasets
from sklearn import metrics as sk
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from mlrepo.core.paths import MODEL, TEST, TRAIN
from mlrepo.learning import model_file
from mlrepo.scoring import importance, plots
from penguins.evaluate import main as evaluate
from penguins.prepare import main as prepare
from penguins.train import main as train

from .conftest import TinyProject, tiny_table

FOLDS, REPEATS = 3, 2
ESTIMATORS: dict[str, list[tuple[str, dict[str, object]]]] = {
    "classification": [
        ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 10}),
        ("sklearn.ensemble.ExtraTreesClassifier", {"n_estimators": 10}),
        ("sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 10}),
        ("sklearn.tree.DecisionTreeClassifier", {"max_depth": 3}),
        ("sklearn.linear_model.LogisticRegression", {"max_iter": 2000}),
        ("sklearn.neighbors.KNeighborsClassifier", {}),
        ("sklearn.naive_bayes.GaussianNB", {}),
        ("sklearn.linear_model.RidgeClassifier", {}),  # no probabilities
        ("sklearn.svm.LinearSVC", {}),
    ],
    "regression": [
        ("sklearn.ensemble.RandomForestRegressor", {"n_estimators": 10}),
        ("sklearn.ensemble.HistGradientBoostingRegressor", {"max_iter": 10}),
        ("sklearn.linear_model.LinearRegression", {}),
        ("sklearn.linear_model.Ridge", {}),
        ("sklearn.neighbors.KNeighborsRegressor", {}),
        ("sklearn.svm.SVR", {}),
    ],
}


def with_slices(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(part=np.array(["north", "south", "west"])[np.arange(len(table)) % 3])


def bundled(load: Any) -> pd.DataFrame:
    frame = load(as_frame=True).frame
    names = frame.columns.str.replace(r"\W", "_", regex=True)
    return with_slices(frame.set_axis(names, axis=1).rename(columns={"target": "y"}))


def named(load: Any) -> pd.DataFrame:
    """A table whose target is text."""
    table = bundled(load)
    return table.assign(y="class " + table["y"].astype(str))


def mixed() -> pd.DataFrame:
    """Numbers and categories with holes, and two classes."""
    table = tiny_table(300).drop("id", "herd", "seen").to_pandas()
    return with_slices(table.rename(columns={"kind": "y"}))


def friedman() -> pd.DataFrame:
    x, y = datasets.make_friedman1(300, 6, noise=1, random_state=0)
    return with_slices(pd.DataFrame(x, columns=list("abcdef")).assign(y=y))


def holes() -> pd.DataFrame:
    table = tiny_table(300).drop("id", "herd", "seen").to_pandas()
    rng = np.random.default_rng(0)
    return with_slices(table.assign(y=table["weight"] + 5 * rng.standard_t(3, 300)))


TABLES: dict[str, list[Any]] = {
    "classification": [
        lambda: named(datasets.load_breast_cancer),
        lambda: named(datasets.load_wine),
        mixed,
    ],
    "regression": [lambda: bundled(datasets.load_diabetes), friedman, holes],
}
CASES = [
    (task, *estimator, table, weighted)
    for task, estimators in ESTIMATORS.items()
    for number, estimator in enumerate(estimators)
    for table in (range(3) if os.environ.get("LONG") else [number % 3])
    for weighted in (False, True)
    if not (weighted and "KNeighbors" in estimator[0])  # which takes none
]


def by_sklearn(
    task: str, model: Any, inputs: pd.DataFrame, truth: Any, weights: Any = None
) -> dict[str, float]:
    """Return each metric that is defined, by scikit-learn."""
    said, w = model.predict(inputs), {"sample_weight": weights}
    if task == "regression":
        return {
            "rmse": sk.root_mean_squared_error(truth, said, **w),
            "mae": sk.mean_absolute_error(truth, said, **w),
            "r2": sk.r2_score(truth, said, **w),
            "median_absolute_error": sk.median_absolute_error(truth, said, **w),
        }
    classes = list(model.classes_)
    found = {
        "accuracy": sk.accuracy_score(truth, said, **w),
        "balanced_accuracy": sk.recall_score(
            truth, said, labels=sorted(set(truth)), average="macro", **w
        ),
        "f1_macro": sk.f1_score(truth, said, average="macro", **w),
    }
    sure = hasattr(model, "predict_proba")
    ranked = model.predict_proba(inputs) if sure else model.decision_function(inputs)
    if len(set(truth)) == len(classes):
        each = ranked[:, 1:] if sure and len(classes) == 2 else np.reshape(ranked, (len(truth), -1))
        of_class = [np.asarray(truth) == c for c in (classes[1:] if len(classes) == 2 else classes)]
        pairs = list(zip(of_class, each.T, strict=True))
        found["roc_auc"] = np.mean([sk.roc_auc_score(y, s, **w) for y, s in pairs])
        precisions = [sk.average_precision_score(y, s, **w) for y, s in pairs]
        found["average_precision"] = np.mean(precisions)
    if sure:
        found["log_loss"] = sk.log_loss(truth, ranked, labels=classes, **w)
        found["brier"] = sk.brier_score_loss(truth, ranked, labels=classes, **w)
    return found


def with_none(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the same with None for a text that is missing, as polars has it."""
    texts = frame.select_dtypes(exclude="number")
    return frame.assign(
        **{name: texts[name].astype(object).where(texts[name].notna(), None) for name in texts}
    )


def assert_equal(found: dict[str, float], wanted: dict[str, float]) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("task", "estimator", "arguments", "table", "weighted"), CASES)
def test_each_number_is_scikit_learns(
    tiny: TinyProject,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    estimator: str,
    arguments: dict[str, object],
    table: int,
    weighted: bool,
) -> None:
    made = TABLES[task][table]()
    if weighted:
        made = made.assign(w=np.random.default_rng(1).exponential(size=len(made)) + 0.01)
    made.to_csv("table.csv", index=False)
    params = tiny.set(
        {
            "data.task": task,
            "data.target": "y",
            "data.weight": "w" if weighted else None,
            "data.id": [],
            "data.features": {"include": [], "exclude": []},
            "prepare.split.method": "stratified" if task == "classification" else "random",
            "train.estimator": estimator,
            "train.arguments": arguments,
            "train.cross_validation": FOLDS,
            "evaluate.slices": ["part"],
            "evaluate.importance_repeats": REPEATS,
        }
    )
    unrounded: list[tuple[str, float, float]] = []

    def spied(name: str, rows: Any) -> pl.DataFrame:
        unrounded.extend(rows)
        return plots.table(name, rows)

    monkeypatch.setattr(importance, "table", spied)
    tiny.propose()
    prepare(params)
    train(params)
    evaluate(params)

    model = model_file.load(MODEL)
    names = [str(name) for name in model.feature_names_in_]
    sides = [with_none(pd.read_parquet(side)) for side in (TRAIN, TEST)]
    (train_x, train_y), (test_x, test_y) = ((side[names], side["y"].to_numpy()) for side in sides)
    train_w, test_w = ((s["w"].to_numpy() if weighted else np.ones(len(s))) for s in sides)
    said = json.loads(Path("metrics/evaluate.json").read_text(encoding="utf-8"))
    assert_equal(said["train"], by_sklearn(task, model, train_x, train_y, train_w))
    assert_equal(said["test"], by_sklearn(task, model, test_x, test_y, test_w))

    with Path("reports/scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    in_slice = {
        value: (sides[1]["part"] == value).to_numpy() for value in ("north", "south", "west")
    }
    in_slice[""] = np.full(len(test_y), fill_value=True)
    for value, there in in_slice.items():
        found = {r["metric"]: float(r["estimate"]) for r in rows if r["value"] == value}
        assert_equal(found, by_sklearn(task, model, test_x[there], test_y[there], test_w[there]))

    kind = StratifiedKFold if task == "classification" else KFold
    folds = []
    for learn, score in kind(FOLDS, shuffle=True, random_state=0).split(train_x, train_y):
        w = {"estimator__sample_weight": train_w[learn]} if weighted else {}
        candidate = clone(model).fit(train_x.iloc[learn], train_y[learn], **w)
        held = train_x.iloc[score], train_y[score], train_w[score]
        folds.append(by_sklearn(task, candidate, *held))
    of_folds = pd.DataFrame(folds)
    wanted = {
        **of_folds.mean().to_dict(),
        **of_folds.std(ddof=0).add_suffix("_std").to_dict(),
    }
    kept = json.loads(Path("metrics/cross_validation.json").read_text(encoding="utf-8"))
    assert_equal(kept["cv"], wanted)

    dummy = DummyRegressor() if task == "regression" else DummyClassifier(strategy="prior")
    dummy.fit(train_x, train_y, sample_weight=train_w)
    for value, there in in_slice.items():
        scored = [r for r in rows if r["value"] == value]
        constant = {r["metric"]: float(r["constant"]) for r in scored if r["constant"]}
        of_dummy = by_sklearn(task, dummy, test_x[there], test_y[there], test_w[there])
        # What the model has no score in has no row.
        assert_equal(constant, {r["metric"]: of_dummy[r["metric"]] for r in scored})

    lead = rows[0]["metric"]
    sign = 1 if rows[0]["better"] == "larger" else -1
    wanted_drops = permutation_importance(
        model,
        test_x,
        test_y,
        scoring=lambda m, x, y, sample_weight: (
            sign * by_sklearn(task, m, x, y, sample_weight)[lead]
        ),
        sample_weight=test_w,
        n_repeats=REPEATS,
        random_state=0,
    )
    of_means = dict(zip(names, wanted_drops.importances_mean, strict=True))
    of_deviations = dict(zip(names, wanted_drops.importances_std, strict=True))
    assert_equal({name: mean for name, mean, _ in unrounded}, of_means)
    assert_equal({name: deviation for name, _, deviation in unrounded}, of_deviations)
    with Path("reports/plots/importance.csv").open(encoding="utf-8", newline="") as file:
        printed = {r["feature"]: (float(r["mean"]), float(r["std"])) for r in csv.DictReader(file)}
    # The file has six digits, so that a last bit of another machine changes no byte of it.
    assert printed == {n: (float(f"{m:.6g}"), float(f"{s:.6g}")) for n, m, s in unrounded}


def by_day(rows: pd.DataFrame) -> list[Any]:
    """Folds of the days, and the rows of each fold in the order of their days."""
    order = np.argsort(rows["day"].to_numpy(), kind="stable")
    days = np.unique(rows["day"])
    return [
        [order[np.isin(rows["day"].to_numpy()[order], days[part])] for part in pair]
        for pair in TimeSeriesSplit(FOLDS).split(days)
    ]


def by_value(kind: Any, names: list[str]) -> Any:
    """Folds of the different values of some columns."""

    def divided(rows: pd.DataFrame) -> list[Any]:
        groups = rows.groupby(names, sort=False, dropna=False).ngroup()
        return list(kind(FOLDS, shuffle=True, random_state=0).split(rows, rows["y"], groups))

    return divided


FEATURES = ["size", "weight", "colour"]
SPLITS: dict[str, tuple[dict[str, object], Any]] = {
    "group": ({"method": "group", "column": "herd"}, by_value(GroupKFold, ["herd"])),
    "time": ({"method": "time", "column": "day"}, by_day),
    "copies": (
        {"method": "random", "equal_features": "together"},
        by_value(GroupKFold, FEATURES),
    ),
    "ids": ({"method": "random"}, by_value(GroupKFold, ["herd", "day"])),
    "stratified ids": (
        {"method": "stratified"},
        by_value(StratifiedGroupKFold, ["herd", "day"]),
    ),
}


@pytest.mark.parametrize(
    ("name", "task"),
    [(n, t) for n in SPLITS for t in TABLES if (n, t) != ("stratified ids", "regression")],
)
def test_each_score_of_folds_that_keep_rows_together_is_scikit_learns(
    tiny: TinyProject, name: str, task: str
) -> None:
    split, divided = SPLITS[name]
    rng = np.random.default_rng(0)
    rows = (mixed() if task == "classification" else holes()).iloc[rng.integers(0, 300, 500)]
    rows = rows.assign(herd=rng.integers(0, 40, 500), day=rng.integers(0, 37, 500))
    rows[[*FEATURES, "herd", "day", "y"]].to_csv("table.csv", index=False)
    which = "Classifier" if task == "classification" else "Regressor"
    params = tiny.set(
        {
            "data.task": task,
            "data.target": "y",
            "data.id": ["herd", "day"] if "ids" in name else [],
            "data.features": {"include": FEATURES, "exclude": []},
            "train.estimator": f"sklearn.ensemble.ExtraTrees{which}",
            "train.arguments": {"n_estimators": 5},
            "train.cross_validation": FOLDS,
        }
        | {f"prepare.split.{key}": value for key, value in split.items()}
    )
    tiny.propose()
    prepare(params)
    train(params)
    model, side = model_file.load(MODEL), with_none(pd.read_parquet(TRAIN))
    x, y = side[[str(name) for name in model.feature_names_in_]], side["y"].to_numpy()
    folds = [
        by_sklearn(task, clone(model).fit(x.iloc[learn], y[learn]), x.iloc[score], y[score])
        for learn, score in divided(side)
    ]
    wanted = pd.DataFrame(folds).mean().to_dict()
    kept = json.loads(Path("metrics/cross_validation.json").read_text(encoding="utf-8"))["cv"]
    assert_equal({metric: kept[metric] for metric in wanted}, wanted)
