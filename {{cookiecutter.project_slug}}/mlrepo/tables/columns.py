"""Turn the raw columns of a table into values of the declared types."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from mlrepo.core.errors import ProjectError, did_you_mean
from mlrepo.core.params import Csv
from mlrepo.tables.schema import Field, Schema

# The spellings of the Table Schema standard.
TRUE = ["true", "True", "TRUE", "1"]
FALSE = ["false", "False", "FALSE", "0"]
_FIRST_YEAR = 1000  # %Y takes the 25 of 31.12.25 for a year
_DIGITS = 38  # of decimals that polars computes with
_LAST_YEAR = 9999  # that Python knows

# Signs of currencies and %, with spaces around them, before and behind a number.
_CLOTHED = r"^[\p{Sc}%\s]*([+-]?)[\p{Sc}%\s]*(.*?)[\p{Sc}%\s]*$"
_NAN = r"(?i)^[+-]?nan$"
_SPACES = "[\u00a0\u2009\u202f]"  # between thousands, where a line must not break
_NO_OFFSET = r"^\d{4}-\d\d-\d\d(?:[T ][\d:.]*)?$"

# The types of Parquet that a column of a declared type may have.
FITS: dict[str, Callable[[pl.DataType], bool]] = {
    "string": lambda t: t in (pl.String, pl.Categorical, pl.Enum) or t.is_integer(),
    "integer": lambda t: _is_number(t),
    "number": lambda t: _is_number(t),
    "boolean": lambda t: t == pl.Boolean,
    "date": lambda t: t == pl.Date,
    "datetime": lambda t: t == pl.Datetime,
}
# The type of the values of a column.
_VALUES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
}


def value_type(field: Field) -> pl.DataType:
    """Return the type that the values of a column have."""
    return pl.Datetime("us", field.timezone) if field.timezone else _VALUES[field.type]


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() and getattr(dtype, "precision", 0) <= _DIGITS


@dataclass(frozen=True)
class Column:
    """A declared column: its text or value as it stands in the file, and its typed value.

    Where a value was parsed out of text, `raw` is there and `value` is null, it could not be read.
    `raw` is for messages as well, but for times of Parquet: those are `written` out.
    """

    field: Field
    raw: pl.Expr
    value: pl.Expr
    parsed: bool
    written: pl.Expr | None = None

    @property
    def shown(self) -> pl.Expr:
        """What stands in the file, for a message."""
        return self.raw if self.written is None else self.written


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
        return [from_parquet(field, types[field.name]) for field in schema.read]
    return [from_text(field, dialect) for field in schema.read]


def text(name: str, dialect: Csv) -> pl.Expr:
    """Return a CSV column without outer spaces, null where it is one of the missing values."""
    stripped = pl.col(name).str.strip_chars()
    return pl.when(stripped.is_in(list(dialect.missing)).not_()).then(stripped)


def from_text(field: Field, dialect: Csv) -> Column:
    """Return a declared column of CSV files."""
    raw = text(field.name, dialect)
    if field.type == "number":
        # Programs that write NaN mean an absent value.
        raw = pl.when(raw.str.contains(_NAN).not_()).then(raw)
    return Column(field, raw, parse_text(raw, field, dialect).alias(field.name), parsed=True)


def parse_text(raw: pl.Expr, field: Field, dialect: Csv) -> pl.Expr:
    """Return a text column as values of the declared type, null where they cannot be read."""
    match field.type:
        case "integer":
            # Programs that know a missing value in a column write all its numbers as 181.0.
            whole = _plain_number(raw, field, dialect).str.strip_suffix(".0")
            return whole.cast(pl.Int64, strict=False)
        case "number":
            return _plain_number(raw, field, dialect).cast(pl.Float64, strict=False)
        case "boolean":
            return pl.when(raw.is_in(TRUE)).then(True).when(raw.is_in(FALSE)).then(False)
        case "date":
            day = raw.str.to_date(field.format or "%Y-%m-%d", strict=False)
            return _of_calendar(day, _FIRST_YEAR)
        case "datetime":
            return _moment(raw, field)
    return raw


def _plain_number(raw: pl.Expr, field: Field, dialect: Csv) -> pl.Expr:
    """Return numbers as polars reads them, null where marks stand in no place of theirs."""
    if not field.bareNumber:
        raw = raw.str.replace(_CLOTHED, "$1$2")
    if dialect.thousands == " ":
        raw = raw.str.replace_all(_SPACES, " ")
    if dialect.thousands is not None:
        mark, decimal = re.escape(dialect.thousands), re.escape(dialect.decimal)
        grouped = raw.str.contains(rf"^[+-]?\d{{1,3}}(?:{mark}\d{{3}})+(?:{decimal}\d*)?$")
        without = raw.str.replace_all(dialect.thousands, "", literal=True)
        none = raw.str.contains(dialect.thousands, literal=True).not_()
        raw = pl.when(grouped).then(without).when(none).then(raw)
    if dialect.decimal == ",":
        # 1.000 is no number here: polars would read one.
        none = raw.str.contains(".", literal=True).not_()
        raw = pl.when(none).then(raw.str.replace(",", ".", literal=True))
    return raw


def _moment(raw: pl.Expr, field: Field) -> pl.Expr:
    if field.timezone is None:
        # Of others polars would guess whether the day comes first, or make a time with a zone.
        raw = raw if field.format else pl.when(raw.str.contains(_NO_OFFSET)).then(raw)
        value = raw.str.to_datetime(field.format, time_unit="us", strict=False)
    else:
        form = field.format or "%Y-%m-%d %H:%M:%S%.f%#z"
        raw = raw if field.format else raw.str.replace("T", " ", literal=True)
        value = raw.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
        value = _of_calendar(value).dt.convert_time_zone(field.timezone)
    return _of_calendar(value, _FIRST_YEAR)


def _of_calendar(time: pl.Expr, first: int = 1) -> pl.Expr:
    return pl.when(time.dt.year().is_between(first, _LAST_YEAR)).then(time)


def from_parquet(field: Field, dtype: pl.DataType) -> Column:
    """Return a declared column of Parquet files, in which it has the type ``dtype``.

    Raises:
        ProjectError: if it cannot have the declared type.
    """
    if not FITS[field.type](dtype):
        raise ProjectError(
            f"the column '{field.name}' is {dtype} in the table, and {field.type} in the schema: "
            "correct one of them, or declare the type any, which is not read"
        )
    raw = value = pl.col(field.name)
    parsed, written = False, None
    match field.type:
        case "number":
            # Programs that write NaN mean an absent value.
            numbers = raw.cast(pl.Float64)
            raw = value = pl.when(numbers.is_not_nan()).then(numbers)
        case "integer" if dtype.is_integer():
            value, parsed = raw.cast(pl.Int64, strict=False), dtype in (pl.UInt64, pl.Int128)
        case "integer" if dtype.is_decimal():
            whole = raw.cast(pl.Int64, strict=False)
            value, parsed = pl.when(whole.cast(dtype, strict=False) == raw).then(whole), True
        case "integer":
            # Programs that know a missing value in a column make all its numbers floats.
            numbers = raw.cast(pl.Float64)
            raw = pl.when(numbers.is_not_nan()).then(numbers)
            whole = raw.cast(pl.Int64, strict=False)
            value, parsed = pl.when(whole.cast(pl.Float64) == raw).then(whole), True
        case "string":
            value = raw.cast(pl.String)
        case "date":
            value, parsed = _of_calendar(raw), True
        case "datetime":
            zone = getattr(dtype, "time_zone", None)
            value, parsed = _of_calendar(raw).dt.cast_time_unit("us"), True
            if field.timezone and not zone:
                raise ProjectError(
                    f"the column '{field.name}' has no zone in the table, and the timezone "
                    f"{field.timezone} in the schema: remove it there"
                )
            if zone:
                field = field.model_copy(update={"timezone": field.timezone or zone})
                value = _of_calendar(value.dt.convert_time_zone(str(field.timezone)))
    if field.type in ("date", "datetime"):
        # polars cannot write a time beyond its calendar, so its number stands for it.
        number = raw.cast(pl.Int64).cast(pl.String)
        written = pl.when(value.is_null()).then(number).otherwise(value.cast(pl.String))
    return Column(field, raw, value.alias(field.name), parsed, written)
