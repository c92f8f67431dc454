"""Check the raw table and divide it into train and test."""

from pathlib import Path
from typing import Any

import polars as pl

from . import checks, column_names, split, table
from .artifacts import TEST, TRAIN
from .columns import Column, typed_columns
from .data import add_features
from .errors import ProjectError
from .files import atomic, write_json
from .params import Data, Params
from .progress import watch
from .schema import Schema, load_schema
from .table import first_line

METRICS = Path("metrics/prepare.json")

_SIDE = "__test__"
# Parquet bytes depend on the number of threads unless the size of a row group is given. Level 1
# takes three quarters of the default level's time for files that are a tenth larger.
_PARQUET: Any = {"row_group_size": 250_000, "compression": "zstd", "compression_level": 1}


def partition(params: Params) -> None:
    """Write train and test tables and the counts of their rows.

    The table streams through: memory does not grow with the number of rows.

    Raises:
        ProjectError: if the table breaks its schema or cannot be divided; nothing is written.
    """
    try:
        _partition(params)
    except pl.exceptions.PolarsError as error:
        raise table.explain(error, params.data) from None


def _partition(params: Params) -> None:
    data = params.data
    schema = load_schema(Path(data.table_schema))
    raw = table.scan(data)
    columns = typed_columns(schema, raw, data.csv if table.is_csv(data) else None)
    values = [column.value for column in columns]
    rows = raw.select(values)
    _check_params(rows, params)
    known = pl.col(data.target).is_not_null()
    # Null, so on neither side, where the target is.
    in_test = pl.when(known).then(split.in_test(rows.filter(known), data, params.prepare))
    # Both files and the checks come from one pass over the rows. Left to itself, polars would read
    # the table again for the checks, as they need fewer columns.
    once = raw.cache()
    sides = add_features(once.select(values).with_columns(in_test.alias(_SIDE)))
    # The files take their names when the checks have passed.
    with atomic(TRAIN) as train, atomic(TEST) as test:
        with watch([train, test], "prepare"):
            sinks = [
                sides.filter(side).drop(_SIDE).sink_parquet(path, lazy=True, **_PARQUET)
                for path, side in ((train, ~pl.col(_SIDE)), (test, pl.col(_SIDE)))
            ]
            asked = once.select(_measures(raw, columns, params))
            measured, *_ = pl.collect_all([asked, *sinks], engine="streaming")
        _refuse(raw, measured, columns, schema, params)
        counts = _count(measured["rows"][0], train, test, data)
        write_json(METRICS, counts)
    print("{train} rows to train with, {test} to test with".format(**counts["rows"]))


def _check_params(rows: pl.LazyFrame, params: Params) -> None:
    """Refuse names of columns that a later stage would stumble over, all at once."""
    types = rows.collect_schema()
    mistakes = list(column_names.of_rows(types, params))
    try:
        types = add_features(rows).collect_schema()
    except pl.exceptions.PolarsError as error:
        file = f"{__package__}/data.py"
        mistakes.append(f"add_features in {file} cannot run: {first_line(error)}")
    else:
        mistakes += column_names.of_features(types, params)
        mistakes += column_names.of_slices(types, params)
    column_names.refuse(mistakes)


def _measures(raw: pl.LazyFrame, columns: list[Column], params: Params) -> list[pl.Expr]:
    """Return the aggregates, one row in all, that `_refuse` looks at."""
    data, values = params.data, {column.field.name: column.value for column in columns}
    target, by = values[data.target], params.prepare.split.column
    found = checks.measures(columns)
    found += [target.null_count().alias("no target")]
    if by is not None:
        undivided = values[by].is_null() & target.is_not_null()
        found += [undivided.sum().alias("undivided")]
    if table.is_csv(data):
        # As it stands in the file: values that count as missing are still there.
        last = pl.col(raw.collect_schema().names()[-1])
        found += [last.null_count().alias("empty ends")]
    return found


def _refuse(
    raw: pl.LazyFrame,
    measured: pl.DataFrame,
    columns: list[Column],
    schema: Schema,
    params: Params,
) -> None:
    """Refuse a table that breaks its schema or cannot be divided, as ``measured`` says."""
    data = params.data
    if "empty ends" in measured and measured["empty ends"][0]:
        table.refuse_short_lines(data)
    rows = measured["rows"][0]
    if rows == 0:
        raise ProjectError(f"{data.path} has a header and no rows")
    measured = measured.with_columns(**checks.distinct(raw, columns, schema, rows))
    problems = checks.problems(raw, measured, columns, schema)
    checks.refuse(problems, data.path, data.table_schema)
    missing = measured["no target"][0]
    if missing and not params.prepare.drop_missing_target:
        raise ProjectError(
            f"{missing} rows have no target '{data.target}': mend the data, or set "
            "prepare.drop_missing_target to true in params.yaml to leave them out"
        )
    if "undivided" in measured and measured["undivided"][0]:
        by, missing = params.prepare.split.column, measured["undivided"][0]
        raise ProjectError(f"'{by}' splits the rows, but {missing} rows have no value there")


def _count(raw: int, train: Path, test: Path, data: Data) -> dict[str, dict[str, int]]:
    sides = {"train": pl.scan_parquet(train), "test": pl.scan_parquet(test)}
    counts = {side: frame.select(pl.len()).collect().item() for side, frame in sides.items()}
    for side, count in counts.items():
        if count == 0:
            raise ProjectError(
                f"the split leaves no row in {side}: change prepare.split in params.yaml"
            )
    if data.task == "classification":
        _check_classes(sides["train"], sides["test"], data.target)
    else:
        _check_numbers(pl.concat(sides.values()), data.target)
    return {"rows": {"raw": raw, "no_target": raw - sum(counts.values()), **counts}}


def _check_classes(train: pl.LazyFrame, test: pl.LazyFrame, target: str) -> None:
    sizes = [
        dict(frame.group_by(target).len().collect(engine="streaming").iter_rows())
        for frame in (train, test)
    ]
    classes = sizes[0].keys() | sizes[1].keys()
    if len(classes) == 1:
        raise _constant(target)
    for value in sorted(classes, key=str):
        in_train, in_test = sizes[0].get(value, 0), sizes[1].get(value, 0)
        if in_train + in_test == 1:
            raise ProjectError(
                f"the class '{value}' of '{target}' has one row: it needs at least two, one to "
                "learn from and one to test with"
            )
        if in_train == 0:
            raise ProjectError(
                f"the class '{value}' of '{target}' ({in_test} rows) is in test only: no model "
                "can learn it. Use prepare.split.method 'stratified', or drop the class"
            )


def _check_numbers(rows: pl.LazyFrame, target: str) -> None:
    values = pl.col(target)
    ends = rows.select(least=values.min(), most=values.max()).collect(engine="streaming")
    if ends["least"][0] == ends["most"][0]:
        raise _constant(target)


def _constant(target: str) -> ProjectError:
    return ProjectError(f"the target '{target}' is the same in every row: nothing to learn")
