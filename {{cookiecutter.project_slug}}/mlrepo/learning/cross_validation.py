"""Score a model on folds of the train rows."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from statistics import fmean, pstdev
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import clone
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from mlrepo.core.errors import ProjectError
from mlrepo.core.progress import progress
from mlrepo.learning import duration, metrics
from mlrepo.learning.cluster import session
from mlrepo.learning.fit import TrainingTable
from mlrepo.learning.predictions import Predictions

Scores = Callable[[str, Predictions], Mapping[str, float]]
# Takes metric -> its values over the folds so far, and may raise to end the run there.
AfterFold = Callable[[dict[str, list[float]]], None]

_after_fold: ContextVar[AfterFold | None] = ContextVar("after_fold", default=None)


@contextmanager
def observed(after_fold: AfterFold) -> Iterator[None]:
    """Call ``after_fold`` after each fold in the block; a sweep prunes trials there.

    It reaches `cross_validate` through any page that calls it, however the page is written.
    """
    token = _after_fold.set(after_fold)
    try:
        yield
    finally:
        _after_fold.reset(token)


def cross_validate(model: Any, table: TrainingTable, scores: Scores) -> dict[str, float]:
    """Return mean and standard deviation over the folds of each metric; nothing where it is off.

    Clones of ``model`` are fitted; ``scores`` takes the task and predictions. An evaluate.metric
    that there is not is refused here, before anything is fitted.
    """
    metrics.asked_for(table.params)
    if not table.params.train.cross_validation:
        return {}
    inputs, truth, after_fold = table.inputs, table.target, _after_fold.get()
    if after_fold is None:
        duration.announce(model, inputs, truth, table.params.train.cross_validation)
    values: dict[str, list[float]] = {}
    folds = list(_folds(table))
    for learn, score in progress(folds, "cross-validation"):
        candidate = clone(model)
        session.fit(candidate, inputs[learn], truth[learn])
        predictions = Predictions.of(candidate, inputs[score], truth[score])
        for name, value in scores(table.params.data.task, predictions).items():
            values.setdefault(name, []).append(value)
        if after_fold:
            after_fold(values)
    # A metric that one fold leaves undefined has no mean over the folds.
    complete = {name: found for name, found in values.items() if len(found) == len(folds)}
    means: dict[str, float] = {}
    for name, found in complete.items():
        means |= {name: fmean(found), f"{name}_std": pstdev(found)}
    return means


def _folds(table: TrainingTable) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield row numbers to learn from and to score, divided as train and test are."""
    params, truth = table.params, table.target
    count, seed, split = params.train.cross_validation, params.train.seed, params.prepare.split
    groups, order = None, np.arange(len(truth))
    folds: Any
    if split.method == "time":
        order = table.rows[str(split.column)].arg_sort().to_numpy()
        folds = TimeSeriesSplit(count)
    elif split.method == "group" or split.equal_features == "together":
        by_column = split.method == "group"
        groups = _groups(table.rows.select(str(split.column)) if by_column else table.inputs)
        shuffle = {"n_splits": count, "shuffle": True, "random_state": seed}
        classes = params.data.task == "classification"
        folds = StratifiedGroupKFold(**shuffle) if classes else GroupKFold(**shuffle)
    else:
        # Folds with equal shares know a little of one another's labels: a coin looks foreseen.
        kind = StratifiedKFold if split.method == "stratified" else KFold
        folds = kind(count, shuffle=True, random_state=seed)
    try:
        for learn, score in folds.split(order, truth[order], groups):
            yield order[learn], order[score]
    except ValueError as error:
        raise ProjectError(f"train.cross_validation in params.yaml: {error}") from None


def _groups(values: pl.DataFrame) -> np.ndarray:
    """Return a number for each row (n,), the same for equal rows: the place of the first of them.

    So it does not depend on polars' hash, which another version may change.
    """
    _, first, which = np.unique(values.hash_rows(), return_index=True, return_inverse=True)
    return first[which]
