"""Choose the columns that the model sees, the same for training, evaluation and prediction."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from . import column_names
from .errors import ProjectError, did_you_mean
from .params import Data, Params


@dataclass(frozen=True)
class Features:
    """Names of the feature columns by kind, each in the order of the table."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """All feature columns, numbers first."""
        return [*self.numbers, *self.categories]


def choose(types: pl.Schema, params: Params) -> Features:
    """Return the features that params.yaml asks for among the columns ``types``.

    Raises:
        ProjectError: if a named column is absent or a date, or if no feature is left.
    """
    column_names.refuse(column_names.of_features(types, params))
    kept = column_names.wanted(types, params)
    categories = tuple(name for name in kept if types[name] == pl.String)
    return Features(tuple(name for name in kept if name not in categories), categories)


def select(table: pl.DataFrame, features: Features) -> pl.DataFrame:
    """Return the feature columns of ``table``: numbers and booleans as 64-bit floats, texts as is.

    Shape (rows, features). Absent values are null.
    """
    numbers = pl.col(features.numbers).cast(pl.Float64)
    return table.select(numbers, pl.col(features.categories))


def fitted(model: Any, types: pl.Schema) -> Features:
    """Return the features that a fitted model reads, found among the columns ``types``.

    Raises:
        ProjectError: if the table lacks one.
    """
    names = [str(name) for name in model.feature_names_in_]
    absent = [name for name in names if name not in types]
    if absent:
        hint = did_you_mean(absent[0], types)
        raise ProjectError(f"the model reads {absent}, which the table lacks{hint}")
    categories = tuple(name for name in names if types[name] == pl.String)
    return Features(tuple(name for name in names if name not in categories), categories)


def target(table: pl.DataFrame, data: Data) -> np.ndarray:
    """Return the target of ``table``, shape (rows,): floats to regress, else labels as they are."""
    column = table[data.target]
    if data.task == "regression":
        return column.cast(pl.Float64).to_numpy()
    # A list gives numpy's own text type; polars gives objects, which cost more and save badly.
    return np.asarray(column.to_list())


def refuse_all_missing(table: pl.DataFrame, features: Features) -> None:
    """Refuse a feature without a single value, which an imputer would drop in silence.

    Raises:
        ProjectError: naming the first such column.
    """
    for name in features.names:
        if table[name].null_count() == table.height:
            raise ProjectError(
                f"the feature '{name}' has no value in any train row: add it to "
                "data.features.exclude in params.yaml"
            )
