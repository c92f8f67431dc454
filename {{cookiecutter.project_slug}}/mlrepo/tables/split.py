"""Divide rows into train and test; the same rows fall on the same side on every machine."""

import math
from typing import Any

import numpy as np
import polars as pl

from mlrepo.core import column_params
from mlrepo.core.column_params import OURS
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.tables.raw import explain
from mlrepo.tables.row_hash import Hashes, mix, row_hash

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
        elif split.method == "stratified" or not _what_names_a_row(rows, params):
            in_test = _looked_up(_sides(rows, params))
        else:
            names, types = _what_names_a_row(rows, params), rows.collect_schema()
            in_test = row_hash(names, types, split.seed) < math.ceil(split.test_size * _NUMBERS)
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


def _what_names_a_row(rows: pl.LazyFrame, params: LibraryParams) -> list[str]:
    """Return the columns whose hash is a row's number: rows of one number are on one side.

    None: each row has a number of its own.
    """
    split = params.prepare.split
    if split.method == "group":
        return [str(split.column)]
    if split.equal_features == "together":
        return sorted(column_params.wanted(rows.collect_schema(), params))
    return list(params.data.id)


def _sides(rows: pl.LazyFrame, params: LibraryParams) -> pl.Series:
    """Return whether each row is in the test, for what no row can say on its own.

    Memory holds up to 32 bytes for each row meanwhile, and one byte afterwards.
    """
    names, split = _what_names_a_row(rows, params), params.prepare.split
    types = rows.collect_schema()
    asked = {"number": row_hash(names or sorted(types.names()), types, split.seed)}
    # polars' own hash does for the rest: which values are equal does not depend on its version.
    if not names:
        asked["content"] = pl.struct(pl.all()).hash()
    in_test = pl.col("number") < math.ceil(split.test_size * _NUMBERS)
    if split.method == "stratified":
        asked["class"], in_test = column_params.label(params).hash(), _stratified(split.test_size)
    found = rows.select(**asked).collect(engine="streaming")
    if not names:
        own = _tell_apart(found["number"].to_numpy(), found["content"])
        found = found.with_columns(number=own).drop("content")
    return found.select(in_test).to_series()


def _looked_up(sides: pl.Series) -> pl.Expr:
    values = sides.to_numpy()

    def look_up(index: pl.Series) -> pl.Series:
        # polars hides the rows whose side it does not ask for.
        return pl.Series(index.name, values[index.fill_null(0).to_numpy()])

    return pl.col(_INDEX).map_batches(look_up, return_dtype=pl.Boolean, is_elementwise=True)


def _tell_apart(numbers: Hashes, content: pl.Series) -> Hashes:
    """Return a number (n,) for each row: of its content, and of how many equal rows come before.

    So equal rows are observations of their own; which of them is the first makes no difference,
    as they are equal.
    """
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


def _stratified(test_size: float) -> pl.Expr:
    """Return whether a row is in the test: those of the smallest numbers of each class are."""
    rows = pl.len().cast(pl.Int64)
    # Each class keeps a row on both sides, whatever the share.
    wanted = pl.min_horizontal((rows * test_size).round().cast(pl.Int64).clip(1), rows - 1)
    return pl.col("number") < pl.col("number").sort().get(wanted).over("class")


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
