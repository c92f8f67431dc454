"""Divide rows into train and test; the same rows fall on the same side on every machine."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from mlrepo.core import column_params, owner, prepared
from mlrepo.core.column_params import OURS
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import scratch
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import TRAIN
from mlrepo.tables import spill
from mlrepo.tables.raw import explain
from mlrepo.tables.row_hash import Hashes, mix, row_hash

Bits = NDArray[np.uint8]

_NUMBERS = 2**32  # that a row can have
_SIDE, _INDEX = f"{OURS}test", f"{OURS}row"


def divide(rows: pl.LazyFrame, params: LibraryParams) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return the train and the test rows, lazily; rows without a target are in neither.

    The raw ``rows`` decide on the sides: of a target that data.py makes they know nothing.

    Raises:
        ProjectError: if no row is later than the others. That a value is missing in the split's
            column is for the checks to say.
    """
    label, split = column_params.label(params), params.prepare.split
    known = label.is_not_null()
    try:  # it is the first that reads the rows
        if split.method == "time":
            in_test = _later(rows.filter(known), str(split.column), split.test_size)
        elif _can_say_its_side(params):
            types = rows.collect_schema()
            number = row_hash(column_params.kept_together(types, params), types, split.seed)
            in_test = number < math.ceil(split.test_size * _NUMBERS)
        else:
            in_test = _looked_up(_sides(rows, params))
    except pl.exceptions.InvalidOperationError as error:
        raise column_params.not_made(error) from None
    except pl.exceptions.PolarsError as error:
        raise explain(error, params.data) from None
    # Null, so on neither side, where the target is.
    side = pl.when(known).then(in_test).alias(_SIDE)
    divided = rows.with_row_index(_INDEX).with_columns(side).cache()
    train, test = divided.filter(~pl.col(_SIDE)), divided.filter(pl.col(_SIDE))
    train, test = train.drop(_SIDE, _INDEX), test.drop(_SIDE, _INDEX)
    return column_params.with_target(train, params), column_params.with_target(test, params)


def _can_say_its_side(params: LibraryParams) -> bool:
    """Whether each raw row knows its own side: equal ones, shares and features need all rows."""
    split = params.prepare.split
    by_id = split.method == "random" and split.equal_features == "apart" and bool(params.data.id)
    return by_id or split.method == "group"


def _sides(rows: pl.LazyFrame, params: LibraryParams) -> Bits:
    """Return whether each row is in the test, for what no row can say on its own.

    The numbers of the rows are on disk meanwhile, up to 24 bytes for each.
    """
    split = params.prepare.split
    if together := split.equal_features == "together":
        rows = _as_the_model_sees(rows, params)
    types = rows.collect_schema()
    names = types.names() if together else column_params.kept_together(types, params)
    asked = {"number": row_hash(names or sorted(types.names()), types, split.seed)}
    # polars' own hash does for the rest: which values are equal does not depend on its version.
    if not names:
        asked["content"] = pl.struct(pl.all()).hash()
    if split.method == "stratified":
        asked["class"] = column_params.label(params).hash()
    with scratch(TRAIN.with_name("rows")) as folder:
        spill.write(rows.select(**asked).with_row_index(_INDEX), folder / "all.parquet").collect(
            engine="streaming"
        )
        found = pl.scan_parquet(folder / "all.parquet")
        count = found.select(pl.len()).collect().item()
        if not names:
            found = _told_apart(found, count, folder)
        if split.method == "stratified":
            found = found.join(_limits(found, split.test_size), on="class")
            in_test = pl.col("number") < pl.col("limit")
        else:
            in_test = pl.col("number") < math.ceil(split.test_size * _NUMBERS)
        return _bits(found.select(_INDEX, in_test.alias(_SIDE)), count)


def _as_the_model_sees(rows: pl.LazyFrame, params: LibraryParams) -> pl.LazyFrame:
    """Return the features of each row as data.py makes them: equal ones may differ in raw columns.

    Numbers as 64-bit floats where `row_hash` knows no other way; NaN is an absent value.
    """
    seen = owner.add_features()(column_params.with_target(rows, params))
    names = sorted(column_params.wanted(seen.collect_schema(), params))
    there, made = (prepared.count(each) for each in (rows, seen))
    if there != made:
        raise ProjectError(
            f"add_features in {owner.name()}/data.py makes {made} rows of {there}: it must look at "
            "one row at a time. Let each key stand once in a table that it joins"
        )
    odd = cs.decimal() | cs.by_dtype(pl.UInt64, pl.Int128)
    return seen.select(names).with_columns(cs.float().fill_nan(None), odd.cast(pl.Float64))


def _bits(sides: pl.LazyFrame, count: int) -> Bits:
    """Return one bit for each of ``count`` rows, eight in a byte: rows in the test have 1."""
    bits = [np.zeros(0, dtype=np.uint8)]
    for first, part in spill.parts(sides, _INDEX, count, count):
        here = np.zeros(len(part), dtype=np.bool_)
        here[part[_INDEX].to_numpy() - np.uint32(first)] = part[_SIDE].to_numpy()
        bits.append(np.packbits(here, bitorder="little"))
    return np.concatenate(bits)


def _looked_up(sides: Bits) -> pl.Expr:
    def look_up(index: pl.Series) -> pl.Series:
        # polars hides the rows whose side it does not ask for.
        rows = index.fill_null(0).to_numpy()
        return pl.Series(index.name, sides[rows >> 3] >> (rows & 7).astype(np.uint8) & 1 == 1)

    return pl.col(_INDEX).map_batches(look_up, return_dtype=pl.Boolean, is_elementwise=True)


def _told_apart(rows: pl.LazyFrame, count: int, folder: Path) -> pl.LazyFrame:
    """Give each row a number: of its content, and of how many equal rows come before.

    So equal rows are observations of their own; which of them is the first makes no difference,
    as they are equal.
    """
    for first, part in spill.parts(rows, "content", 2**64, count):
        own = _tell_apart(part["number"].to_numpy(), part["content"])
        part.drop("content").with_columns(number=own).write_parquet(folder / f"{first}.part")
    return pl.scan_parquet(folder / "*.part")


def _tell_apart(numbers: Hashes, content: pl.Series) -> Hashes:
    hashes = content.to_numpy()
    ordered = np.sort(hashes)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(repeated):
        return numbers
    place = np.minimum(np.searchsorted(repeated, hashes), len(repeated) - 1)
    several = np.flatnonzero(repeated[place] == hashes)
    before = pl.int_range(pl.len(), dtype=pl.UInt32).over("content")
    count = content[several].to_frame().select(before).to_series().to_numpy()
    own, later = numbers.copy(), several[count > 0]
    own[later] = mix(own[later] ^ count[count > 0])
    return own


def _limits(rows: pl.LazyFrame, test_size: float) -> pl.LazyFrame:
    """Return a limit for each class: its rows of smaller numbers are the test.

    Found as by a radix sort: rows are counted by the upper bits of their number, and looked at
    where the limit lies. Where that is the smallest number, of an id with many rows, it is the
    next one: a class of two numbers or more has rows in the test.
    """
    upper = pl.col("number") // 2**20
    count = pl.col("rows").cast(pl.Int64)
    size = count.sum()
    # Each class keeps a row on both sides, whatever the share.
    wanted = pl.min_horizontal((size * test_size).round().cast(pl.Int64).clip(1), size - 1)
    counted = rows.group_by("class", upper=upper).len("rows").collect(engine="streaming")
    place = (wanted - (count.cum_sum() - count)).over("class").alias("place")
    lowest = pl.col("upper") == pl.col("upper").min().over("class")
    at = counted.sort("class", "upper").with_columns(place, count, lowest=lowest)
    at = at.filter(pl.col("place").is_between(0, pl.col("rows") - 1)).drop("rows")
    near = rows.with_columns(upper=upper).join(at.lazy(), on=["class", "upper"])
    limit = pl.col("number").sort().get(pl.col("place").first())
    none_below = pl.col("lowest").first() & (limit == pl.col("number").min())
    found = near.group_by("class").agg(limit=limit, none_below=none_below)
    limits = found.collect(engine="streaming")
    if limits["none_below"].any():
        small = limits.lazy().filter("none_below")
        above = rows.join(small, on="class").filter(pl.col("number") > pl.col("limit"))
        after = above.group_by("class").agg(after=pl.col("number").min())
        limits = limits.join(after.collect(engine="streaming"), on="class", how="left")
        limits = limits.with_columns(limit=pl.coalesce("after", "limit"))
    return limits.lazy().select("class", "limit")


def _later(table: pl.LazyFrame, column: str, test_size: float) -> pl.Expr:
    def find(what: pl.Expr) -> Any:
        return table.select(what).collect(engine="streaming").item()

    last = find(pl.col(column).max())
    if last is None:  # polars knows no quantile of nothing; the checks say that no row has a value
        return pl.lit(None, dtype=pl.Boolean)
    cutoff = find(pl.col(column).quantile(1 - test_size, interpolation="lower"))
    if cutoff == last:
        raise ProjectError(f"no row is later than all others in '{column}': no split by time")
    return pl.col(column) > pl.lit(cutoff)
