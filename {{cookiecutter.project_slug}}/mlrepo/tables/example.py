"""A row that obeys a schema, for people who have no table yet."""

import csv
import io
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import polars as pl

from mlrepo.core.params import Csv
from mlrepo.tables.schema import Field


def example(field: Field) -> Any:
    """Return a value of a column as JSON has it: that of the schema, or one between its limits."""
    limits = field.constraints
    if field.example is not None:
        return field.example
    if limits.enum:
        return limits.enum[0]
    bounds = [bound for bound in (limits.minimum, limits.maximum) if bound is not None]
    match field.type:
        case "integer":
            return round(sum(map(float, bounds)) / len(bounds)) if bounds else 1
        case "number":
            return sum(map(float, bounds)) / len(bounds) if bounds else 1.5
        case "boolean":
            return True
        case "string":
            return "text"
    moment = str(bounds[0]) if bounds else date(2024, 1, 31).isoformat()
    if field.type == "date":
        return moment
    moment = moment if "T" in moment else f"{moment[:10]}T00:00:00"
    return f"{moment}Z" if field.timezone else moment


def table(fields: Collection[Field], dialect: Csv) -> bytes:
    """Return a CSV file with a header and one row, written as ``dialect`` and the formats say."""
    text = io.StringIO(newline="")
    lines = csv.writer(text, delimiter=dialect.separator, lineterminator="\n")
    lines.writerow(field.name for field in fields)
    lines.writerow(_written(field, dialect) for field in fields)
    return text.getvalue().encode(dialect.encoding)


def _written(field: Field, dialect: Csv) -> str:
    value = example(field)
    match field.type:
        case "boolean":
            return str(value).lower()
        case "number":
            return str(value).replace(".", dialect.decimal)
        case "date" | "datetime" if field.format:
            kind = date if field.type == "date" else datetime
            # polars reads %#z, and writes only %z.
            form = field.format.replace("%#z", "%z")
            return str(pl.Series([kind.fromisoformat(value)]).dt.strftime(form)[0])
    return str(value)
