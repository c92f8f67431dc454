"""What learning in batches shares, in this process or on a cluster: rows, and xgboost's arguments.

xgboost keeps a value as the number of its bin, in one byte or two, so that the table of floats is
never in memory.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlrepo.core import owner, prepared
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import Data, LibraryParams, Train
from mlrepo.learning import features
from mlrepo.learning.features import Features
from mlrepo.learning.predictions import Array

# Rows, evenly spread, from which medians, means and categories of the preprocessing are taken.
SAMPLE = 250_000
# Arguments that `fit` of an estimator of xgboost reads and that do nothing here.
_NOT_HERE = {
    "callbacks": "there is nothing to call",
    "early_stopping_rounds": "no rows are held back to stop by",
    "enable_categorical": "categories are encoded by train.preprocessing",
    "feature_types": "categories are encoded by train.preprocessing",
    "feature_weights": "all columns weigh the same",
}
# Values of arguments with which it learns from bins; the first is what it takes of itself.
_FROM_BINS = {"booster": ("gbtree", "dart"), "tree_method": ("hist", "auto")}


@dataclass(frozen=True)
class Rows:
    """A prepared table as it is learned in batches."""

    path: Path
    chosen: Features
    data: Data
    columns: Any  # the preprocessing

    @property
    def names(self) -> list[str]:
        """The columns that are read."""
        return [*self.chosen.names, *self.data.learned_from]

    def fit_columns(self, size: int) -> None:
        """Fit the preprocessing in place on at most `SAMPLE` evenly spread rows."""
        step = max(1, -(-self.count() // SAMPLE))
        parts = prepared.read_batches(self.path, self.names, size, "preprocessing")
        sample = pl.concat(
            part.gather_every(step, offset=-(number * size) % step)
            for number, part in enumerate(parts)
        )
        features.refuse_all_missing(sample, self.chosen)
        self.columns.fit(features.select(sample, self.chosen), prepared.target(sample, self.data))

    def encode(self, start: int, size: int) -> tuple[Any, Array, Array | None]:
        """Return what the preprocessing makes of a batch, targets, and weights or None.

        Their shapes are (rows, columns), (rows,) and (rows,).
        """
        rows = pl.scan_parquet(self.path).select(self.names).slice(start, size).collect()
        x = self.columns.transform(features.select(rows, self.chosen))
        y = np.asarray(prepared.target(rows, self.data), np.float64)
        return x, y, prepared.weights(rows, self.data)

    def read(self, start: int, size: int) -> tuple[Array, Array, Array | None]:
        """Return a batch as arrays."""
        x, y, weights = self.encode(start, size)
        return np.asarray(x, np.float32), y, weights

    def count(self) -> int:
        """Return the number of rows."""
        return prepared.count(pl.scan_parquet(self.path))

    def shape(self) -> tuple[int, int]:
        """Return the numbers of rows and of encoded columns."""
        return self.count(), self.read(0, 1)[0].shape[1]

    def keep(self, booster: Any, estimator: Any) -> None:
        """Make ``booster`` the one of ``estimator``, as if its `fit` had learned it."""
        columns = getattr(self.encode(0, 1)[0], "columns", None)
        if columns is not None:  # a table, of whose columns `fit` keeps names and types
            booster.feature_names = list(columns)
            booster.feature_types = ["float"] * len(columns)
        estimator.load_model(booster.save_raw("ubj"))


def refuse_labels(params: LibraryParams, path: Path) -> None:
    """Refuse classes other than 0, 1 and so on, the only ones that xgboost takes."""
    name, target = params.train.estimator, params.data.target
    if params.data.task != "classification" or not name.startswith("xgboost."):
        return
    found = prepared.classes(path, params.data).tolist()
    if found == list(range(len(found))):
        return
    shown = repr(found) if len(found) <= 5 else f"[{', '.join(map(repr, found[:5]))}, ...]"
    column, labels = _code(target), f"[{', '.join(map(_code, found))}]"
    raise ProjectError(
        f"{name} takes the classes 0, 1 and so on, and those of '{target}' are {shown}: number "
        f"them in the table itself, or in add_features of {owner.name()}/data.py, which also sees "
        f"tables without a target:\n    if {column} in table.collect_schema():\n"
        f"        number = pl.col({column}).replace_strict({labels}, range({len(found)}))\n"
        f"        table = table.with_columns(number)\n    return table"
    )


def _code(value: Any) -> str:
    """Return a value as `ruff format` has it in code."""
    return f'"{value}"' if isinstance(value, str) and repr(value) == f"'{value}'" else repr(value)


def batch_size(train: Train) -> int:
    """Return how many rows are read at a time."""
    if train.batches.rows is None or train.batches.passes != 1:
        raise ProjectError(
            f"{train.estimator} reads its rows in batches: set train.batches.rows in params.yaml, "
            "such as 200000, and passes to 1"
        )
    return train.batches.rows


def arguments(estimator: Any, rows: Rows) -> dict[str, Any]:
    """Return the arguments of xgboost's own training that an estimator stands for.

    They are those of its `fit` (xgboost/sklearn.py). One that would do nothing is refused.
    """
    for name, reason in _NOT_HERE.items():
        if getattr(estimator, name):
            says = f"does nothing in batches, as {reason}: take it out"
            raise ProjectError(f"train.arguments.{name} in params.yaml {says}")
    for name, known in _FROM_BINS.items():
        if getattr(estimator, name) not in (None, *known):
            says = f"in batches xgboost learns with {' or '.join(known)}"
            raise ProjectError(f"train.arguments.{name} in params.yaml: {says}")
    given: dict[str, Any] = estimator.get_xgb_params()
    count = len(prepared.classes(rows.path, rows.data)) if rows.data.task == "classification" else 0
    if count > 2:
        given["num_class"] = count
        if given["objective"] != "multi:softmax":
            given["objective"] = "multi:softprob"
    return given


def explain(error: Exception) -> str | None:
    """Return what xgboost says against its arguments or the rows; None for any other error."""
    if not isinstance(error, TypeError | ValueError):  # XGBoostError is a ValueError
        return None
    # Its C++ puts time and place before what it says, and its stack behind.
    text = re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", str(error).partition("\nStack trace:")[0].strip())
    reason = text.partition("\n")[0] or type(error).__name__
    return f"xgboost cannot learn: {reason}\n  See train.arguments in params.yaml."
