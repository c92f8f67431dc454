"""Read and predict for a prepared table of any size, a fixed number of rows at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from . import features
from .features import Features
from .params import Data
from .predictions import Array, Predictions
from .progress import progress

PREDICT = 250_000  # rows; part of the result, as matrix products round by their shapes


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
