"""Metrics that are means of losses, or ratios of two means, for the studentised bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlrepo.learning.metrics import functions
from mlrepo.learning.metrics.aggregates import Metric, Weights, mean, ratio
from mlrepo.learning.predictions import FloatArray, Predictions

_SURE = 15.9  # -ln of what float32 adds to 1: the probability was 0 but for rounding


@dataclass(frozen=True)
class Loss:
    """A metric that is `scale` of the sum of `value` (n,) over the sum of `base` (n,).

    Both hold the weights of the rows.
    """

    value: FloatArray
    base: FloatArray
    scale: Callable[[float], float] = lambda quotient: quotient

    @classmethod
    def of(cls, metric: Metric, predictions: Predictions) -> Loss | None:
        """Return a metric as a loss; None if it is none, or is below 0 for a row."""
        [once] = predictions.once_each
        if metric is functions.rmse:
            return cls(once * predictions.errors**2, once, lambda quotient: quotient**0.5)
        if metric is functions.r2:
            truth = np.asarray(predictions.truth, dtype=np.float64)
            spread = once * (truth - mean(truth, predictions.once_each)) ** 2
            return cls(once * predictions.errors**2, spread, lambda quotient: 1 - quotient)
        of_row = getattr(metric, "of_row", lambda _: None)(predictions)
        if of_row is None or of_row.min() < 0:
            return None
        return cls(once * np.asarray(of_row, dtype=np.float64), once)

    def why_none(self, metric: Metric) -> str:
        """Return why there is no interval; "" if there is one."""
        alike = self.value if metric is functions.r2 else self.value / self.base
        if np.ptp(alike) <= 1e-12 * np.abs(alike).max():
            return "every row has the same loss"
        if metric is functions.log_loss and (self.value / self.base).max() > _SURE:
            return "a sure mistake decides it"
        if metric in (functions.log_loss, functions.brier):  # which are bounded
            return ""
        # Squares have half the index. Half a standard error of Hill's estimate spares most tables
        # whose squares have no variance an interval, and few others.
        squares = metric in (functions.rmse, functions.r2)
        least = 2 + 1 / self.extremes**0.5 if squares else 2
        return "a few rows may decide it" if self.tail_index() < least else ""

    @property
    def extremes(self) -> int:
        """How many of the largest losses tell of the tail: 2%, at least ten."""
        rows = len(self.value)
        return min(max(10, rows // 50), rows // 4)

    def tail_index(self) -> float:
        """Return Hill's estimate (Annals of Statistics, 1975): below 2 there is no variance."""
        largest = np.sort(self.value)[::-1][: self.extremes + 1]
        if largest[-1] == 0:
            return 0.0
        logarithms = float(np.log(largest[:-1] / largest[-1]).mean())
        return 1 / logarithms if logarithms > 0 else np.inf


def relative_error(value: FloatArray, base: FloatArray) -> float:
    """Return the standard error of a loss, of one value per unit (m,), in parts of it."""
    return float(_quotients(value, base, np.ones((1, len(value))))[1][0])


def studentised(value: FloatArray, base: FloatArray, weights: Weights) -> FloatArray:
    """Return how many standard errors the logarithm of each resample's loss (b,) is away."""
    quotients, errors = _quotients(value, base, weights)
    away = np.log(np.where(quotients > 0, quotients, np.nan) / (value.sum() / base.sum()))
    return ratio(away, np.nan_to_num(errors))


def _quotients(
    value: FloatArray, base: FloatArray, weights: Weights
) -> tuple[FloatArray, FloatArray]:
    """Return the loss of each resample (b,), and its relative error by the linear variance."""
    of_value, of_base, squares, products, of_squares = (
        (weights * each).sum(axis=1) for each in (value, base, value**2, value * base, base**2)
    )
    quotients = ratio(of_value, of_base)
    # Of the residuals value - quotient * base, squared and added up.
    residual = squares - 2 * quotients * products + quotients**2 * of_squares
    return quotients, ratio(np.sqrt(np.maximum(residual, 0)), of_value)
