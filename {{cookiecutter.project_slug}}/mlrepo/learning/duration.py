"""How long learning will take, printed before it or soon after its start.

For a fit on all rows: from fits on samples, by the power law through the last two. For work in
equal parts, such as batches: from the first of them. Nothing is printed for small tables.
"""

import math
import random
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import numpy as np
import polars as pl
from sklearn.base import clone

from mlrepo.learning.cluster import session
from mlrepo.learning.predictions import Array

MANY = 100_000  # rows; nothing is printed for fewer
_FIRST = 2_500  # rows of the first sample, each later one is twice as large
_ENOUGH = 1.0  # seconds of a fit that say more than what it does but once
_MOST = 0.1  # the largest sample, as a share of the rows
_PARTS = 2  # that are timed

T = TypeVar("T")


def announce(
    model: Any, inputs: pl.DataFrame, truth: Array, folds: int, fits: int | None = None
) -> None:
    """Print how long it will take to fit ``model`` on inputs (rows, features) and truth (rows,).

    ``fits`` is the number of fits on all rows but those of a fold, one for each unless told.
    Clones are fitted on evenly spread rows: the model, and what it will draw, stay as they are.
    Nothing is printed where a cluster does the work.
    """
    rows = inputs.height
    if rows <= MANY or session.client() is not None:
        return
    # What is wrong with the estimator, the fit on all rows says. One without a rare class, say, may
    # be wrong with the sample alone.
    with suppress(Exception), random_state_kept(), warnings.catch_warnings(action="ignore"):
        (before, first), (size, took) = _measure(model, inputs, truth)
        power = min(3.0, max(1.0, math.log(took / first) / math.log(size / before)))

        def needed(count: float) -> float:
            return float(took * (count / size) ** power)

        text = f"fitting takes about {_words(needed(rows))} ({size:,} rows took {took:.1f} s)"
        if folds:
            whole = needed(rows) + (fits or folds) * needed(rows * (1 - 1 / folds))
            text += f", with {folds} folds about {_words(whole)}"
        print(text, flush=True)


def timed(parts: Iterable[T], count: int, rows: int, what: str) -> Iterator[T]:
    """Yield ``parts``, ``count`` of them, and print after the first how long ``what`` will take.

    ``rows`` of the table decide whether that is worth it.
    """
    begun = time.perf_counter()
    for number, part in enumerate(parts):
        if number == _PARTS < count and rows > MANY:
            took = (time.perf_counter() - begun) / _PARTS
            print(f"{what} takes about {_words(took * count)} ({count} x {took:.1f} s)", flush=True)
        yield part


def _measure(model: Any, inputs: pl.DataFrame, truth: Array) -> list[tuple[int, float]]:
    """Return the sizes and seconds of the last two fits."""
    found: list[tuple[int, float]] = []
    size = _FIRST
    while len(found) < 2 or (found[-1][1] < _ENOUGH and size <= _MOST * inputs.height):
        step = inputs.height // size
        some, known = inputs.gather_every(step)[:size], truth[::step][:size]
        begun = time.perf_counter()
        clone(model).fit(some, known)
        found.append((size, time.perf_counter() - begun))
        size *= 2
    return found[-2:]


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Reset the generators of the process, from which an estimator without a seed draws."""
    of_numpy, of_python = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(of_numpy)
        random.setstate(of_python)


def _words(seconds: float) -> str:
    units = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))
    unit, name = next((one for one in units if seconds >= 2 * one[0]), (1, "s"))
    digits = 0 if seconds >= 10 * unit else 1
    return f"{seconds / unit:.{digits}f} {name}"
