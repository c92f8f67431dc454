"""Divide rows into train and test; the same rows fall on the same side on every machine."""

import zlib

import polars as pl

from .errors import ProjectError
from .params import Data, Prepare

# The stratified split counts rows in this many steps of the hash, so that it needs no sort and
# is exact to a 65,536th of the rows.
_STEPS = 2**16
_BITS = 2**32


def in_test(table: pl.LazyFrame, data: Data, prepare: Prepare) -> pl.Expr:
    """Return an expression that is true in the rows of the test side; the columns are there.

    Raises:
        ProjectError: if the split's column has missing values or cannot be divided.
    """
    split = prepare.split
    types = table.collect_schema()
    match split.method:
        case "group":
            _refuse_missing(table, str(split.column))
            return row_hash([str(split.column)], types, split.seed) < split.test_size * _BITS
        case "time":
            _refuse_missing(table, str(split.column))
            return pl.col(str(split.column)) > _cutoff(table, str(split.column), split.test_size)
    position = row_hash(list(data.id) or sorted(types.names()), types, split.seed)
    if split.method == "random":
        return position < split.test_size * _BITS
    return _stratified(table, data.target, position // (_BITS // _STEPS), split.test_size)


def row_hash(names: list[str], types: pl.Schema, seed: int) -> pl.Expr:
    """Return a 32-bit number for each row that depends on the columns ``names`` alone.

    An integer is its own key; any other key is the CRC-32 of its text. Both are mixed with the
    finalizer of MurmurHash3 (A. Appleby, public domain), so that any engine can repeat the split:
    an engine's own hash changes with its version.
    """
    if len(names) == 1 and types[names[0]].is_integer():
        key = pl.col(names[0]).fill_null(0).cast(pl.Int64)
        # Python's sign rules: % and // of a negative number stay in range.
        low, high = key % _BITS, key // _BITS % _BITS
        key = low.cast(pl.UInt64) ^ _mix(high.cast(pl.UInt64))
    else:
        # Two separators that no CSV holds: ("a", null) and (null, "a") must differ.
        texts = [pl.col(name).cast(pl.String).fill_null("\x00") for name in names]
        joined = pl.concat_str(texts, separator="\x1f")
        key = joined.map_batches(_crc32, return_dtype=pl.UInt64, is_elementwise=True)
    return _mix(key ^ _mix(pl.lit(seed, dtype=pl.UInt64) + 1))


def _crc32(texts: pl.Series) -> pl.Series:
    crcs = [zlib.crc32(text) for text in texts.cast(pl.Binary)]
    return pl.Series(texts.name, crcs, dtype=pl.UInt64)


def _mix(number: pl.Expr) -> pl.Expr:
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        number = (number ^ (number // 2**shift)) * factor % _BITS
    return number ^ (number // 2**16)


def _stratified(table: pl.LazyFrame, target: str, step: pl.Expr, test_size: float) -> pl.Expr:
    counts = (
        table.filter(pl.col(target).is_not_null())
        .group_by(pl.col(target), step.alias("step"))
        .agg(pl.len())
        .sort("step")
        .collect(engine="streaming")
    )
    limits: dict[object, object] = {}
    for (value,), steps in counts.group_by(target):
        rows = int(steps["len"].sum())
        # Each class keeps a row on both sides, whatever the share.
        wanted = min(max(round(rows * test_size), 1), rows - 1)
        limits[value] = steps.filter(pl.col("len").cum_sum() > wanted)["step"].min()
    return step < pl.col(target).replace_strict(limits, default=None, return_dtype=pl.UInt64)


def _cutoff(table: pl.LazyFrame, column: str, test_size: float) -> pl.Expr:
    quantile = pl.col(column).quantile(1 - test_size, interpolation="lower")
    found = table.select(cutoff=quantile, last=pl.col(column).max()).collect(engine="streaming")
    if found["cutoff"][0] == found["last"][0]:
        raise ProjectError(f"no row is later than all others in '{column}': no split by time")
    return pl.lit(found["cutoff"][0])


def _refuse_missing(table: pl.LazyFrame, column: str) -> None:
    missing = table.select(pl.col(column).null_count()).collect(engine="streaming").item()
    if missing:
        raise ProjectError(f"'{column}' splits the rows, but {missing} rows have no value there")
