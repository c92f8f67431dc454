"""What is done with each batch of rows: check, add columns, predict, name the model."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline

from .. import features, table
from ..checks import Rule, rules
from ..columns import Column, typed_columns
from ..errors import ProjectError, did_you_mean
from ..params import Data
from ..table import first_line
from .chosen import Chosen

ROW, WHY = "row", "why"
# Their predict is the class of the highest mean probability, by their documentation.
_MOST_PROBABLE = (RandomForestClassifier, ExtraTreesClassifier)
_OWN = ("prediction", "model_version", "model_sha256")


@dataclass(frozen=True)
class Input:
    """A table to predict for, opened and not read, and the model that does it.

    Attributes:
        data: params of the table, with its own path.
        raw: the rows as they stand in the files.
        columns: the declared columns that are there; the target is of no interest.
        undeclared: what else is there.
    """

    chosen: Chosen
    data: Data
    raw: pl.LazyFrame
    columns: list[Column]
    undeclared: list[str]

    @classmethod
    def open(cls, path: Path, chosen: Chosen) -> "Input":
        """Open a CSV or Parquet file or a folder of parts.

        Raises:
            ProjectError: if it is no table, or lacks a column that the model needs.
        """
        if not path.exists():
            raise ProjectError(f"{path} does not exist: INPUT is a table or a folder of its parts")
        data = chosen.data.model_copy(update={"path": str(path)})
        raw, is_csv = table.scan(data), table.is_csv(data)
        names, schema = raw.collect_schema().names(), chosen.schema
        fields = tuple(f for f in schema.fields if f.name in names and f.name != data.target)
        there = [field.name for field in fields]
        known = schema.model_copy(update={"fields": fields})
        columns = typed_columns(known, raw.select(there), data.csv if is_csv else None)
        undeclared = [name for name in names if name not in schema.names]
        opened = cls(chosen, data, raw, columns, undeclared)
        absent = [n for n in schema.names if n not in there and n != data.target]
        opened._refuse_lacking(str(path), absent)
        return opened

    def _refuse_lacking(self, path: str, absent: list[str]) -> None:
        hints = (f"'{name}'{did_you_mean(name, absent)}" for name in self.undeclared)
        more = "".join(f"; it has {hint}" for hint in hints) if absent else ""
        lacks = f"{path} lacks {absent}{more}"
        try:
            types = self.chosen.add_features(self.typed(self.raw)).collect_schema()
            features.fitted(self.chosen.model, types)
        except pl.exceptions.PolarsError as error:
            raise ProjectError(f"{lacks}: data.py cannot run ({first_line(error)})") from None
        except ProjectError as error:
            raise ProjectError(f"{lacks}: {error}") from None
        taken = sorted(set(self.keys) & {*_OWN, *_probabilities(self.chosen.model)})
        if taken:
            raise ProjectError(f"predictions have a column {taken[0]} of their own: rename the key")

    @property
    def keys(self) -> list[str]:
        """The columns that name a row, as far as they are there."""
        there = [column.field.name for column in self.columns]
        return [name for name in self.chosen.data.id if name in there]

    @cached_property
    def rules(self) -> list[Rule]:
        """What each row must obey on its own."""
        required = (c for c in self.columns if c.field.constraints.maxMissing == 0)
        missing = [Rule(column, "missing", column.raw.is_null()) for column in required]
        return [*rules(self.columns), *missing]

    @property
    def is_csv(self) -> bool:
        """Whether it consists of CSV files."""
        return table.is_csv(self.data)

    def batches(self, size: int) -> int | None:
        """Return the number of batches; None for CSV, whose rows nobody has counted."""
        if self.is_csv:
            return None
        return -(-int(self.raw.select(pl.len()).collect().item()) // size)

    def problems(self) -> list[str]:
        """Return a line for each rule that a row breaks, over the whole table."""
        broken = [rule.broken.sum().alias(f"{n}") for n, rule in enumerate(self.rules)]
        found = self.raw.select(pl.len().alias("rows"), *broken).collect(engine="streaming")
        return [
            f"'{rule.column.field.name}': {count} of {found['rows'][0]} values are {rule.says}"
            for rule, count in zip(self.rules, found.row(0)[1:], strict=True)
            if count
        ]

    def typed(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the declared columns of raw rows as values."""
        return rows.select(column.value for column in self.columns)

    def judged(self, rows: pl.DataFrame) -> pl.Series:
        """Return what is wrong with each raw row, null where nothing is: shape (rows,)."""
        told = [
            pl.when(rule.broken).then(pl.lit(f"'{rule.column.field.name}' is {rule.says}"))
            for rule in self.rules
        ]
        said = pl.concat_str(told, separator="; ", ignore_nulls=True)
        return rows.select(pl.when(said != "").then(said).alias(WHY)).to_series()

    def predicted(self, rows: pl.DataFrame, numbers: pl.Series) -> pl.DataFrame:
        """Return the predictions for raw rows that obey the schema.

        Shape (rows, keys + 1 + classes + 2): the key columns, or the number of each row where
        params.yaml names none, the prediction, a probability for each class where the estimator
        has them, and which model it was.
        """
        typed = self.typed(rows.lazy()).collect()
        keys = typed.select(self.keys) if self.keys else numbers.to_frame(ROW)
        return keys.with_columns(
            *outcomes(self.chosen, typed),
            model_version=pl.lit(self.chosen.version),
            model_sha256=pl.lit(self.chosen.sha256),
        )


def outcomes(chosen: Chosen, typed: pl.DataFrame) -> list[pl.Series]:
    """Return what a model says of rows of the declared columns.

    The prediction, then a probability for each class where the estimator has them: each of shape
    (rows,).
    """
    whole = chosen.add_features(typed.lazy()).collect()
    inputs = features.select(whole, features.fitted(chosen.model, whole.schema))
    return list(_columns(chosen.model, inputs))


def _probabilities(model: Any) -> list[str]:
    """Return the names of the columns of probabilities, in the order of the classes."""
    has = hasattr(model, "predict_proba")
    return [f"probability_{label}" for label in model.classes_.tolist()] if has else []


def _columns(model: Any, inputs: pl.DataFrame) -> Iterator[pl.Series]:
    # Once for both: predict and predict_proba of a Pipeline would each transform the features.
    steps, estimator = (model[:-1], model[-1]) if isinstance(model, Pipeline) else (None, model)
    x = steps.transform(inputs) if steps is not None else inputs
    names = _probabilities(model)
    probabilities = np.asarray(estimator.predict_proba(x)) if names else np.empty((len(x), 0))
    if isinstance(estimator, _MOST_PROBABLE):
        yield pl.Series("prediction", estimator.classes_).gather(probabilities.argmax(axis=1))
    else:
        yield pl.Series("prediction", np.asarray(estimator.predict(x)).reshape(-1))
    for name, values in zip(names, probabilities.T, strict=True):
        yield pl.Series(name, np.ascontiguousarray(values, dtype=np.float64))
