"""Turn the raw columns of a table into values of the declared types."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from mlrepo.core.errors import ProjectError, did_you_mean
from mlrepo.core.params import Csv
from mlrepo.tables.schema import Field, Schema

# The spellings of the Table Schema standard.
TRUE = ["true", "True", "TRUE", "1"]
FALSE = ["false", "False", "FALSE", "0"]

KINDS: dict[str, tuple[str, Callable[[pl.DataType], bool]]] = {
    "string": ("text", lambda t: t in (pl.String, pl.Categorical, pl.Enum)),
    "integer": ("integer", lambda t: t.is_integer()),
    "number": ("number", lambda t: t.is_numeric()),
    "boolean": ("boolean", lambda t: t == pl.Boolean),
    "date": ("date", lambda t: t == pl.Date),
    "datetime": ("datetime", lambda t: t == pl.Datetime),
}


@dataclass(frozen=True)
class Column:
    """A declared column: its text or value as it stands in the file, and its typed value.

    Where a value was parsed out of text, `raw` is there and `value` is null, it could not be read.
    """

    field: Field
    raw: pl.Expr
    value: pl.Expr
    parsed: bool


def typed_columns(schema: Schema, table: pl.LazyFrame, dialect: Csv | None) -> list[Column]:
    """Return the declared columns of ``table``, whose CSV ``dialect`` is None for Parquet.

    Refuse a column that is absent, undeclared or, in Parquet, of another type.
    """
    types = table.collect_schema()
    absent = [name for name in schema.names if name not in types]
    undeclared = [name for name in types if name not in schema.names]
    if absent or undeclared:
        says = [f"the schema declares {absent}, which the table lacks"] if absent else []
        says += [f"the table has {undeclared}, which the schema lacks"] if undeclared else []
        hints = [(name, did_you_mean(name, absent)) for name in undeclared]
        says += [f"'{name}' in the table{hint}" for name, hint in hints if hint]
        raise ProjectError(
            f"table and schema have other columns: {'; '.join(says)}. For another table propose "
            "a new schema: `model schema --force`"
        )
    if dialect is None:
        return [_from_parquet(field, types[field.name]) for field in schema.fields]
    return [_from_text(field, dialect) for field in schema.fields]


def text(name: str, dialect: Csv) -> pl.Expr:
    """Return a CSV column without outer spaces, null where it is one of the missing values."""
    stripped = pl.col(name).str.strip_chars()
    return pl.when(stripped.is_in(list(dialect.missing)).not_()).then(stripped)


def parse_text(raw: pl.Expr, kind: str, form: str | None, decimal: str) -> pl.Expr:
    """Return a text column as values of the type ``kind``, null where they cannot be read."""
    match kind:
        case "integer":
            return raw.cast(pl.Int64, strict=False)
        case "number":
            plain = raw if decimal == "." else raw.str.replace(decimal, ".", literal=True)
            # Programs that write NaN mean an absent value.
            return plain.cast(pl.Float64, strict=False)
        case "boolean":
            return pl.when(raw.is_in(TRUE)).then(True).when(raw.is_in(FALSE)).then(False)
        case "date":
            return raw.str.to_date(form or "%Y-%m-%d", strict=False)
        case "datetime":
            return raw.str.to_datetime(form, time_unit="us", strict=False)
    return raw


def _from_text(field: Field, dialect: Csv) -> Column:
    raw = text(field.name, dialect)
    if field.type == "number":
        raw = pl.when(raw.str.to_lowercase() != "nan").then(raw)
    value = parse_text(raw, field.type, field.format, dialect.decimal)
    return Column(field, raw, value.alias(field.name), parsed=True)


def _from_parquet(field: Field, dtype: pl.DataType) -> Column:
    kind, fits = KINDS[field.type]
    if not fits(dtype):
        raise ProjectError(f"the column '{field.name}' is {dtype} in the table, not a {kind}")
    raw = value = pl.col(field.name)
    match field.type:
        case "number":
            # Programs that write NaN mean an absent value.
            numbers = raw.cast(pl.Float64)
            raw = value = pl.when(numbers.is_not_nan()).then(numbers)
        case "integer":
            value = raw.cast(pl.Int64)
        case "string":
            value = raw.cast(pl.String)
        case "datetime":
            value = raw.dt.cast_time_unit("us")
    return Column(field, raw, value.alias(field.name), parsed=False)
