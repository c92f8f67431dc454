"""Propose a first schema for a new table, and tell what looks odd in it: `model schema`.

The ranges and allowed values are those seen, so that a person widens them where the next table
may differ.
"""

import math
import re
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import polars as pl

from mlrepo.adoption.proposal import Proposal
from mlrepo.adoption.types import Guess, guess
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.tables import distinct
from mlrepo.tables.columns import FITS, from_parquet, parse_text, text
from mlrepo.tables.raw import explain, is_csv, refuse_short_lines, scan
from mlrepo.tables.schema import OR, Field

# A text column with at most so many values is a category: its values are listed.
_MOST_CATEGORIES = 30
_NEARLY_ALL = 0.95
_MANY_ROWS = 50
# How pandas names the numbers of rows that it wrote as a column.
_INDEX = re.compile(r"|Unnamed: \d+|__index_level_\d+__")


def infer(params: LibraryParams, private: Collection[str] = ()) -> Proposal:
    """Return a Table Schema field for each column of the table of ``params``, and remarks.

    ``private`` columns are marked so, and none of their values is shown.
    """
    data = params.data
    table = scan(data)
    try:
        if is_csv(data):
            names = table.collect_schema().names()
            texts = table.select(text(name, data.csv).alias(name) for name in names)
            guesses = guess(texts, data.csv, private)
            typed = [
                parse_text(pl.col(name), Field(name=name, **_first_format(found.keys)), data.csv)
                for name, found in guesses.items()
            ]
            table = texts.select(
                value.alias(name) for name, value in zip(guesses, typed, strict=True)
            )
        else:
            guesses, types = _of_types(table), table.collect_schema()
            table = table.select(
                from_parquet(Field(name=name, **found.keys), types[name]).value
                for name, found in guesses.items()
                if found.keys["type"] != "any"
            )
        return _describe(table, guesses, params, private)
    except pl.exceptions.PolarsError as error:
        raise explain(error, data) from None


def _first_format(keys: dict[str, Any]) -> dict[str, Any]:
    """Return keys that can be read with, where a person still has to choose a format."""
    return {k: v.partition(OR)[0] if k == "format" else v for k, v in keys.items()}


def _of_types(table: pl.LazyFrame) -> dict[str, Guess]:
    """Return a guess for each column of a Parquet table, by its type there."""
    types, guesses = table.collect_schema(), {}
    for name, dtype in types.items():
        # An integer is a number, and fits a text, as well.
        order = ("integer",) if dtype.is_integer() else ("number", *FITS)
        kind = next((kind for kind in order if FITS[kind](dtype)), "any")
        guesses[name] = found = Guess({"type": kind})
        if kind == "any":
            found.odd.append(f"{dtype} is no column of values: not read")
        if zone := getattr(dtype, "time_zone", None):
            found.keys["timezone"] = zone
    wide = [name for name, dtype in types.items() if dtype in (pl.UInt64, pl.Int128)]
    ends = table.select(pl.col(wide).max()).collect(engine="streaming").row(0) if wide else ()
    for name, most in zip(wide, ends, strict=True):
        if most is not None and most >= 2**63:
            odd = ["integers of more than 64 bits, exact as a text alone"]
            guesses[name] = Guess({"type": "string"}, odd=odd)
    return guesses


def _describe(
    table: pl.LazyFrame,
    guesses: dict[str, Guess],
    params: LibraryParams,
    private: Collection[str],
) -> Proposal:
    data, split = params.data, params.prepare.split
    names = {name: found for name, found in guesses.items() if found.keys["type"] != "any"}
    asked = [pl.len().alias("rows")]
    for number, (name, found) in enumerate(names.items()):
        column, kind = pl.col(name), found.keys["type"]
        asked.append(column.null_count().alias(f"{number} absent"))
        if kind == "string":
            asked.append(column.approx_n_unique().alias(f"{number} values"))
        elif found.least is None and kind != "boolean":
            known = column.filter(column.is_finite()) if kind == "number" else column
            asked += [known.min().alias(f"{number} least"), known.max().alias(f"{number} most")]
    measured = table.select(asked).collect(engine="streaming").row(0, named=True)
    rows = measured["rows"]
    if rows == 0:
        raise ProjectError(f"{data.path} has a header and no rows")
    if is_csv(data) and measured[f"{len(names) - 1} absent"]:
        refuse_short_lines(data)
    grows = {*data.id, *([split.column] if split.column else [])}
    unlimited = {*grows, *private}
    few = [
        name
        for number, (name, found) in enumerate(names.items())
        if name not in unlimited and measured.get(f"{number} values", math.inf) <= _MOST_CATEGORIES
    ]
    lists = _lists(table, few)
    fields: list[dict[str, Any]] = []
    useless: list[str] = []
    for name, found in guesses.items():
        limits: dict[str, Any] = {}
        kind = found.keys["type"]
        if _INDEX.fullmatch(name) and kind == "integer" and name not in grows:
            found.keys = {"type": "any"}
            found.odd = ["a number of the row, as pandas writes it: not read"]
        elif kind != "any":
            number = list(names).index(name)
            limits = _limits(name, found, measured, number, lists, name in unlimited)
            remarks = _useless(found, measured, number, lists.get(name))
            found.odd += remarks
            useless += [name] if remarks else []
        if [name] == list(data.id) and _is_unique(table, name, rows):
            limits["unique"] = True
        rules = {"constraints": limits} if limits and limits.get("enum") != [] else {}
        marks = {"private": True} if name in private else {}
        fields.append({"name": name, **found.keys, **marks, **rules})
    odd = {name: found.odd for name, found in guesses.items()}
    nothing = sorted({text for found in guesses.values() for text in found.nothing})
    return Proposal(fields, odd, rows, table, nothing, useless)


def _lists(table: pl.LazyFrame, names: list[str]) -> dict[str, list[str]]:
    """Return the different values of columns of few categories."""
    asked = [pl.col(name).drop_nulls().unique().implode() for name in names]
    if not asked:
        return {}
    found = table.select(asked).collect(engine="streaming").row(0, named=True)
    return {name: sorted(values) for name, values in found.items()}


def _limits(
    name: str,
    found: Guess,
    measured: dict[str, Any],
    number: int,
    lists: dict[str, list[str]],
    grows: bool,
) -> dict[str, Any]:
    """Return the rules for a column; ``grows``: no bounds, as the next table goes beyond them."""
    limits: dict[str, Any] = {}
    if name in lists:
        limits["enum"] = lists[name]
    least = measured.get(f"{number} least", found.least)
    most = measured.get(f"{number} most", found.most)
    if least is not None and not grows and found.keys["type"] not in ("string", "boolean"):
        limits |= {"minimum": _plain(least), "maximum": _plain(most)}
    if absent := measured[f"{number} absent"]:
        limits["maxMissing"] = math.ceil(100 * absent / measured["rows"]) / 100
    return limits


def _useless(
    found: Guess, measured: dict[str, Any], number: int, values: list[str] | None
) -> list[str]:
    rows, absent = measured["rows"], measured[f"{number} absent"]
    if absent == rows:
        return ["no value in any row"]
    least = measured.get(f"{number} least", found.least)
    same = least is not None and least == measured.get(f"{number} most", found.most)
    if same or (values is not None and len(values) == 1):
        return ["the same in each row that has a value"]
    there = rows - absent
    if there >= _MANY_ROWS and measured.get(f"{number} values", 0) >= _NEARLY_ALL * there:
        return ["a text that is different in nearly each row: probably useless as a feature"]
    return []


def _is_unique(table: pl.LazyFrame, name: str, rows: int) -> bool:
    """Whether a column has another value in each row; a guess comes first, as it is cheap."""
    column = pl.col(name)
    about = table.select(column.approx_n_unique()).collect(engine="streaming").item()
    # Of integers that follow one another polars' guess is off by up to 16%.
    return about > rows / 2 and distinct.count(table, column, rows) == rows


def _plain(bound: float | date | datetime) -> float | str:
    if isinstance(bound, datetime):
        return bound.replace(tzinfo=None).isoformat()
    return bound.isoformat() if isinstance(bound, date) else bound
