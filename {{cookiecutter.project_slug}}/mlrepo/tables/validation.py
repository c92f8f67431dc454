"""Check a table against its declared schema, in one pass over the columns that have rules."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from mlrepo.core import column_params
from mlrepo.core.errors import LETTERS, PRIVATE, ProjectError, listed, shown
from mlrepo.core.params import LibraryParams
from mlrepo.tables import distinct
from mlrepo.tables.columns import Column
from mlrepo.tables.raw import RawTable, is_csv, refuse_short_lines

_SHOWN = 20
# Allowed values that are compared one by one: two take a fifth of the time of a look into a set.
_FEW = 6


@dataclass(frozen=True)
class Rule:
    """A rule for one column: `broken` is true in the rows that break it."""

    column: Column
    says: str
    broken: pl.Expr

    @property
    def value(self) -> pl.Expr:
        """What stands in a row that breaks it, for the end of a message."""
        raw, says = self.column.shown, pl.lit(f" {PRIVATE}")
        if not self.column.field.private:
            says = pl.concat_str(pl.lit(": '"), raw.cast(pl.String).str.head(LETTERS), pl.lit("'"))
        return pl.when(raw.is_null()).then(pl.lit("")).otherwise(says)


def measures(raw: RawTable, params: LibraryParams) -> list[pl.Expr]:
    """Return the aggregates, one row in all, that `refuse_broken` looks at.

    A column without a rule is not read.
    """
    found = [pl.len().alias("rows")]
    for number, column in enumerate(raw.columns):
        limits = column.field.constraints
        if limits.maxMissing < 1:
            found.append(column.raw.null_count().alias(f"absent {number}"))
        if limits.unique:
            found.append(column.value.count().alias(f"present {number}"))
    for number, rule in enumerate(rules(raw.columns)):
        found.append(rule.broken.sum().alias(f"broken {number}"))
    if is_csv(params.data):
        # As it stands in the file: values that count as missing are still there.
        last = pl.col(raw.scan.collect_schema().names()[-1])
        found.append(last.null_count().alias("empty ends"))
    return found


def measures_of_target(params: LibraryParams) -> list[pl.Expr]:
    """Return the same of the rows as values: what is there of target, weight and the split."""
    target, by = column_params.label(params), params.prepare.split.column
    found = [target.null_count().alias("no target")]
    if params.data.weight is not None:
        counts = pl.col(params.data.weight).is_between(1e-9, 1e9).fill_null(value=False)
        found.append((counts.not_() & target.is_not_null()).sum().alias("no weight"))
    if by is not None:
        found.append((pl.col(by).is_null() & target.is_not_null()).sum().alias("undivided"))
    return found


def refuse_private(raw: RawTable, params: LibraryParams) -> None:
    """Refuse uses of a private column that make its values known; warn of the model's own."""
    private, types = raw.schema.private, raw.rows.collect_schema()
    column_params.refuse(column_params.of_private(private, params))
    texts = {name for name in private if types[name] == pl.String}
    if kept := [name for name in column_params.wanted(types, params) if name in texts]:
        print(
            f"warning: the private texts {listed(kept)} are features, so the model file holds some "
            "of their values: data.features.exclude in params.yaml leaves them out",
            file=sys.stderr,
        )


def refuse_broken(raw: RawTable, measured: pl.DataFrame, params: LibraryParams) -> None:
    """Refuse a table that breaks its schema or cannot be divided, as ``measured`` says."""
    data, found = params.data, measured.row(0, named=True)
    if found.get("empty ends"):
        refuse_short_lines(data)
    if found["rows"] == 0:
        raise ProjectError(f"{data.path} has a header and no rows")
    if lines := _problems(raw, found):
        more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
        head = f"{data.path} does not match {data.table_schema}:"
        fix = f"Correct the data, or widen {data.table_schema} if the data is right."
        raise ProjectError("\n  ".join([head, *lines[:_SHOWN], *more, fix]))
    if found["no target"] and not params.prepare.drop_missing_target:
        raise ProjectError(
            f"{found['no target']} rows have no target '{data.target}': correct the data, or set "
            "prepare.drop_missing_target to true in params.yaml to leave them out"
        )
    if wrong := found.get("no weight"):
        raise ProjectError(
            f"'{data.weight}' is data.weight, and {wrong} rows have no number from 1e-9 to 1e9 "
            "there: give them one, or leave these rows out of the table"
        )
    if missing := found.get("undivided"):
        by = params.prepare.split.column
        raise ProjectError(f"'{by}' splits the rows, but {missing} rows have no value there")


def rules(columns: list[Column]) -> Iterator[Rule]:
    """Yield the rules that each row obeys or breaks on its own."""
    for column in columns:
        field, limits, value = column.field, column.field.constraints, column.value
        if column.parsed:
            yield Rule(column, f"no {field.type}", column.raw.is_not_null() & value.is_null())
        if field.type == "number":
            yield Rule(column, "infinite", value.is_infinite())
        if limits.minimum is not None:
            least = "its minimum" if field.private else limits.minimum
            yield Rule(column, f"below {least}", value < _bound(column, limits.minimum))
        if limits.maximum is not None:
            most = "its maximum" if field.private else limits.maximum
            yield Rule(column, f"above {most}", value > _bound(column, limits.maximum))
        if limits.enum is not None:
            allowed = "" if field.private else f" [{listed(limits.enum)}]"
            yield Rule(
                column,
                f"not one of the allowed values{allowed}",
                _among(value, pl.Series(list(limits.enum))).not_(),
            )


def _among(value: pl.Expr, allowed: pl.Series) -> pl.Expr:
    if len(allowed) <= _FEW:
        return pl.any_horizontal(value == each for each in allowed)
    return value.is_in(pl.lit(allowed).implode())


def _problems(raw: RawTable, found: dict[str, int]) -> list[str]:
    """Return one line for each rule that the table breaks, as ``found`` says."""
    rows, lines = found["rows"], []
    counted, keys = _distinct(raw, rows), raw.schema.primaryKey
    for number, column in enumerate(raw.columns):
        name, limits = column.field.name, column.field.constraints
        absent = found.get(f"absent {number}", 0)
        if absent / rows > limits.maxMissing:
            share = f"{absent / rows:.2%} ({absent} of {rows} rows)"
            lines.append(f"'{name}': {share} are missing, allowed are {limits.maxMissing:.2%}")
        if limits.unique and counted[name] < found[f"present {number}"]:
            lines.append(f"'{name}': values occur more than once, and the schema says unique")
    counts = [(rule, found[f"broken {number}"]) for number, rule in enumerate(rules(raw.columns))]
    lines += broken_lines(raw.scan, [(rule, count) for rule, count in counts if count], rows)
    if keys and counted[None] < rows:
        lines.append(f"primaryKey {list(keys)}: {rows - counted[None]} rows repeat a key")
    return lines


def _distinct(raw: RawTable, rows: int) -> dict[str | None, int]:
    """Count the values that must be unique: column -> their number, None -> that of the keys."""
    unique = [column for column in raw.columns if column.field.constraints.unique]
    wanted: dict[str | None, pl.Expr] = {column.field.name: column.value for column in unique}
    if raw.schema.primaryKey:
        key = [c.value for c in raw.columns if c.field.name in raw.schema.primaryKey]
        wanted[None] = pl.struct(key)
    if wanted and (times := distinct.passes(rows)) > 1:
        print(f"counting distinct keys of {rows} rows in {times} passes, so that they fit memory")
    return {name: distinct.count(raw.scan, values, rows) for name, values in wanted.items()}


def broken_lines(table: pl.LazyFrame, counts: list[tuple[Rule, int]], rows: int) -> list[str]:
    """Say which rules are broken, each with its first row, which sound tables need not pay for."""
    firsts = [
        first.alias(f"{number} {kind}")
        for number, (rule, _) in enumerate(counts)
        for kind, first in (
            ("value", rule.column.shown.filter(rule.broken).first()),
            ("row", rule.broken.arg_true().first()),
        )
    ]
    found = table.select(firsts).collect(engine="streaming").row(0) if firsts else ()
    return [
        f"'{rule.column.field.name}': {count} of {rows} values are {rule.says}, "
        f"{_such_as(rule, value)} in row {row + 1}"
        for (rule, count), value, row in zip(counts, found[::2], found[1::2], strict=True)
    ]


def _such_as(rule: Rule, value: object) -> str:
    if value is None:
        return "the first"
    return f"such as {PRIVATE if rule.column.field.private else shown(value)}"


def _bound(column: Column, bound: int | float | str) -> pl.Expr:
    literal = pl.lit(bound)
    match column.field.type:
        case "date":
            return literal.str.to_date()
        case "datetime":
            moment = literal.str.to_datetime(time_unit="us")
            zone = column.field.timezone
            return moment.dt.replace_time_zone(zone) if zone else moment
    return literal
