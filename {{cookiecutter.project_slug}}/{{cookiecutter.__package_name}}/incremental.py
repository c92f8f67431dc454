"""Learn by `partial_fit` from a prepared table of any size, a fixed number of rows at a time."""

from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
from sklearn.pipeline import Pipeline

from . import batches, duration, features
from .errors import ProjectError
from .features import Features
from .params import Data, Params

# Rows, evenly spread, from which medians, means and categories of the preprocessing are taken.
SAMPLE = 250_000


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
        known = {"classes": batches.classes(path, data)} if data.task == "classification" else {}
        names, total = [*chosen.names, data.target], batches.count(pl.scan_parquet(path))
        passes = (batches.read(path, names, size, "fit") for _ in range(knobs.passes))
        count = -(-total // size) * knobs.passes
        for rows in duration.told(chain.from_iterable(passes), count, total, "learning"):
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
    step = max(1, -(-batches.count(pl.scan_parquet(path)) // SAMPLE))
    sample = pl.concat(
        part.gather_every(step, offset=-(number * size) % step)
        for number, part in enumerate(batches.read(path, names, size, "preprocessing"))
    )
    features.refuse_all_missing(sample, chosen)
    columns.fit(features.select(sample, chosen), features.target(sample, data))
