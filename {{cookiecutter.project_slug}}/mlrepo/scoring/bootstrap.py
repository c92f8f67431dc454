"""The bootstrap: how much statistics move with another table of this size.

Draw as many units as there are, with replacement, compute, repeat, and take quantiles (Efron and
Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).

Of more than `MOST` rows, that many, evenly spread, stand for all of them: each resample draws as
many rows as the table has from these, so that the width is that of the whole table. This is the bag
of little bootstraps (Kleiner, Talwalkar, Sarkar and Jordan, 2014) with one bag; memory and time
stop growing with the rows. Where rows belong together, whole units stand for all, as `units.Drawn`
says.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from copy import deepcopy

import numpy as np

from mlrepo.core.progress import progress
from mlrepo.learning.cluster import session
from mlrepo.learning.metrics.aggregates import Weights
from mlrepo.learning.predictions import FloatArray

Statistic = Callable[[Weights], FloatArray]

MEMORY = 16 * 2**20  # bytes for the weights and what metrics make of them; more is no faster
MOST = 20_000  # rows that are drawn from
COPIES = 6  # arrays of the weights' size that live at the same time, weights included


def draw(rng: np.random.Generator, resamples: int, rows: int, draws: int | None = None) -> Weights:
    """Return how often each row is drawn in each resample: shape (resamples, rows).

    A resample has as many draws as there are rows, unless told otherwise.
    """
    weights = np.empty((resamples, rows))
    for resample in weights:  # one by one, so that the chunk size changes no draw
        if draws is None:
            resample[:] = np.bincount(rng.integers(0, rows, size=rows), minlength=rows)
        else:
            resample[:] = rng.multinomial(draws, np.full(rows, 1 / rows))
    return weights


def bootstrap(
    statistics: dict[str, Statistic],
    rows: int,
    resamples: int,
    confidence: float,
    seed: int,
    memory: int = MEMORY,
    draws: int | None = None,
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
    starts = range(0, resamples if values else 0, chunk)
    sizes = [min(chunk, resamples - start) for start in starts]
    for found_here in _chunks(statistics, rng, sizes, rows, draws):
        for name, more in found_here.items():
            values[name] += more
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


def _chunks(
    statistics: dict[str, Statistic],
    rng: np.random.Generator,
    sizes: list[int],
    rows: int,
    draws: int | None,
) -> Iterable[dict[str, list[float]]]:
    """Return the values of each chunk of resamples, computed here or by a cluster's workers."""
    if not session.client():
        return (_values(statistics, rng, n, rows, draws) for n in progress(sizes, "bootstrap"))
    calls = []
    for size in sizes:  # a worker draws from where the one stream stands before its chunk
        calls.append((deepcopy(rng), size, rows, draws))
        draw(rng, size, rows, draws)
    return session.map_on_workers(_values, statistics, calls)


def _values(
    statistics: dict[str, Statistic],
    rng: np.random.Generator,
    resamples: int,
    rows: int,
    draws: int | None,
) -> dict[str, list[float]]:
    weights = draw(rng, resamples, rows, draws)
    return {name: statistic(weights).tolist() for name, statistic in statistics.items()}
