"""Choose the columns that the model sees, the same for training, evaluation and prediction."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mlrepo.core import column_params, prepared
from mlrepo.core.errors import ProjectError, did_you_mean, listed
from mlrepo.core.params import LibraryParams

_ROWS = f"{column_params.OURS}rows"


@dataclass(frozen=True)
class Features:
    """Names of the feature columns by kind, each in the order of the table."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    texts: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """All feature columns, numbers first."""
        return [*self.numbers, *self.categories, *self.texts, *self.dates]


def choose(types: pl.Schema, params: LibraryParams) -> Features:
    """Return the features that params.yaml asks for among the columns ``types``."""
    mistakes = [*column_params.of_features(types, params), *column_params.of_texts(types, params)]
    column_params.refuse(mistakes)
    texts = tuple(params.train.preprocessing.texts)
    return _by_kind(column_params.wanted(types, params), types, texts)


def _by_kind(names: list[str], types: pl.Schema, texts: tuple[str, ...] = ()) -> Features:
    dates = tuple(name for name in names if types[name].is_temporal())
    categories = tuple(name for name in names if types[name] == pl.String and name not in texts)
    others = {*dates, *categories, *texts}
    numbers = tuple(name for name in names if name not in others)
    return Features(numbers, categories, tuple(name for name in names if name in texts), dates)


def choose_from(path: Path, params: LibraryParams) -> Features:
    """Return the same of the prepared table at ``path``."""
    return choose(prepared.scan_table(path).collect_schema(), params)


def select(table: pl.DataFrame, features: Features) -> pl.DataFrame:
    """Return the feature columns of ``table``: numbers and booleans as 64-bit floats, texts as is.

    Dates and times are seconds since 1970 by the clock of their zone. Shape (rows, features).
    Absent values are null.
    """
    numbers = pl.col(features.numbers).cast(pl.Float64)
    dates = (_seconds(name, table.schema[name]) for name in features.dates)
    return table.select(numbers, pl.col(features.categories), pl.col(features.texts), *dates)


def _seconds(name: str, dtype: pl.DataType) -> pl.Expr:
    moment = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        moment = moment.dt.replace_time_zone(None)
    return moment.dt.epoch("s").cast(pl.Float64)


def fitted(model: Any, types: pl.Schema) -> Features:
    """Return the features that a fitted model reads, found among the columns ``types``.

    Texts are among the categories: `select` leaves both as they are.
    """
    names = [str(name) for name in model.feature_names_in_]
    if absent := [name for name in names if name not in types]:
        hint = did_you_mean(absent[0], types)
        raise ProjectError(f"the model reads {absent}, which the table lacks{hint}")
    return _by_kind(names, types)


def refuse_all_missing(table: pl.DataFrame, features: Features) -> None:
    """Refuse a feature without a single value, which an imputer would drop in silence."""
    for name in features.names:
        if table[name].null_count() == table.height:
            raise ProjectError(
                f"the feature '{name}' has no value in any train row: add it to "
                "data.features.exclude in params.yaml"
            )


def warn_unseen(train: Path, test: Path, features: Features) -> None:
    """Warn of categories that only test rows have: the encoder treats them as rare or as none."""
    hidden = prepared.private(test)
    for name in features.categories:
        known = prepared.scan_table(train).select(pl.col(name).unique()).collect(engine="streaming")
        there = prepared.scan_table(test).drop_nulls(name)
        sizes = there.group_by(name).len(_ROWS).collect(engine="streaming")
        strange = sizes.join(known, on=name, how="anti").sort(name)
        if strange.height:
            # A column that data.py makes may hold what a private one does.
            values = "not told, as some are private" if hidden else listed(strange[name].to_list())
            print(
                f"warning: {strange[_ROWS].sum()} test rows have a '{name}' that no train row has "
                f"({values}): the model treats it as a rare category",
                file=sys.stderr,
            )
