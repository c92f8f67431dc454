"""Rows that a program hands over as a frame: checked as the service checks them, and predicted."""

from typing import Any

import numpy as np
import polars as pl

from mlrepo.core.errors import PRIVATE, ProjectError, first_line, shown
from mlrepo.core.params import Csv
from mlrepo.learning import features
from mlrepo.prediction.batches import Input
from mlrepo.prediction.predictor import Predictor
from mlrepo.tables.columns import parse_text, value_type
from mlrepo.tables.schema import Field
from mlrepo.tables.validation import Rule

METHODS = ("predict", "predict_proba", "decision_function")
# Trees compute with 32-bit floats, and scikit-learn refuses a table with a larger number.
LARGEST = float(np.finfo(np.float32).max)


def predict(frame: pl.DataFrame, by: Predictor, method: str = "predict") -> Any:
    """Return what a method of the model says of each row.

    Shape (rows,), or (rows, classes) for ``predict_proba``.

    Raises:
        ProjectError: if a row breaks the schema, or if the model has no number for it.
    """
    if method not in METHODS or not hasattr(by.model, method):
        known = [name for name in METHODS if hasattr(by.model, name)]
        raise ProjectError(f"{shown(method)} is no method of this model: it has {known}")
    typed = checked(frame, by)
    try:
        whole = by.add_features(typed.lazy()).collect()
        x = features.select(whole, features.fitted(by.model, whole.schema))
        found = np.asarray(getattr(by.model, method)(x))
    except (ValueError, pl.exceptions.PolarsError) as error:  # a value that they cannot use
        says = PRIVATE if by.schema.private else first_line(error)
        raise ProjectError(f"the model refuses these values: {says}") from None
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ProjectError("the model gives no finite number for these values")
    return found


def checked(frame: pl.DataFrame, by: Predictor) -> pl.DataFrame:
    """Return the declared columns as values; a column that may lack values may be absent.

    Shape (rows, columns). Times as text are read as ISO 8601. What the schema lacks is left out.
    """
    if frame.is_empty():
        raise ProjectError("the table has no rows")
    fields = [field for field in by.schema.read if field.name != by.data.target]
    there = [_declared(field, frame, by.data.csv) for field in fields]
    table = frame.lazy().with_columns(column for column in there if column is not None)
    data = by.data.model_copy(update={"path": "the table"})
    opened = Input.of(table, data, by, None)
    large = [
        Rule(column, "too large for the model", column.value.abs() > LARGEST)
        for column in opened.columns
        if column.field.type == "number"
    ]
    if lines := opened.problems(*large):
        raise ProjectError("\n  ".join(["the table does not match the schema:", *lines]))
    return opened.typed(table).collect()


def _declared(field: Field, frame: pl.DataFrame, dialect: Csv) -> pl.Series | pl.Expr | None:
    """Return a column in a type that the schema's may be made of; None if it is as it must be."""
    name, dtype = field.name, frame.schema.get(field.name)
    if dtype is None or dtype == pl.Null:
        kind = value_type(field)
        optional = dtype is not None or field.constraints.maxMissing > 0
        return pl.lit(None, kind).alias(name) if optional else None
    if field.type == "string" and dtype.is_integer():  # which Parquet files may have
        raise ProjectError(f"the column '{name}' holds numbers, and {field.type} is declared")
    if field.type == "date" and dtype == pl.Datetime:  # pandas has no type for a day
        midnight = (frame[name].dt.truncate("1d") == frame[name]).all()
        return frame[name].dt.date() if midnight else None
    if field.type in ("date", "datetime") and dtype == pl.String:
        return _moments(field.model_copy(update={"format": None}), frame[name], dialect)
    return None


def _moments(field: Field, written: pl.Series, dialect: Csv) -> pl.Series:
    made = written.to_frame().select(parse_text(pl.col(field.name), field, dialect)).to_series()
    wrong = (made.is_null() & written.is_not_null()).arg_true()
    if len(wrong):
        says = PRIVATE if field.private else shown(written[wrong[0]])
        raise ProjectError(f"'{field.name}': {says} in row {wrong[0] + 1} is no {field.type}")
    return made.alias(field.name)
