"""Whether the table has the columns that params.yaml names, and whether they can be what it says.

Each function yields one line for each mistake.
"""

from collections.abc import Callable, Iterable, Iterator

import polars as pl

from mlrepo.core.errors import ProjectError, did_you_mean, first_line
from mlrepo.core.params import LibraryParams

# Our own columns beside those of a table begin with this; `raw.scan` refuses a table that has one.
OURS = "\x1f"

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
    types = rows.collect_schema()
    mistakes = list(of_rows(types, params))
    try:
        types = add_features(rows).collect_schema()
    except (pl.exceptions.PolarsError, FileNotFoundError) as error:  # it may join a file
        file = f"{add_features.__module__.replace('.', '/')}.py"
        where = f"{add_features.__name__} in {file}"
        mistakes.append(f"{where} cannot run: {first_line(error)}")
    else:
        mistakes += of_features(types, params)
        mistakes += of_slices(types, params)
    refuse(mistakes)


def lacking(key: str, names: Iterable[str], types: pl.Schema) -> Iterator[str]:
    """Yield the ``names`` below ``key`` of params.yaml that are no column."""
    for name in names:
        if name not in types:
            hint = did_you_mean(name, types)
            yield f"{key} in params.yaml names '{name}', which the table lacks{hint}"


def of_rows(types: pl.Schema, params: LibraryParams) -> Iterator[str]:
    """Check target, id and split against the raw columns ``types``."""
    data, split = params.data, params.prepare.split
    yield from lacking("data.target", [data.target], types)
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
        if name in types and types[name].is_temporal():
            yield f"'{name}' is a date, which no estimator takes: derive numbers from it in data.py"
    if not kept:
        yield "no feature is left: see data.features in params.yaml"


def of_slices(types: pl.Schema, params: LibraryParams) -> Iterator[str]:
    """Check evaluate.slices against the columns ``types``, those of data.py among them."""
    yield from lacking("evaluate.slices", params.evaluate.slices, types)


def wanted(types: pl.Schema, params: LibraryParams) -> list[str]:
    """Return the features that params.yaml asks for, also those that are no column."""
    data = params.data
    others = (*data.learned_from, *data.id, params.prepare.split.column)
    names = data.features.include or tuple(
        name for name, dtype in types.items() if name not in others and not dtype.is_temporal()
    )
    return [name for name in names if name not in data.features.exclude]
