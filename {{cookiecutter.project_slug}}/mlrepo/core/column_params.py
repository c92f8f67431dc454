"""Whether the table has the columns that params.yaml names, and whether they can be what it says.

Each function yields one line for each mistake.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from mlrepo.core import owner
from mlrepo.core.errors import ProjectError, did_you_mean, first_line
from mlrepo.core.params import LibraryParams

# Our own columns beside those of a table begin with this; `raw.scan` refuses a table that has one.
OURS = "\x1f"
# Others that are temporal are spans of time, which data.py may make.
_DATES = (pl.Date, pl.Datetime)

AddFeatures = Callable[[pl.LazyFrame], pl.LazyFrame]


def refuse(mistakes: Iterable[str]) -> None:
    """Raise all mistakes in one message."""
    lines = list(mistakes)
    if lines:
        raise ProjectError("\n       ".join(lines))


def refuse_unknown(rows: pl.LazyFrame, add_features: AddFeatures, params: LibraryParams) -> None:
    """Refuse names of columns that a later stage would stumble over, all in one message.

    ``add_features`` adds the project's own columns to the raw ``rows``.
    """
    try:
        labelled = with_target(rows, params)
        types = labelled.collect_schema()
    except pl.exceptions.PolarsError as error:
        file = f"{owner.name()}/data.py"
        raise ProjectError(f"target in {file} cannot run: {first_line(error)}") from None
    mistakes = list(of_rows(types, params))
    try:
        types = add_features(labelled).collect_schema()
    except (pl.exceptions.PolarsError, FileNotFoundError) as error:  # it may join a file
        file = f"{add_features.__module__.replace('.', '/')}.py"
        where = f"{add_features.__name__} in {file}"
        mistakes.append(f"{where} cannot run: {first_line(error)}")
    else:
        mistakes += of_features(types, params)
        mistakes += of_texts(types, params)
        mistakes += of_slices(types, params)
        if not mistakes:
            mistakes += of_target(rows, add_features, params)
    refuse(mistakes)


def label(params: LibraryParams) -> pl.Expr:
    """Return the values of the target: as data.py makes them, or else as the table has them."""
    made = owner.target()
    return (pl.col(params.data.target) if made is None else made).alias(params.data.target)


def with_target(rows: pl.LazyFrame, params: LibraryParams) -> pl.LazyFrame:
    """Return raw ``rows`` with the target that data.py makes, or as they are."""
    return rows if owner.target() is None else rows.with_columns(label(params))


def of_target(
    rows: pl.LazyFrame, add_features: AddFeatures, params: LibraryParams
) -> Iterator[str]:
    """Check that no feature gives a target away that data.py makes of raw columns.

    A feature that data.features.include names is meant: of such a one it only warns.
    """
    data, types = params.data, rows.collect_schema()
    if owner.target() is None:
        return

    def featured(table: pl.LazyFrame) -> pl.LazyFrame:
        return add_features(with_target(table, params))

    of_label = _columns_read(types, lambda table: with_target(table, params), data.target)
    shared = set[str]()
    features = []
    for name in wanted(featured(rows).collect_schema(), params):
        both = of_label & _columns_read(types, featured, name)
        features += [name] if both else []
        shared |= both
    if not features:
        return
    says = (
        f"data.py makes the target '{data.target}' of {sorted(shared)}, and the features "
        f"{features} are made of that too: they may give it away"
    )
    if data.features.include:
        print(f"warning: {says}", file=sys.stderr)
    else:
        yield (
            f"{says}. Add them to data.features.exclude in params.yaml, or name the features that "
            "are known before the target is in data.features.include"
        )


def not_made(error: Exception) -> ProjectError:
    """Turn what polars says of a value that data.py cannot use into words that name the fix."""
    return ProjectError(
        f"{owner.name()}/data.py cannot make its columns of some rows: {first_line(error)}. With "
        "strict=False such values are absent ones"
    )


def _columns_read(types: pl.Schema, make: AddFeatures, name: str) -> set[str]:
    """Return which raw columns polars reads for one column that is made: no rows are needed."""
    found = set[str]()

    def source(names: list[str] | None, *_: Any) -> Iterator[pl.DataFrame]:
        found.update(types.names() if names is None else names)
        yield pl.DataFrame(schema={n: types[n] for n in types if names is None or n in names})

    make(register_io_source(source, schema=types)).select(name).collect()
    return found


def lacking(key: str, names: Iterable[str], types: pl.Schema) -> Iterator[str]:
    """Yield the ``names`` below ``key`` of params.yaml that are no column."""
    for name in names:
        if name not in types:
            hint = did_you_mean(name, types)
            yield f"{key} in params.yaml names '{name}', which the table lacks{hint}"


def of_rows(types: pl.Schema, params: LibraryParams) -> Iterator[str]:
    """Check target, id and split against the raw columns ``types``."""
    data, split = params.data, params.prepare.split
    for line in lacking("data.target", [data.target], types):
        yield f"{line}{'' if line.endswith('?') else '; `target` in data.py can make it'}"
    regression = data.task == "regression"
    if regression and data.target in types and not types[data.target].is_numeric():
        yield f"data.task is regression, but the target '{data.target}' is no number"
    if data.weight is not None:
        yield from lacking("data.weight", [data.weight], types)
        if data.weight in types and not types[data.weight].is_numeric():
            yield f"data.weight '{data.weight}' is no number"
    yield from lacking("data.id", data.id, types)
    if split.column:
        yield from lacking("prepare.split.column", [split.column], types)
        kind = types.get(split.column)
        if split.method == "time" and kind and not (kind.is_temporal() or kind.is_numeric()):
            says = "is no date, time or number, by which rows could be earlier or later"
            yield f"prepare.split.column '{split.column}' {says}"
    if regression and split.method == "stratified":
        yield "prepare.split.method 'stratified' is for classification: use 'random'"


def of_features(types: pl.Schema, params: LibraryParams) -> Iterator[str]:
    """Check data.features against the columns ``types``, those of data.py among them."""
    features = params.data.features
    yield from lacking("data.features.include", features.include, types)
    yield from lacking("data.features.exclude", features.exclude, types)
    kept = wanted(types, params)
    for name in kept:
        if name in types and types[name].is_temporal() and not _encoded(types[name], params):
            is_date = types[name] in _DATES
            fix = "set train.preprocessing.dates in params.yaml to parts or cyclic, or "
            yield (
                f"'{name}' is a {'date' if is_date else 'time'}, which no estimator takes: "
                f"{fix if is_date else ''}derive numbers from it in data.py"
            )
    if not kept:
        yield (
            "no feature is left: see data.features and, for dates, train.preprocessing.dates in "
            "params.yaml"
        )


def of_texts(types: pl.Schema, params: LibraryParams) -> Iterator[str]:
    """Check the texts of train.preprocessing against the columns ``types``."""
    key, names = "train.preprocessing.texts", params.train.preprocessing.texts
    yield from lacking(key, names, types)
    kept = wanted(types, params)
    for name in names:
        if name in types and types[name] != pl.String:
            yield f"{key} in params.yaml names '{name}', which is no text: take it out"
        elif name in types and name not in kept:
            yield (
                f"{key} in params.yaml names '{name}', which is no feature: take it out, or see "
                "data.features in params.yaml"
            )


def of_slices(types: pl.Schema, params: LibraryParams) -> Iterator[str]:
    """Check evaluate.slices against the columns ``types``, those of data.py among them."""
    yield from lacking("evaluate.slices", params.evaluate.slices, types)


def of_private(private: Iterable[str], params: LibraryParams) -> Iterator[str]:
    """Check that values of the columns ``private`` stay out of scores, plots and the card."""
    for name in private:
        if name == params.data.target:
            yield (
                f"data.target in params.yaml names '{name}', which is private in the schema, and "
                "scores and plots tell a target's values: make another one of it in data.py"
            )
        if name in params.evaluate.slices:
            yield (
                f"evaluate.slices in params.yaml names '{name}', which is private in the schema, "
                "and scores and card name each slice: make a coarser column of it in data.py"
            )


def wanted(types: pl.Schema, params: LibraryParams) -> list[str]:
    """Return the features that params.yaml asks for, also those that are no column."""
    data = params.data
    others = (*data.learned_from, *data.id, params.prepare.split.column)
    names = data.features.include or tuple(
        name
        for name, dtype in types.items()
        if name not in others and (not dtype.is_temporal() or _encoded(dtype, params))
    )
    return [name for name in names if name not in data.features.exclude]


def kept_together(types: pl.Schema, params: LibraryParams) -> list[str]:
    """Return the columns whose equal values the split keeps on one side: group, features or id.

    None where each row has a side of its own, or where data.py leaves the id out.
    """
    split, ids = params.prepare.split, params.data.id
    if split.method == "group":
        return [str(split.column)]
    if split.equal_features == "together":
        return wanted(types, params)
    return list(ids) if set(ids) <= set(types) else []


def _encoded(dtype: pl.DataType, params: LibraryParams) -> bool:
    return dtype in _DATES and params.train.preprocessing.dates != "none"
