"""How much memory there is, how much a fit needs, and a refusal before it runs out."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psutil
from sklearn.ensemble._forest import BaseForest

from mlrepo.core import artifact, column_params
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.learning.encoders import WORDS, part_names
from mlrepo.learning.estimator import make_estimator
from mlrepo.learning.features import Features

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
# Limit and use of memory, by version 2 and version 1 of control groups.
_GROUP = "/sys/fs/cgroup/memory"
_CONTROL_GROUPS = (
    (f"{_GROUP}.max", f"{_GROUP}.current"),
    (f"{_GROUP}/memory.limit_in_bytes", f"{_GROUP}/memory.usage_in_bytes"),
)


def check_all_rows(scan: pl.LazyFrame, chosen: Features, params: LibraryParams) -> None:
    """Print what a fit on all rows at once needs; refuse it where memory has no room."""
    rows, width = _shape(scan, chosen, params)
    parts: tuple[Any, ...] = ()
    if not artifact.is_own(artifact.path()):  # else only train.py knows what learns
        estimator = make_estimator(params.train, params.data.task, chosen)
        parts = (estimator, *estimator.get_params().values())  # those inside it, at any depth
    deep = [part for part in parts if isinstance(part, BaseForest) and part.max_depth is None]
    # Anything but a number is refused by the estimator itself, in better words.
    trees = sum(part.n_estimators for part in deep if isinstance(part.n_estimators, int))
    needed = _matrix(rows, width, chosen) + trees * rows * _TREE_ROW + _START
    _refuse(
        needed,
        f"{rows} rows x {width} columns need about {_gb(needed)} of memory at once",
        "Set train.batches.rows in params.yaml with an estimator that learns in batches "
        "(xgboost.XGBClassifier, xgboost.XGBRegressor, SGDClassifier, SGDRegressor, MultinomialNB, "
        "MLPClassifier and others with partial_fit), take fewer rows or features, or use a machine "
        "with more memory.",
        params,
    )


def check_bins(scan: pl.LazyFrame, chosen: Features, params: LibraryParams) -> None:
    """Print what xgboost needs for rows read in batches; refuse it where memory has no room."""
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
    # As Python objects, on the way to the encoder.
    texts = rows * len([*chosen.categories, *chosen.texts]) * 64
    return int(rows * width * 8 * _MATRICES) + texts


def _shape(scan: pl.LazyFrame, chosen: Features, params: LibraryParams) -> tuple[int, int]:
    """Return the numbers of rows and of columns after encoding, both counted from the table.

    Of texts and dates it is the most that there can be.
    """
    steps = params.train.preprocessing
    knobs = steps.categories
    counts = pl.col(chosen.categories).approx_n_unique()
    size = pl.len().alias(f"{column_params.OURS}rows")
    found = scan.select(size, counts).collect(engine="streaming")
    rows, *values = found.row(0)
    most = 1 if knobs.encode == "ordinal" else knobs.max_categories or sys.maxsize
    width = len(chosen.numbers) + sum(min(count, most) for count in values)
    width += len(chosen.texts) * WORDS
    return int(rows), width + len(chosen.dates) * len(part_names(steps.dates, True))


def _refuse(needed: int, estimate: str, fix: str, params: LibraryParams) -> None:
    limit, what = available()
    if needed > limit:
        raise ProjectError(
            f"{params.train.estimator} cannot be fitted here: {estimate}, and {what} leaves "
            f"{_gb(limit)}.\n  {fix}"
        )
    print(f"{estimate}; {_gb(limit)} are free", flush=True)


def available() -> tuple[int, str]:
    """Return the bytes that this process may still take, and what sets that limit.

    The least of free memory, the address space (`ulimit -v`) and the limits of control groups.
    """
    return min(_limits())


def _limits() -> Iterator[tuple[int, str]]:
    yield psutil.virtual_memory().available, "this machine"
    process = psutil.Process()
    if sys.platform == "linux":
        soft, _ = process.rlimit(psutil.RLIMIT_AS)
        if soft != psutil.RLIM_INFINITY:
            yield max(0, soft - process.memory_info().vms), "the address space (ulimit -v)"
    for limit, used in _CONTROL_GROUPS:
        most, now = _number(Path(limit)), _number(Path(used))
        if most is not None and now is not None:
            yield max(0, most - now), "the control group (container)"


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there, or "max"
        return None


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
