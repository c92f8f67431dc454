"""Building blocks of metrics: sums over rows for many bootstrap resamples at once.

Weights have the shape (b, n): how much each of the n rows counts in each of b resamples, which is
how often it was drawn, times its weight where data.weight names a column.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from mlrepo.core.errors import ProjectError
from mlrepo.learning.predictions import Array, FloatArray, Predictions

Weights = FloatArray
Metric = Callable[[Predictions, Weights], FloatArray]


def from_sklearn(function: Callable[..., Any], **arguments: object) -> Metric:
    """Make a metric of `function(y_true, y_pred, **arguments)`.

    It is called once per resample, on the rows as drawn, so it may ignore sample weights unless
    data.weight names a column; this is slower than the metrics of this project.
    """
    name = getattr(function, "__name__", str(function))
    weighs = "sample_weight" in inspect.signature(function).parameters

    def metric(predictions: Predictions, weights: Weights) -> FloatArray:
        values, weighted = [], predictions.weights is not None
        if weighted and not weighs:
            raise ProjectError(
                f"the metric {name} takes no sample_weight, and data.weight in params.yaml names a "
                "column of weights: remove its line in metrics.py"
            )
        with warnings.catch_warnings():
            # A rare class is missing in some resamples; one warning for each says nothing new.
            warnings.simplefilter("ignore")
            for row in weights:
                drawn = row > 0 if weighted else row.astype(np.intp)
                rows = np.repeat(np.arange(len(predictions)), drawn)
                truth, predicted = predictions.truth[rows], predictions.predicted[rows]
                of_rows = {"sample_weight": row[rows]} if weighted else {}
                try:
                    values.append(float(function(truth, predicted, **arguments, **of_rows)))
                except (TypeError, ValueError) as error:
                    raise ProjectError(
                        f"the metric {name} cannot score these predictions: {error}; correct or "
                        "remove its line in metrics.py"
                    ) from error
        return np.array(values)

    metric.weighs = weighs  # type: ignore[attr-defined]  # for the importance
    return metric


def per_row(values: Callable[[Predictions], Array | None]) -> Metric:
    """Make a metric of one value per row (n,): its mean. None means undefined."""

    def metric(predictions: Predictions, weights: Weights) -> FloatArray:
        of_row = predictions.once(values)
        return np.full(len(weights), np.nan) if of_row is None else mean(of_row, weights)

    metric.of_row = values  # type: ignore[attr-defined]  # for intervals
    return metric


def mean(values: Array, weights: Weights) -> FloatArray:
    """Return the mean (b,) of one value per row: (n,), or (b, n) if resamples differ."""
    # No BLAS and no einsum: this sum has one order, whatever the threads and the chunk size.
    quotient: FloatArray = (weights * values).sum(axis=1) / weights.sum(axis=1)
    return quotient


def tally(codes: Array, weights: Weights, size: int) -> FloatArray:
    """Return the weight (b, size) of each code, 0 to size - 1; codes (n,) has one per row."""
    return np.stack([np.bincount(codes, weights=row, minlength=size) for row in weights])


def dot(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the sum (b,) of products of two (b, m) arrays."""
    products: FloatArray = (left * right).sum(axis=1)
    return products


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide; NaN where the denominator is 0."""
    quotient = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
