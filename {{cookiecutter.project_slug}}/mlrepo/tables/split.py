"""Divide rows into train and test; the same rows fall on the same side on every machine."""

import math
import zlib
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlrepo.core import column_params
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.tables.raw import explain

_BITS = 2**32
# The stratified split counts rows in steps of the hash, so that it needs no sort and is exact to a
# 65,536th of the rows: first in blocks of steps, then in the steps of one block.
_STEP = _BITS // 2**16
_BLOCK = _BITS // 2**8

Hashes = NDArray[np.uint32]

_MISSING = np.uint32(0x9E3779B9)  # in place of a value
_SIDE, _INDEX = "__test__", "__index__"


def divide(rows: pl.LazyFrame, params: LibraryParams) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return the train and the test rows, lazily; rows without a target are in neither.

    Raises:
        ProjectError: if no row is later than the others. That a value is missing in the split's
            column is for the checks to say.
    """
    target, split = params.data.target, params.prepare.split
    known = pl.col(target).is_not_null()
    rows = rows.with_row_index(_INDEX)
    try:  # it is the first that reads the rows
        if split.method == "time":
            in_test = _later(rows.filter(known), str(split.column), split.test_size)
        else:
            position = _position(rows, params)
            if split.method == "stratified":
                in_test = _stratified(rows.filter(known), target, position, split.test_size)
            else:
                in_test = position < math.ceil(split.test_size * _BITS)
    except pl.exceptions.PolarsError as error:
        raise explain(error, params.data) from None
    # Null, so on neither side, where the target is.
    divided = rows.with_columns(pl.when(known).then(in_test).alias(_SIDE)).cache()
    train, test = divided.filter(~pl.col(_SIDE)), divided.filter(pl.col(_SIDE))
    return train.drop(_SIDE, _INDEX), test.drop(_SIDE, _INDEX)


def _position(rows: pl.LazyFrame, params: LibraryParams) -> pl.Expr:
    """Return a 32-bit number for each row, of which the smallest are in the test.

    Rows that share it stay together: those of one group, of one id, or with equal features where
    prepare.split.equal_features is "together". Without an id each row has its own.
    """
    types, split = rows.drop(_INDEX).collect_schema(), params.prepare.split
    if split.method == "group":
        return row_hash([str(split.column)], types, split.seed)
    if split.equal_features == "together":
        return row_hash(sorted(column_params.wanted(types, params)), types, split.seed)
    if params.data.id:
        return row_hash(list(params.data.id), types, split.seed)
    own = _own_positions(rows.drop(_INDEX), types, split.seed)

    def look_up(index: pl.Series) -> pl.Series:
        # polars hides the rows whose side it does not ask for.
        return pl.Series(index.name, own[index.fill_null(0).to_numpy()])

    return pl.col(_INDEX).map_batches(look_up, return_dtype=pl.UInt32, is_elementwise=True)


def row_hash(names: list[str], types: pl.Schema, seed: int) -> pl.Expr:
    """Return a 32-bit number for each row that depends on the columns ``names`` alone.

    Texts are joined, and the CRC-32 of their UTF-8 is taken; of any other value the halves of its
    64 bits, as an integer or an IEEE 754 float, are mixed. What comes out is mixed in turn with
    the finalizer of MurmurHash3 (A. Appleby, public domain). Any engine can repeat that: an
    engine's own hash, and its way to write a float, change with its version.
    """
    texts = [name for name in names if types[name] == pl.String]
    others = [name for name in names if types[name] != pl.String]
    # Two separators that no CSV holds: ("a", null) and (null, "a") must differ.
    joined = pl.concat_str([pl.col(name).fill_null("\x00") for name in texts], separator="\x1f")
    parts = [*([joined] if texts else []), *(pl.col(name).to_physical() for name in others)]
    start = _mix(np.array([seed + 1], dtype=np.uint64).astype(np.uint32))

    # NumPy, as polars divides where it should shift: a tenth of the time.
    def hashes(row: pl.Series) -> pl.Series:
        number = np.repeat(start, len(row))
        for name in row.struct.fields:
            number = _mix(_code(row.struct.field(name)) ^ number)
        return pl.Series(row.name, number)

    row = pl.struct(part.alias(str(place)) for place, part in enumerate(parts))
    return row.map_batches(hashes, return_dtype=pl.UInt32, is_elementwise=True)


def _code(values: pl.Series) -> Hashes:
    if values.dtype == pl.String:
        return np.array([zlib.crc32(text) for text in values.cast(pl.Binary)], dtype=np.uint32)
    is_float, there = values.dtype.is_float(), values.is_not_null().to_numpy()
    numbers = values.cast(pl.Float64 if is_float else pl.Int64).fill_null(0).to_numpy()
    if is_float:
        numbers = numbers + 0.0  # of -0.0 that makes 0.0, which it is equal to
    bits = numbers.view(np.uint64)
    folded = bits.astype(np.uint32) ^ _mix((bits >> np.uint64(32)).astype(np.uint32))
    return np.where(there, folded, _MISSING)


def _mix(number: Hashes) -> Hashes:
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        number = (number ^ (number >> np.uint32(shift))) * np.uint32(factor)
    return number ^ (number >> np.uint32(16))


def _own_positions(rows: pl.LazyFrame, types: pl.Schema, seed: int) -> Hashes:
    """Return a number (n,) for each row: of its content, and of how many equal rows come before.

    So equal rows are observations of their own; which of them is the first makes no difference,
    as they are equal. Keeps 12 bytes for each row of the table, and 8 more to sort them.
    """
    position = row_hash(sorted(types.names()), types, seed)
    # polars' own hash does here: which rows are equal does not depend on its version.
    asked = rows.select(position=position, hash=pl.struct(pl.all()).hash())
    found = asked.collect(engine="streaming")
    positions, hashes = found["position"].to_numpy().copy(), found["hash"].to_numpy()
    ordered = np.sort(hashes)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(repeated):
        place = np.minimum(np.searchsorted(repeated, hashes), len(repeated) - 1)
        several = np.flatnonzero(repeated[place] == hashes)
        before = pl.int_range(pl.len(), dtype=pl.UInt32).over("hash")
        number = found[several].select(before).to_series().to_numpy()
        later = several[number > 0]
        positions[later] = _mix(positions[later] ^ number[number > 0])
    return positions


def _stratified(table: pl.LazyFrame, target: str, position: pl.Expr, test_size: float) -> pl.Expr:
    step, block = position // _STEP, position // _BLOCK
    blocks: dict[object, int] = {}
    rest: dict[object, int] = {}
    for value, counts in _counts(table, target, block).items():
        rows = int(counts["rows"].sum())
        # Each class keeps a row on both sides, whatever the share.
        wanted = min(max(round(rows * test_size), 1), rows - 1)
        blocks[value], rest[value] = _bin_reaching(counts, wanted)
    inside = table.filter(block.is_in(sorted(set(blocks.values()))))
    limits: dict[object, int] = {}
    for value, counts in _counts(inside, target, step).items():
        of_block = counts.filter(pl.col("bin") // (_BLOCK // _STEP) == blocks[value])
        limits[value], _ = _bin_reaching(of_block, rest[value])
    return step < _of_class(target, limits)


def _counts(table: pl.LazyFrame, target: str, bins: pl.Expr) -> dict[object, pl.DataFrame]:
    """Return for each class its rows in each bin, in the order of the bins."""
    counted = table.group_by(pl.col(target), bins.alias("bin")).agg(pl.len().alias("rows"))
    counts = counted.sort("bin").collect(engine="streaming")
    return {value: part for (value,), part in counts.group_by(target)}


def _bin_reaching(counts: pl.DataFrame, wanted: int) -> tuple[int, int]:
    """Return the bin in which the rows exceed ``wanted``, and what the bins before it lack."""
    before = counts.filter(pl.col("rows").cum_sum() <= wanted)
    return int(counts["bin"][before.height]), wanted - int(before["rows"].sum())


def _of_class(target: str, numbers: dict[object, int]) -> pl.Expr:
    def look_up(values: pl.Series) -> pl.Series:
        return values.replace_strict(numbers, default=None, return_dtype=pl.UInt32)

    # Batch by batch: as an expression of its own, polars would collect the whole table for it.
    return pl.col(target).map_batches(look_up, return_dtype=pl.UInt32, is_elementwise=True)


def _later(table: pl.LazyFrame, column: str, test_size: float) -> pl.Expr:
    def find(what: pl.Expr) -> Any:
        return table.select(what).collect(engine="streaming").item()

    last = find(pl.col(column).max())
    if last is None:  # polars knows no quantile of nothing; that no row has a value is told later
        return pl.lit(None, dtype=pl.Boolean)
    cutoff = find(pl.col(column).quantile(1 - test_size, interpolation="lower"))
    if cutoff == last:
        raise ProjectError(f"no row is later than all others in '{column}': no split by time")
    return pl.col(column) > pl.lit(cutoff)
