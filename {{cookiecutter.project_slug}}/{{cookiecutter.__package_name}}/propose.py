"""Propose a first schema for a new table: ``python -m <package>.propose [--force]``.

The ranges and allowed values are those seen, so that a person widens them where the next table
may differ.
"""

import argparse
import math
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from .columns import parse_text, text
from .errors import ProjectError, run
from .files import atomic
from .params import Data, load_params
from .table import explain, is_csv, scan

# A text column with at most so many values is a category: its values are listed.
_MOST_CATEGORIES = 30
# In this order: the first type that reads every value of a CSV column is proposed.
_GUESSES = ("integer", "number", "boolean", "date", "datetime")


def infer_fields(data: Data) -> list[dict[str, Any]]:
    """Return a Table Schema field for each column of the table of ``data``.

    Raises:
        ProjectError: if the table cannot be read or has no rows.
    """
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
    return {name: _first_fit(found, str(number)) for number, name in enumerate(names)}


def _first_fit(found: dict[str, int], number: str) -> str:
    if found[number] == 0 or found[f"{number} codes"]:
        return "string"
    fits = (kind for kind in _GUESSES if found[f"{number} {kind}"] == found[number])
    return next(fits, "string")


def _kind(name: str, dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    kinds = {pl.Boolean: "boolean", pl.Date: "date", pl.Datetime: "datetime"}
    texts = dict.fromkeys((pl.String, pl.Categorical, pl.Enum), "string")
    for base, kind in (kinds | texts).items():
        if dtype == base:
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
    fields = []
    for number, (name, kind) in enumerate(types.items()):
        limits: dict[str, Any] = {}
        if kind == "string" and found[f"{number} values"] <= _MOST_CATEGORIES:
            limits["enum"] = _values(table, name)
        if found.get(f"{number} least") is not None:
            limits["minimum"] = _plain(found[f"{number} least"])
            limits["maximum"] = _plain(found[f"{number} most"])
        if absent := found[f"{number} absent"]:
            limits["maxMissing"] = math.ceil(100 * absent / found["rows"]) / 100
        field: dict[str, Any] = {"name": name, "type": kind}
        fields.append(field | ({"constraints": limits} if limits.get("enum") != [] else {}))
    return fields


def _values(table: pl.LazyFrame, name: str) -> list[str]:
    column = table.select(pl.col(name).drop_nulls().cast(pl.String).unique())
    return sorted(column.collect(engine="streaming")[name].to_list())


def _plain(bound: float | date | datetime) -> float | str:
    return bound.isoformat() if isinstance(bound, (date, datetime)) else bound


def main() -> None:
    """Write a first schema to the path that params.yaml names."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}.propose", description=__doc__)
    parser.add_argument("--force", action="store_true", help="replace the schema that is there")
    arguments = parser.parse_args()
    data = load_params().data
    path = Path(data.table_schema)
    if path.exists() and not arguments.force:
        raise ProjectError(f"{path} exists already: --force replaces it by a new proposal")
    heading = (
        f"# The schema of {data.path}, proposed from the data: check it and widen it where\n"
        "# the next table may differ. Keys: https://datapackage.org/standard/table-schema/, and\n"
        "# maxMissing, the largest share of absent values.\n"
    )
    schema = {"fields": infer_fields(data)}
    body = yaml.safe_dump(schema, sort_keys=False, allow_unicode=True, width=100)
    with atomic(path) as partial:
        partial.write_text(heading + body, encoding="utf-8", newline="\n")
    print(f"{path} written: check it before the first `dvc repro`")


if __name__ == "__main__":
    run(main)
