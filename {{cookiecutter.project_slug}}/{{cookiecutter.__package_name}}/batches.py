"""Learn from and predict for a prepared table of any size, a fixed number of rows at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.pipeline import Pipeline

from . import features
from .errors import ProjectError
from .features import Features
from .params import Data, Params
from .predictions import Array, Predictions
from .progress import progress

PREDICT = 250_000  # rows; part of the result, as matrix products round by their shapes
# Rows, evenly spread, from which medians, means and categories of the preprocessing are taken.
SAMPLE = 250_000


def read(path: Path, names: list[str], size: int, label: str) -> Iterator[pl.DataFrame]:
    """Yield the columns ``names`` of a prepared table, ``size`` rows at a time, in their order."""
    table = pl.scan_parquet(path)
    rows = count(table)
    for start in progress(range(0, rows, size), label, -(-rows // size)):
        yield table.select(names).slice(start, size).collect(engine="streaming")


def at(path: Path, names: list[str], numbers: Array) -> pl.DataFrame:
    """Return the columns ``names`` of some rows of a prepared table, in their order."""
    wanted = pl.lit(pl.Series(numbers, dtype=pl.UInt32)).implode()
    table = pl.scan_parquet(path).select(names).with_row_index("__row__")
    found = table.filter(pl.col("__row__").is_in(wanted)).collect(engine="streaming")
    return found.sort("__row__").drop("__row__")


def count(table: pl.LazyFrame) -> int:
    """Return the number of rows."""
    return int(table.select(pl.len()).collect(engine="streaming").item())


def fit(model: Pipeline, path: Path, chosen: Features, params: Params) -> None:
    """Fit ``model`` in place by `partial_fit`, in batches of the rows as they stand in the file.

    The preprocessing is fitted first, on at most `SAMPLE` evenly spread rows.

    Raises:
        ProjectError: if the estimator has no partial_fit, or refuses the data.
    """
    data, knobs = params.data, params.train.batches
    size = knobs.rows
    assert size is not None
    columns, estimator = model[:-1], model[-1]  # the steps themselves, which are fitted in place
    if not hasattr(estimator, "partial_fit"):
        raise ProjectError(
            f"{params.train.estimator} learns from all rows at once (it has no partial_fit): set "
            "train.batches.rows to null in params.yaml, or choose an estimator such as "
            "sklearn.linear_model.SGDClassifier"
        )
    try:
        fit_columns(columns, path, chosen, data, size)
        known = {"classes": classes(path, data)} if data.task == "classification" else {}
        for _ in range(knobs.passes):
            for rows in read(path, [*chosen.names, data.target], size, "fit"):
                x = columns.transform(features.select(rows, chosen))
                estimator.partial_fit(x, features.target(rows, data), **known)
    except (TypeError, ValueError) as error:
        raise ProjectError(
            f"{type(estimator).__name__} cannot be fitted: {error}\n  See train.arguments and "
            "train.preprocessing in params.yaml."
        ) from error


def fit_columns(columns: Any, path: Path, chosen: Features, data: Data, size: int) -> None:
    """Fit the preprocessing in place on at most `SAMPLE` evenly spread rows."""
    names = [*chosen.names, data.target]
    step = max(1, -(-count(pl.scan_parquet(path)) // SAMPLE))
    sample = pl.concat(
        part.gather_every(step, offset=-(number * size) % step)
        for number, part in enumerate(read(path, names, size, "preprocessing"))
    )
    features.refuse_all_missing(sample, chosen)
    columns.fit(features.select(sample, chosen), features.target(sample, data))


def predict(model: Any, path: Path, chosen: Features, data: Data) -> Predictions:
    """Return what ``model`` says of each row of a prepared table; only that is kept in memory."""
    parts = [
        Predictions.of(model, features.select(rows, chosen), features.target(rows, data))
        for rows in read(path, [*chosen.names, data.target], PREDICT, "predict")
    ]
    if len(parts) == 1:
        return parts[0]

    def whole(name: str) -> Array | None:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    truth, predicted = whole("truth"), whole("predicted")
    assert truth is not None
    assert predicted is not None
    return Predictions(
        truth, predicted, parts[0].classes, whole("probabilities"), whole("decisions")
    )


def classes(path: Path, data: Data) -> Array:
    """Return the classes of a prepared table (k,), sorted."""
    labels = pl.scan_parquet(path).select(pl.col(data.target).unique()).collect(engine="streaming")
    return np.unique(features.target(labels, data))
