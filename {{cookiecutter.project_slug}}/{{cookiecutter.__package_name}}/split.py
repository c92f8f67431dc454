"""Divide rows into train and test; the same rows fall on the same side on every machine."""

import math
import zlib
from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .errors import ProjectError
from .params import Data, Prepare

_BITS = 2**32
# The stratified split counts rows in steps of the hash, so that it needs no sort and is exact to a
# 65,536th of the rows: first in blocks of steps, then in the steps of one block.
_STEP = _BITS // 2**16
_BLOCK = _BITS // 2**8

Numbers = NDArray[np.uint32]


def in_test(table: pl.LazyFrame, data: Data, prepare: Prepare) -> pl.Expr:
    """Return an expression that is true in the rows of the test side; the columns are there.

    Raises:
        ProjectError: if no row is later than the others. That a value is missing in the split's
            column is for the checks to say.
    """
    split = prepare.split
    types = table.collect_schema()
    limit = math.ceil(split.test_size * _BITS)
    match split.method:
        case "group":
            return row_hash([str(split.column)], types, split.seed) < limit
        case "time":
            return pl.col(str(split.column)) > _cutoff(table, str(split.column), split.test_size)
    position = row_hash(list(data.id) or sorted(types.names()), types, split.seed)
    if split.method == "random":
        return position < limit
    return _stratified(table, data.target, position, split.test_size)


def row_hash(names: list[str], types: pl.Schema, seed: int) -> pl.Expr:
    """Return a 32-bit number for each row that depends on the columns ``names`` alone.

    An integer is its own key; any other key is the CRC-32 of its text. Both are mixed with the
    finalizer of MurmurHash3 (A. Appleby, public domain), so that any engine can repeat the split:
    an engine's own hash changes with its version.
    """
    # NumPy, as polars divides where it should shift: a tenth of the time.
    number: Callable[[pl.Series], Numbers]
    start = _mix(np.array([seed + 1], dtype=np.uint64).astype(np.uint32))
    if len(names) == 1 and types[names[0]].is_integer():
        key, number = pl.col(names[0]).fill_null(0).cast(pl.Int64), _fold
    else:
        # Two separators that no CSV holds: ("a", null) and (null, "a") must differ.
        texts = [pl.col(name).cast(pl.String).fill_null("\x00") for name in names]
        key, number = pl.concat_str(texts, separator="\x1f"), _crc32

    def positions(keys: pl.Series) -> pl.Series:
        return pl.Series(keys.name, _mix(number(keys) ^ start))

    return key.map_batches(positions, return_dtype=pl.UInt32, is_elementwise=True)


def _fold(keys: pl.Series) -> Numbers:
    bits = keys.to_numpy().view(np.uint64)
    return bits.astype(np.uint32) ^ _mix((bits >> np.uint64(32)).astype(np.uint32))


def _crc32(texts: pl.Series) -> Numbers:
    return np.array([zlib.crc32(text) for text in texts.cast(pl.Binary)], dtype=np.uint32)


def _mix(number: Numbers) -> Numbers:
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        number = (number ^ (number >> np.uint32(shift))) * np.uint32(factor)
    return number ^ (number >> np.uint32(16))


def _stratified(table: pl.LazyFrame, target: str, position: pl.Expr, test_size: float) -> pl.Expr:
    step, block = position // _STEP, position // _BLOCK
    known = table.filter(pl.col(target).is_not_null())
    blocks: dict[object, int] = {}
    rest: dict[object, int] = {}
    for value, counts in _counts(known, target, block).items():
        rows = int(counts["rows"].sum())
        # Each class keeps a row on both sides, whatever the share.
        wanted = min(max(round(rows * test_size), 1), rows - 1)
        blocks[value], rest[value] = _reach(counts, wanted)
    inside = known.filter(block.is_in(sorted(set(blocks.values()))))
    limits: dict[object, int] = {}
    for value, counts in _counts(inside, target, step).items():
        of_block = counts.filter(pl.col("bin") // (_BLOCK // _STEP) == blocks[value])
        limits[value], _ = _reach(of_block, rest[value])
    return step < _of_class(target, limits)


def _counts(table: pl.LazyFrame, target: str, bins: pl.Expr) -> dict[object, pl.DataFrame]:
    """Return for each class its rows in each bin, in the order of the bins."""
    counted = table.group_by(pl.col(target), bins.alias("bin")).agg(pl.len().alias("rows"))
    counts = counted.sort("bin").collect(engine="streaming")
    return {value: part for (value,), part in counts.group_by(target)}


def _reach(counts: pl.DataFrame, wanted: int) -> tuple[int, int]:
    """Return the bin in which the rows exceed ``wanted``, and what the bins before it lack."""
    before = counts.filter(pl.col("rows").cum_sum() <= wanted)
    return int(counts["bin"][before.height]), wanted - int(before["rows"].sum())


def _of_class(target: str, numbers: dict[object, int]) -> pl.Expr:
    def look_up(values: pl.Series) -> pl.Series:
        return values.replace_strict(numbers, default=None, return_dtype=pl.UInt32)

    # Batch by batch: as an expression of its own, polars would collect the whole table for it.
    return pl.col(target).map_batches(look_up, return_dtype=pl.UInt32, is_elementwise=True)


def _cutoff(table: pl.LazyFrame, column: str, test_size: float) -> pl.Expr:
    def find(what: pl.Expr) -> object:
        return table.select(what).collect(engine="streaming").item()

    last = find(pl.col(column).max())
    if last is None:  # polars knows no quantile of nothing; that no row has a value is told later
        return pl.lit(None)
    cutoff = find(pl.col(column).quantile(1 - test_size, interpolation="lower"))
    if cutoff == last:
        raise ProjectError(f"no row is later than all others in '{column}': no split by time")
    return pl.lit(cutoff)
