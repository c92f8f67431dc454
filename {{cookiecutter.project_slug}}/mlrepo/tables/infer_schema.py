"""Propose a first schema for a new table: `model schema`.

The ranges and allowed values are those seen, so that a person widens them where the next table
may differ.
"""

import math
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic
from mlrepo.core.params import Data
from mlrepo.tables.columns import KINDS, parse_text, text
from mlrepo.tables.raw import explain, is_csv, scan

# A text column with at most so many values is a category: its values are listed.
_MOST_CATEGORIES = 30
# In this order: the first type that reads every value of a CSV column is proposed.
_GUESSES = ("integer", "number", "boolean", "date", "datetime")


def infer_fields(data: Data) -> list[dict[str, Any]]:
    """Return a Table Schema field for each column of the table of ``data``."""
    table = scan(data)
    try:
        if is_csv(data):
            names = table.collect_schema().names()
            texts = table.select(text(name, data.csv).alias(name) for name in names)
            types = _guess(texts, data)
            table = texts.select(
                parse_text(pl.col(name), kind, None, data.csv.decimal).alias(name)
                for name, kind in types.items()
            )
        else:
            types = {name: _kind(name, t) for name, t in table.collect_schema().items()}
        return _describe(table, types, data)
    except pl.exceptions.PolarsError as error:
        raise explain(error, data) from None


def _guess(texts: pl.LazyFrame, data: Data) -> dict[str, str]:
    names = texts.collect_schema().names()
    measures = []
    for number, name in enumerate(names):
        column = pl.col(name)
        measures.append(column.count().alias(f"{number}"))
        for kind in _GUESSES:
            value = parse_text(column, kind, None, data.csv.decimal)
            measures.append(value.count().alias(f"{number} {kind}"))
        # 007 is a code, not the number 7.
        codes = column.str.contains(r"^[-+]?0[0-9]").sum()
        measures.append(codes.alias(f"{number} codes"))
    found = texts.select(measures).collect(engine="streaming").row(0, named=True)
    types = dict.fromkeys(names, "string")
    for number, name in enumerate(names):
        there = found[f"{number}"]
        if there and not found[f"{number} codes"]:
            fits = (kind for kind in _GUESSES if found[f"{number} {kind}"] == there)
            types[name] = next(fits, "string")
    return types


def _kind(name: str, dtype: pl.DataType) -> str:
    for kind, (_, fits) in KINDS.items():  # an integer is a number as well
        if fits(dtype):
            return kind
    raise ProjectError(f"the column '{name}' is {dtype}, which no model can use: leave it out")


def _describe(table: pl.LazyFrame, types: dict[str, str], data: Data) -> list[dict[str, Any]]:
    measures = [pl.len().alias("rows")]
    for number, (name, kind) in enumerate(types.items()):
        column = pl.col(name)
        measures.append(column.null_count().alias(f"{number} absent"))
        if kind == "string":
            measures.append(column.approx_n_unique().alias(f"{number} values"))
        elif kind != "boolean":
            known = column.filter(column.is_finite()) if kind == "number" else column
            measures += [known.min().alias(f"{number} least"), known.max().alias(f"{number} most")]
    found = table.select(measures).collect(engine="streaming").row(0, named=True)
    if found["rows"] == 0:
        raise ProjectError(f"{data.path} has a header and no rows")
    fields: list[dict[str, Any]] = []
    for number, (name, kind) in enumerate(types.items()):
        limits: dict[str, Any] = {}
        if kind == "string" and found[f"{number} values"] <= _MOST_CATEGORIES:
            values = table.select(pl.col(name).drop_nulls().cast(pl.String).unique())
            limits["enum"] = sorted(values.collect(engine="streaming")[name].to_list())
        if found.get(f"{number} least") is not None:
            limits["minimum"] = _plain(found[f"{number} least"])
            limits["maximum"] = _plain(found[f"{number} most"])
        if absent := found[f"{number} absent"]:
            limits["maxMissing"] = math.ceil(100 * absent / found["rows"]) / 100
        rules = {"constraints": limits} if limits.get("enum") != [] else {}
        fields.append({"name": name, "type": kind, **rules})
    return fields


def _plain(bound: float | date | datetime) -> float | str:
    return bound.isoformat() if isinstance(bound, date | datetime) else bound


def propose(data: Data, force: bool) -> Path:
    """Write a first schema to the path that params.yaml names, and return it.

    One that is there already is replaced only with ``force``.
    """
    path = Path(data.table_schema)
    if path.exists() and not force:
        raise ProjectError(f"{path} exists already: --force replaces it by a new proposal")
    heading = (
        f"# The schema of {data.path}, proposed from the data: check it and widen it where\n"
        "# the next table may differ. Keys: https://datapackage.org/standard/table-schema/, and\n"
        "# maxMissing, the largest share of absent values.\n"
    )
    body = yaml.dump({"fields": infer_fields(data)}, width=100)
    with atomic(path) as partial:
        partial.write_text(heading + body, encoding="utf-8", newline="\n")
    return path
