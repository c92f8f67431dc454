"""What is done with each batch of rows: check, add columns, predict, name the model."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline

from mlrepo.core.errors import ProjectError, did_you_mean, first_line
from mlrepo.core.params import Csv, Data
from mlrepo.learning import features
from mlrepo.prediction.predictor import Predictor
from mlrepo.tables.columns import Column, typed_columns
from mlrepo.tables.raw import is_csv, scan
from mlrepo.tables.validation import Rule, broken_lines, rules

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

    predictor: Predictor
    data: Data
    raw: pl.LazyFrame
    columns: list[Column]
    undeclared: list[str]

    @classmethod
    def open(cls, path: Path, predictor: Predictor) -> "Input":
        """Open a CSV or Parquet file or a folder of parts, with all that the model needs."""
        if not path.exists():
            raise ProjectError(f"{path} does not exist: name a table or a folder of parts")
        data = predictor.data.model_copy(update={"path": str(path)})
        return cls.of(scan(data), data, predictor, data.csv if is_csv(data) else None)

    @classmethod
    def of(
        cls, raw: pl.LazyFrame, data: Data, predictor: Predictor, dialect: Csv | None
    ) -> "Input":
        """Return a table that is open, whose CSV ``dialect`` is None for columns with types."""
        names, schema = raw.collect_schema().names(), predictor.schema
        fields = tuple(f for f in schema.read if f.name in names and f.name != data.target)
        there = [field.name for field in fields]
        known = schema.model_copy(update={"fields": fields})
        columns = typed_columns(known, raw.select(there), dialect)
        undeclared = [name for name in names if name not in schema.names]
        opened = cls(predictor, data, raw, columns, undeclared)
        absent = [f.name for f in schema.read if f.name not in there and f.name != data.target]
        opened._refuse_unfit(data.path, absent)
        return opened

    def _refuse_unfit(self, path: str, absent: list[str]) -> None:
        """Refuse a table from which the model's columns cannot be made, or whose keys clash."""
        hints = "".join(f"; it has '{n}'{did_you_mean(n, absent)}" for n in self.undeclared)
        table = f"{path} lacks {absent}{hints}" if absent else path
        try:
            types = self.predictor.add_features(self.typed(self.raw)).collect_schema()
            features.fitted(self.predictor.model, types)
        except (pl.exceptions.PolarsError, FileNotFoundError) as error:  # it may join a file
            raise ProjectError(f"{table}: data.py cannot run ({first_line(error)})") from None
        except ProjectError as error:
            same = absent and str(absent) in str(error)  # to be named once
            says = f"{path} lacks {absent}, which the model reads{hints}" if same else None
            raise ProjectError(says or f"{table}: {error}") from None
        taken = sorted(set(self.keys) & {*_OWN, *self.predictor.probabilities})
        if taken:
            raise ProjectError(f"predictions have a column {taken[0]} of their own: rename the key")

    @property
    def keys(self) -> list[str]:
        """The columns that name a row, as far as they are there."""
        there = [column.field.name for column in self.columns]
        return [name for name in self.predictor.data.id if name in there]

    @cached_property
    def rules(self) -> list[Rule]:
        """What each row must obey on its own."""
        required = (c for c in self.columns if c.field.constraints.maxMissing == 0)
        missing = [Rule(column, "missing", column.raw.is_null()) for column in required]
        return [*rules(self.columns), *missing]

    def problems(self, *more: Rule) -> list[str]:
        """Return a line for each rule, of the schema or ``more``, that a row breaks."""
        every = [*self.rules, *more]
        broken = [rule.broken.sum().alias(f"{n}") for n, rule in enumerate(every)]
        found = self.raw.select(pl.len().alias("rows"), *broken).collect(engine="streaming")
        rows, *counts = found.row(0)
        pairs = zip(every, counts, strict=True)
        return broken_lines(self.raw, [(rule, count) for rule, count in pairs if count], rows)

    def typed(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the declared columns of raw rows as values."""
        return rows.select(column.value for column in self.columns)

    def violations(self, rows: pl.DataFrame) -> pl.Series:
        """Return what is wrong with each raw row, null where nothing is: shape (rows,)."""
        reasons = [
            pl.when(rule.broken).then(
                pl.concat_str(pl.lit(f"'{rule.column.field.name}' is {rule.says}"), rule.value)
            )
            for rule in self.rules
        ]
        said = pl.concat_str(reasons, separator="; ", ignore_nulls=True)
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
            *outcomes(self.predictor, typed),
            model_version=pl.lit(self.predictor.version),
            model_sha256=pl.lit(self.predictor.sha256),
        )


def outcomes(predictor: Predictor, typed: pl.DataFrame) -> list[pl.Series]:
    """Return what a model says of rows of the declared columns.

    The prediction, then a probability for each class where the estimator has them: each of shape
    (rows,).
    """
    model, whole = predictor.model, predictor.add_features(typed.lazy()).collect()
    x = features.select(whole, features.fitted(model, whole.schema))
    if isinstance(model, Pipeline):
        # Once for both: predict and predict_proba of a Pipeline would each transform the features.
        steps, model = model[:-1], model[-1]
        x = steps.transform(x) if steps else x  # a Pipeline of no steps has no transform
    names = predictor.probabilities
    shares = np.asarray(model.predict_proba(x), dtype=np.float64) if names else None
    if shares is not None and hasattr(model, "most_probable"):  # of the owner's kind
        predicted = pl.Series("prediction", model.most_probable(shares))
    elif shares is not None and isinstance(model, _MOST_PROBABLE):
        predicted = pl.Series("prediction", model.classes_).gather(shares.argmax(axis=1))
    else:
        predicted = pl.Series("prediction", np.asarray(model.predict(x)).reshape(-1))
    return [predicted, *(pl.DataFrame(shares, names, orient="row") if names else ())]
