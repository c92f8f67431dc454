"""Folds of the train rows, divided as train and test are."""

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from mlrepo.core import column_params
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import Tune
from mlrepo.learning.predictions import IndexArray
from mlrepo.learning.training_table import TrainingTable

# `_warn_of_rare` says it in words of params.yaml.
warnings.filterwarnings("ignore", "The least populated class in y", UserWarning)


def folds(table: TrainingTable) -> Iterator[tuple[IndexArray, IndexArray]]:
    """Yield row numbers to learn from and to score, divided as train and test are."""
    split = table.params.prepare.split
    yield from _by_time(table) if split.method == "time" else _shuffled(table)


def _by_time(table: TrainingTable) -> Iterator[tuple[IndexArray, IndexArray]]:
    """Yield rows to learn from, and later ones to score: equal times are in one fold.

    Each row has a time: *prepare* refuses a table where one is absent.
    """
    times = table.rows[str(table.params.prepare.split.column)]
    rank = times.rank("dense").to_numpy().astype(np.intp) - 1
    order, count = np.argsort(rank, kind="stable"), int(rank.max()) + 1
    # The first ones are learned from alone.
    _refuse_fewer(table, count, table.params.train.cross_validation + 1)
    parts = TimeSeriesSplit(table.params.train.cross_validation).split(np.arange(count))
    for learn, score in parts:
        yield order[np.isin(rank[order], learn)], order[np.isin(rank[order], score)]


def _shuffled(table: TrainingTable) -> Iterator[tuple[IndexArray, IndexArray]]:
    params, truth, groups = table.params, table.target, _groups(table)
    count = params.train.cross_validation
    # Folds with equal shares know a little of one another's labels: a coin looks foreseen. The test
    # of a stratified split has them as well, and no other one.
    stratified = params.prepare.split.method == "stratified"
    kind: Any
    if groups is None:
        kind = StratifiedKFold if stratified else KFold
    else:
        _refuse_fewer(table, len(np.unique(groups)), count)
        kind = StratifiedGroupKFold if stratified else GroupKFold
    made = kind(count, shuffle=True, random_state=params.train.seed)
    try:
        parts = list(made.split(np.arange(len(truth)), truth, groups))
    except ValueError as error:
        raise _too_many(table, "", "lower, or to 0") from error
    if stratified:
        _warn_of_rare(truth, count)
    yield from parts


def _refuse_fewer(table: TrainingTable, there: int, needed: int) -> None:
    """Refuse more folds than there are different values of what stays in one fold."""
    if there >= needed:
        return
    split, most = table.params.prepare.split, table.params.train.cross_validation - needed + there
    what = split.column or ", ".join(table.params.data.id)
    what = "features" if split.equal_features == "together" else f"values of '{what}'"
    raise _too_many(
        table,
        f", as equal {what} are in one fold and there are {there} different ones",
        f"to {most} or lower, or to 0" if most > 1 else "to 0",
    )


def _too_many(table: TrainingTable, why: str, fix: str) -> ProjectError:
    params = table.params
    if isinstance(params.train.threshold, Tune):  # these may be folds of the rows of a fold
        fix = "lower, or train.threshold to a number"
    return ProjectError(
        f"train.cross_validation in params.yaml is {params.train.cross_validation}, and the "
        f"{table.rows.height} train rows cannot be divided into so many folds by the method "
        f"'{params.prepare.split.method}'{why}: set it {fix}"
    )


def _warn_of_rare(truth: np.ndarray, count: int) -> None:
    classes, sizes = np.unique(truth, return_counts=True)
    if sizes.min() < count:
        print(
            f"warning: the class '{classes[sizes.argmin()]}' has {sizes.min()} train rows, fewer "
            f"than train.cross_validation has folds ({count}): some folds score without it",
            file=sys.stderr,
        )


def _groups(table: TrainingTable) -> IndexArray | None:
    """Return a number for each row (n,), the same for rows that the split keeps together.

    It is the place of the first of them, so that it does not depend on polars' hash, which another
    version may change. None: each row is by itself.
    """
    names = column_params.kept_together(table.rows.schema, table.params)
    if not names:
        return None
    hashes = table.rows.select(names).hash_rows()
    _, first, which = np.unique(hashes, return_index=True, return_inverse=True)
    return None if len(first) == len(which) else first[which]
