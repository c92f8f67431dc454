"""Check a table against its declared schema, in one pass over the columns that have rules."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from .columns import Column
from .errors import ProjectError
from .schema import Schema

_SHOWN = 20
# Distinct values that are in memory at once: some 100 bytes for each.
_REMEMBERED = 2_000_000


@dataclass(frozen=True)
class Rule:
    """A rule for one column: `broken` is true in the rows that break it."""

    column: Column
    says: str
    broken: pl.Expr


def measures(columns: list[Column]) -> list[pl.Expr]:
    """Return the aggregates, one row in all, that `problems` needs, but for `distinct`.

    A column without a rule is not read.
    """
    aggregates = [pl.len().alias("rows")]
    for number, column in enumerate(columns):
        limits = column.field.constraints
        if limits.unique or limits.maxMissing < 1:
            aggregates.append(column.raw.null_count().alias(f"absent {number}"))
    for number, rule in enumerate(rules(columns)):
        aggregates.append(rule.broken.sum().alias(f"broken {number}"))
    return aggregates


def distinct(
    table: pl.LazyFrame, columns: list[Column], schema: Schema, rows: int
) -> dict[str, pl.Expr]:
    """Count the values that must be unique, for `problems`; memory does not grow with the rows.

    All values have to be remembered, so of a large table each pass over these columns counts
    those with one remainder of their hash: at most about `_REMEMBERED` at a time.
    """
    wanted = {
        f"unique {number}": column.raw
        for number, column in enumerate(columns)
        if column.field.constraints.unique
    }
    if schema.primaryKey:
        wanted["keys"] = pl.struct(c.value for c in columns if c.field.name in schema.primaryKey)
    passes = max(1, -(-rows // _REMEMBERED))
    if wanted and passes > 1:
        print(f"counting distinct keys of {rows} rows in {passes} passes, so that they fit memory")
    counts = {}
    for name, values in wanted.items():
        keys = table.select(values.alias("key")).drop_nulls()
        parts = [keys.filter(pl.col("key").hash() % passes == part) for part in range(passes)]
        found = [
            part.select(pl.col("key").n_unique()).collect(engine="streaming").item()
            for part in parts
        ]
        counts[name] = pl.lit(sum(found))
    return counts


def rules(columns: list[Column]) -> Iterator[Rule]:
    """Yield the rules that each row obeys or breaks on its own."""
    for column in columns:
        field, limits, value = column.field, column.field.constraints, column.value
        if column.parsed:
            yield Rule(column, f"no {field.type}", column.raw.is_not_null() & value.is_null())
        if field.type == "number":
            yield Rule(column, "infinite", value.is_infinite())
        if limits.minimum is not None:
            yield Rule(column, f"below {limits.minimum}", value < _bound(column, limits.minimum))
        if limits.maximum is not None:
            yield Rule(column, f"above {limits.maximum}", value > _bound(column, limits.maximum))
        if limits.enum is not None:
            allowed = pl.lit(pl.Series(list(limits.enum))).implode()
            says = f"not one of the allowed values {list(limits.enum)}"
            yield Rule(column, says, value.is_in(allowed).not_())


def problems(
    table: pl.LazyFrame, measured: pl.DataFrame, columns: list[Column], schema: Schema
) -> list[str]:
    """Return one line for each rule that ``table`` breaks, as ``measured`` says."""
    found = measured.row(0, named=True)
    rows = found["rows"]
    lines = []
    for number, column in enumerate(columns):
        name, limits = column.field.name, column.field.constraints
        absent = found.get(f"absent {number}", 0)
        if rows and absent / rows > limits.maxMissing:
            share = f"{absent / rows:.2%} ({absent} of {rows} rows)"
            lines.append(f"'{name}': {share} are missing, allowed are {limits.maxMissing:.2%}")
        if limits.unique and found[f"unique {number}"] < rows - absent:
            lines.append(f"'{name}': values occur more than once, and the schema says unique")
    counts = [(rule, found[f"broken {number}"]) for number, rule in enumerate(rules(columns))]
    lines += _broken(table, [(rule, count) for rule, count in counts if count], rows)
    if schema.primaryKey and found["keys"] < rows:
        again = rows - found["keys"]
        lines.append(f"primaryKey {list(schema.primaryKey)}: {again} rows repeat a key")
    return lines


def _broken(table: pl.LazyFrame, counts: list[tuple[Rule, int]], rows: int) -> list[str]:
    """Look for an example of each rule that is broken, which sound tables need not pay for."""
    firsts = [
        rule.column.raw.filter(rule.broken).first().alias(str(number))
        for number, (rule, _) in enumerate(counts)
    ]
    examples = table.select(firsts).collect(engine="streaming").row(0) if firsts else ()
    return [
        f"'{rule.column.field.name}': {count} of {rows} values are {rule.says}, such as {example!r}"
        for (rule, count), example in zip(counts, examples, strict=True)
    ]


def refuse(lines: list[str], path: str, schema_path: str) -> None:
    """Raise what `problems` found.

    Raises:
        ProjectError: with a line for each problem, if there is one.
    """
    if lines:
        more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
        told = "\n  ".join([f"{path} does not match {schema_path}:", *lines[:_SHOWN], *more])
        raise ProjectError(f"{told}\n  Mend the data, or widen {schema_path} if the data is right.")


def _bound(column: Column, bound: int | float | str) -> pl.Expr:
    literal = pl.lit(bound)
    match column.field.type:
        case "date":
            return literal.str.to_date()
        case "datetime":
            return literal.str.to_datetime(time_unit="us")
    return literal
