"""Folds of the train rows, divided as train and test are."""

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from mlrepo.core.errors import ProjectError
from mlrepo.learning.predictions import IndexArray
from mlrepo.learning.training_table import TrainingTable

# `_warn_of_rare` says it in words of params.yaml.
warnings.filterwarnings("ignore", "The least populated class in y", UserWarning)


def folds(table: TrainingTable) -> Iterator[tuple[IndexArray, IndexArray]]:
    """Yield row numbers to learn from and to score, divided as train and test are."""
    params, truth = table.params, table.target
    count, seed, split = params.train.cross_validation, params.train.seed, params.prepare.split
    groups, order = None, np.arange(len(truth))
    kind: Any
    if split.method == "time":
        order = table.rows[str(split.column)].arg_sort().to_numpy()
        kind = TimeSeriesSplit(count)
    elif split.method == "group" or split.equal_features == "together":
        by_column = split.method == "group"
        groups = _groups(table.rows.select(str(split.column)) if by_column else table.inputs)
        shuffle = {"n_splits": count, "shuffle": True, "random_state": seed}
        classes = params.data.task == "classification"
        kind = StratifiedGroupKFold(**shuffle) if classes else GroupKFold(**shuffle)
    else:
        # Folds with equal shares know a little of one another's labels: a coin looks foreseen.
        made = StratifiedKFold if split.method == "stratified" else KFold
        kind = made(count, shuffle=True, random_state=seed)
    try:
        parts = list(kind.split(order, truth[order], groups))
    except ValueError as error:
        raise ProjectError(
            f"train.cross_validation in params.yaml is {count}, and the {len(truth)} train rows "
            f"cannot be divided into so many folds by the method '{split.method}': set it lower, "
            "or to 0"
        ) from error
    if isinstance(kind, StratifiedKFold):
        _warn_of_rare(truth, count)
    for learn, score in parts:
        yield order[learn], order[score]


def _warn_of_rare(truth: np.ndarray, count: int) -> None:
    classes, sizes = np.unique(truth, return_counts=True)
    if sizes.min() < count:
        print(
            f"warning: the class '{classes[sizes.argmin()]}' has {sizes.min()} train rows, fewer "
            f"than train.cross_validation has folds ({count}): some folds score without it",
            file=sys.stderr,
        )


def _groups(values: pl.DataFrame) -> np.ndarray:
    """Return a number for each row (n,), the same for equal rows: the place of the first of them.

    So it does not depend on polars' hash, which another version may change.
    """
    _, first, which = np.unique(values.hash_rows(), return_index=True, return_inverse=True)
    return first[which]
