"""Fit the model on the train rows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from . import (
    boosting,
    boosting_cluster,
    cluster,
    duration,
    features,
    incremental,
    memory,
    metrics,
    persist,
)
from .artifacts import MODEL, TRAIN, read_table, scan_table
from .errors import ProjectError
from .files import atomic, put_json
from .model import build
from .params import Params
from .predictions import Predictions
from .progress import progress

CROSS_VALIDATION = Path("metrics/cross_validation.json")

# Takes metric -> its values over the folds so far, and may raise to end the run there.
AfterFold = Callable[[dict[str, list[float]]], None]


def train(params: Params, after_fold: AfterFold | None = None) -> None:
    """Write the model file, its SHA-256 and the scores of the cross-validation.

    ``after_fold`` is told of each fold; a sweep leaves a hopeless trial there.

    Raises:
        ProjectError: if the estimator or its arguments do not fit the data; nothing is written.
    """
    scan = scan_table(TRAIN)
    chosen = features.choose(scan.collect_schema(), params)
    model = build(params, chosen)
    boosting.refuse_labels(params, TRAIN)
    scores: dict[str, dict[str, float]] = {"cv": {}}
    if boosting_cluster.is_meant(params.train):
        boosting_cluster.fit(model, TRAIN, chosen, params)
    elif params.train.batches.rows is None:
        memory.check_all_rows(scan, chosen, params)
        scores = _fit_whole(model, chosen, params, after_fold)
    elif params.train.is_boosted:
        from . import boosting_batches  # which imports xgboost, an extra

        memory.check_bins(scan, chosen, params)
        boosting_batches.fit(model, TRAIN, chosen, params)
    else:
        incremental.fit(model, TRAIN, chosen, params)
    # All is written before the first file is replaced: none is from another run than the others.
    with atomic(CROSS_VALIDATION) as partial:
        put_json(partial, scores)
        persist.save(model, MODEL)


def _fit_whole(
    model: BaseEstimator,
    chosen: features.Features,
    params: Params,
    after_fold: AfterFold | None,
) -> dict[str, dict[str, float]]:
    table = read_table(TRAIN)
    features.refuse_all_missing(table, chosen)
    inputs, truth = features.select(table, chosen), features.target(table, params.data)
    if after_fold is None and cluster.client() is None:  # neither a trial nor the work of others
        duration.tell(model, inputs, truth, params.train.cross_validation)
    scores = cross_validate(model, inputs, truth, table, params, after_fold)
    print(f"fitting {params.train.estimator} on {inputs.height} rows x {inputs.width} features")
    fit(model, inputs, truth)
    _keep_best(model)
    return scores


def fit(model: BaseEstimator, inputs: pl.DataFrame, truth: np.ndarray) -> None:
    """Fit ``model`` in place on inputs (rows, features) and truth (rows,).

    Raises:
        ProjectError: with the estimator's own words, if it refuses its arguments or the data.
    """
    try:
        cluster.fit(model, inputs, truth)
    except (TypeError, ValueError) as error:
        name = type(model.steps[-1][1]).__name__
        raise ProjectError(
            f"{name} cannot be fitted: {error}\n  See train.arguments and train.preprocessing in "
            "params.yaml."
        ) from error


def _keep_best(model: Any) -> None:
    """Put what a search found in its place: it keeps the times of its fits, which never repeat."""
    name, search = model.steps[-1]
    if hasattr(search, "best_estimator_"):
        print(f"best of the search: {search.best_params_}")
        model.steps[-1] = (name, search.best_estimator_)


def cross_validate(
    model: BaseEstimator,
    inputs: pl.DataFrame,
    truth: np.ndarray,
    table: pl.DataFrame,
    params: Params,
    after_fold: AfterFold | None = None,
) -> dict[str, dict[str, float]]:
    """Return mean and standard deviation over the folds of each metric, none when it is off."""
    values: dict[str, list[float]] = {}
    folds = list(_folds(truth, table, params)) if params.train.cross_validation else []
    for learn, score in progress(folds, "cross-validation"):
        candidate = clone(model)
        fit(candidate, inputs[learn], truth[learn])
        predictions = Predictions.of(candidate, inputs[score], truth[score])
        for name, value in metrics.scores(params.data.task, predictions).items():
            values.setdefault(name, []).append(value)
        if after_fold:
            after_fold(values)
    # A metric that one fold leaves undefined has no mean over the folds.
    complete = {name: found for name, found in values.items() if len(found) == len(folds)}
    scores: dict[str, float] = {}
    for name, found in complete.items():
        scores |= {name: fmean(found), f"{name}_std": pstdev(found)}
    return {"cv": scores}


def _folds(
    truth: np.ndarray, table: pl.DataFrame, params: Params
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield row numbers to learn from and to score, divided as train and test are."""
    count, seed, split = params.train.cross_validation, params.train.seed, params.prepare.split
    stratify = params.data.task == "classification"
    groups, order = None, np.arange(len(truth))
    folds: Any
    if split.method == "time":
        order = table[str(split.column)].arg_sort().to_numpy()
        folds = TimeSeriesSplit(count)
    elif split.method == "group":
        groups = table[str(split.column)].rank("dense").to_numpy()
        shuffle = {"n_splits": count, "shuffle": True, "random_state": seed}
        folds = StratifiedGroupKFold(**shuffle) if stratify else GroupKFold(**shuffle)
    else:
        kind = StratifiedKFold if stratify else KFold
        folds = kind(count, shuffle=True, random_state=seed)
    try:
        for learn, score in folds.split(order, truth[order], groups):
            yield order[learn], order[score]
    except ValueError as error:
        raise ProjectError(f"train.cross_validation in params.yaml: {error}") from None
