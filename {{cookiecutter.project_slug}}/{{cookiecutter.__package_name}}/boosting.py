"""What boosting in batches shares, on this machine or on many: what xgboost reads and is told.

xgboost keeps a value as the number of its bin, in one byte or two, so that the table of floats is
never in memory. boosting_batches.py learns in this process, boosting_cluster.py on a Dask cluster.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from . import batches, features
from .errors import ProjectError
from .features import Features
from .params import Data, Params, Train
from .predictions import Array

# Arguments that `fit` of an estimator of xgboost reads and that do nothing here.
_NOT_HERE = {
    "callbacks": "there is nothing to call",
    "early_stopping_rounds": "no rows are held back to stop by",
    "enable_categorical": "categories are encoded by train.preprocessing",
    "feature_types": "categories are encoded by train.preprocessing",
    "feature_weights": "all columns weigh the same",
}
# Values of arguments with which it learns from bins; the first is what it takes of itself.
_FROM_BINS = {
    "booster": ("gbtree", "dart"),
    "tree_method": ("hist", "auto"),
}


@dataclass(frozen=True)
class Rows:
    """A prepared table as xgboost reads it."""

    path: Path
    chosen: Features
    data: Data
    columns: Any  # the fitted preprocessing

    def read(self, start: int, size: int) -> tuple[Array, Array]:
        """Return encoded features (rows, columns) and targets (rows,) of a batch."""
        names = [*self.chosen.names, self.data.target]
        rows = pl.scan_parquet(self.path).select(names).slice(start, size).collect()
        x = self.columns.transform(features.select(rows, self.chosen))
        y = features.target(rows, self.data)
        return np.asarray(x, np.float32), np.asarray(y, np.float64)

    def shape(self) -> tuple[int, int]:
        """Return the numbers of rows and of encoded columns."""
        return batches.count(pl.scan_parquet(self.path)), self.read(0, 1)[0].shape[1]


def refuse_labels(params: Params, path: Path) -> None:
    """Refuse classes that xgboost does not take, however it learns from them.

    Raises:
        ProjectError: if the classes of the table are not 0, 1 and so on.
    """
    name, target = params.train.estimator, params.data.target
    if params.data.task != "classification" or not name.startswith("xgboost."):
        return
    found = batches.classes(path, params.data).tolist()
    if found == list(range(len(found))):
        return
    shown = repr(found) if len(found) <= 5 else f"[{', '.join(map(repr, found[:5]))}, ...]"
    raise ProjectError(
        f"{name} takes the classes 0, 1 and so on, and those of '{target}' are {shown}: number "
        f"them in the table itself, or in add_features of {__package__}/data.py, which also sees "
        f"tables without a target:\n    if {target!r} in table.collect_schema():\n"
        f"        number = pl.col({target!r}).replace_strict({shown}, range({len(found)}))\n"
        f"        table = table.with_columns(number)\n    return table"
    )


def batch_size(train: Train) -> int:
    """Return how many rows are read at a time.

    Raises:
        ProjectError: if params.yaml names no number, or more than one pass.
    """
    if train.batches.rows is None or train.batches.passes != 1:
        raise ProjectError(
            f"{train.estimator} reads its rows in batches: set train.batches.rows in params.yaml, "
            "such as 200000, and passes to 1"
        )
    return train.batches.rows


def arguments(estimator: Any, rows: Rows) -> dict[str, Any]:
    """Return the arguments of xgboost's own training that an estimator stands for.

    They are those of its `fit` (xgboost/sklearn.py).

    Raises:
        ProjectError: if one of them would do nothing, or does not go with batches.
    """
    for name, reason in _NOT_HERE.items():
        if getattr(estimator, name):
            raise ProjectError(
                f"train.arguments.{name} in params.yaml does nothing in batches, as {reason}: take "
                "it out"
            )
    for name, known in _FROM_BINS.items():
        if getattr(estimator, name) not in (None, *known):
            raise ProjectError(
                f"train.arguments.{name} in params.yaml: in batches xgboost learns with "
                f"{' or '.join(known)}"
            )
    given: dict[str, Any] = estimator.get_xgb_params()
    count = len(batches.classes(rows.path, rows.data)) if rows.data.task == "classification" else 0
    if count > 2:
        given["num_class"] = count
        if given["objective"] != "multi:softmax":
            given["objective"] = "multi:softprob"
    return given


def told(error: Exception) -> str | None:
    """Return what xgboost says against its arguments or the rows; None for any other error."""
    if not isinstance(error, TypeError | ValueError):  # XGBoostError is a ValueError
        return None
    # Its C++ puts time and place before what it says, and its stack behind.
    text = re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", str(error).partition("\nStack trace:")[0].strip())
    reason = text.partition("\n")[0] or type(error).__name__
    return f"xgboost cannot learn: {reason}\n  See train.arguments in params.yaml."
