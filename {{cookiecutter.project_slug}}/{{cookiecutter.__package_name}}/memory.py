"""How much memory there is, how much a fit needs, and a refusal before it runs out."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from sklearn.ensemble._forest import BaseForest

from .errors import ProjectError
from .estimator import make_estimator
from .features import Features
from .params import Params

# Bytes that a fit takes at its peak, as multiples of its matrix of 64-bit floats; measured on a
# table of 1 million rows (1.6 to 1.9) and rounded up: docs/scale.md.
_MATRICES = 2.0
# Bytes per row and tree of a forest that grows until its leaves are pure (35 measured).
_TREE_ROW = 64
# What xgboost keeps: bytes per value, twice the number of its bin, and bytes per row, its target,
# gradient, prediction and place in the tree; 120 bytes per row of 49 values measured.
_BINS = 2
_BOOSTED_ROW = 32
# Python, polars and scikit-learn themselves.
_START = 400 * 2**20


def check_all_rows(scan: pl.LazyFrame, chosen: Features, params: Params) -> None:
    """Say what a fit on all rows at once needs; refuse it where the memory is not there.

    Raises:
        ProjectError: with the estimate, the limit and the mend.
    """
    rows, width = _shape(scan, chosen, params)
    needed = _matrix(rows, width, chosen) + _trees(params) * rows * _TREE_ROW + _START
    _refuse(
        needed,
        f"{rows} rows x {width} columns need about {_gb(needed)} of memory at once",
        "Set train.batches.rows in params.yaml with an estimator that learns in batches "
        "(xgboost.XGBClassifier, xgboost.XGBRegressor, SGDClassifier, SGDRegressor, MultinomialNB, "
        "MLPClassifier and others with partial_fit), take fewer rows or features, or use a machine "
        "with more memory.",
        params,
    )


def check_bins(scan: pl.LazyFrame, chosen: Features, params: Params) -> None:
    """Say what xgboost needs for rows that it reads in batches; refuse it where that is not there.

    Raises:
        ProjectError: with the estimate, the limit and the mend.
    """
    (rows, width), knobs = _shape(scan, chosen, params), params.train.batches
    batch = min(rows, knobs.rows or rows)
    kept = _BOOSTED_ROW + (0 if knobs.on_disk else width * _BINS)
    needed = rows * kept + _matrix(batch, width, chosen) + _START
    _refuse(
        needed,
        f"{rows} rows x {width} columns, {batch} at a time, need about {_gb(needed)} of memory",
        "Set train.batches.rows in params.yaml to a smaller number"
        + (", or take fewer rows." if knobs.on_disk else ", or train.batches.on_disk to true."),
        params,
    )


def _matrix(rows: int, width: int, chosen: Features) -> int:
    texts = rows * len(chosen.categories) * 64  # as Python objects, on the way to the encoder
    return int(rows * width * 8 * _MATRICES) + texts


def _shape(scan: pl.LazyFrame, chosen: Features, params: Params) -> tuple[int, int]:
    """Return the numbers of rows and of columns after encoding.

    The columns are counted from the table: one for a number, and for a category one, or with
    one-hot encoding one for each value up to max_categories.
    """
    knobs = params.train.preprocessing.categories
    counts = [pl.col(name).approx_n_unique().alias(name) for name in chosen.categories]
    found = scan.select(pl.len().alias("__rows__"), *counts).collect(engine="streaming")
    widths = [
        1 if knobs.encode == "ordinal" else min(found[name][0], knobs.max_categories or sys.maxsize)
        for name in chosen.categories
    ]
    return int(found["__rows__"][0]), len(chosen.numbers) + sum(widths)


def _trees(params: Params) -> int:
    estimator = make_estimator(params.train, params.data.task)
    deep = isinstance(estimator, BaseForest) and estimator.max_depth is None
    # Anything but a number is refused by the estimator itself, in better words.
    return estimator.n_estimators if deep and isinstance(estimator.n_estimators, int) else 0


def _refuse(needed: int, told: str, mend: str, params: Params) -> None:
    limit, what = available()
    if needed > limit:
        raise ProjectError(
            f"{params.train.estimator} cannot be fitted here: {told}, and {what} leaves "
            f"{_gb(limit)}.\n  {mend}"
        )
    print(f"{told}; {_gb(limit)} are free", flush=True)


def available() -> tuple[int, str]:
    """Return the bytes that this process may still take, and what sets that limit.

    The least of the address space (`ulimit -v`), the control group's limit and free memory, as
    far as this system has them; without any, a number that nothing exceeds.
    """
    return min([*_limits(), (sys.maxsize, "this system, which does not say how much,")])


def _limits() -> Iterator[tuple[int, str]]:
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            yield max(0, soft - _address_space()), "the address space (ulimit -v)"
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ):
        most, now = _number(Path(limit)), _number(Path(used))
        if most is not None and now is not None:
            yield max(0, most - now), "the control group (container)"
    free = _free()
    if free is not None:
        yield free, "this machine"


def _free() -> int | None:
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    names: tuple[str, ...] = tuple(getattr(os, "sysconf_names", ()))
    if {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(names):  # macOS: all of it, in use or not
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _address_space() -> int:
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there, or "max"
        return None


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
