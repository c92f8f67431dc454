"""Bootstrap intervals: how much each metric would move with another test table of this size.

The percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter
13): draw as many rows as there are, with replacement, score them, repeat, and take quantiles.
On a handful of rows, or where every row is right, it is too narrow: it knows no other rows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import numpy as np

from .metrics import of_task, scores
from .predictions import FloatArray, Predictions
from .progress import progress
from .weighted import Weights

Statistic = Callable[[Weights], FloatArray]

MEMORY = 16 * 2**20  # bytes for the weights and what metrics make of them; more is no faster
COPIES = 6  # arrays of the weights' size that live at the same time, weights included


def draw(rng: np.random.Generator, resamples: int, rows: int) -> Weights:
    """Return how often each row is drawn in each resample: shape (resamples, rows)."""
    weights = np.empty((resamples, rows))
    for resample in weights:  # one by one, so that the chunk size changes no draw
        resample[:] = np.bincount(rng.integers(0, rows, size=rows), minlength=rows)
    return weights


def bootstrap(
    statistics: dict[str, Statistic],
    rows: int,
    resamples: int,
    confidence: float,
    seed: int,
    memory: int = MEMORY,
) -> dict[str, tuple[float, float]]:
    """Return (low, high) of each statistic, such as the middle 0.95 of its bootstrap values.

    A statistic takes weights of shape (b, rows) and returns (b,) values. All of them see the same
    draws. A resample can leave one undefined (no row of a class: no ROC AUC): it is dropped for
    that statistic, and their number is printed. No interval is given where fewer than half
    remain, and for a single row.
    """
    chunk = max(1, memory // (COPIES * 8 * rows))
    rng = np.random.Generator(np.random.PCG64(seed))
    values: dict[str, list[float]] = {name: [] for name in statistics if rows > 1}
    for start in progress(range(0, resamples if values else 0, chunk), "bootstrap"):
        weights = draw(rng, min(chunk, resamples - start), rows)
        for name in values:
            values[name].extend(statistics[name](weights).tolist())
    found = {}
    for name in values:
        defined = np.array([value for value in values[name] if np.isfinite(value)])
        if len(defined) < resamples:
            left_out = resamples - len(defined)
            text = f"{name} is undefined in {left_out} of {resamples} resamples, left out"
            print(text, file=sys.stderr)
        if resamples and 2 * len(defined) >= resamples:
            tail = (1 - confidence) / 2
            low, high = np.quantile(defined, [tail, 1 - tail]).tolist()
            found[name] = (low, high)
    return found


def intervals(
    task: str,
    predictions: Predictions,
    resamples: int,
    confidence: float,
    seed: int,
    memory: int = MEMORY,
) -> dict[str, tuple[float, float]]:
    """Return (low, high) of each metric that is defined on the table itself; see `bootstrap`."""
    metrics, defined = of_task(task), scores(task, predictions)
    statistics: dict[str, Statistic] = {n: partial(metrics[n], predictions) for n in defined}
    return bootstrap(statistics, len(predictions), resamples, confidence, seed, memory)
