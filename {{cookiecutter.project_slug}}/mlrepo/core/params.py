"""params.yaml as typed, frozen objects: what the library reads of it."""

import re
from collections.abc import Iterator
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from mlrepo.core.sections import Categories as Categories
from mlrepo.core.sections import Names, Preprocessing, Section, Seed
from mlrepo.core.sections import Numbers as Numbers

Task = Literal["classification", "regression"]


class Csv(Section):
    """How to read CSV files; Parquet needs none of it."""

    separator: Annotated[str, Field(min_length=1, max_length=1)]
    decimal: Literal[".", ","]
    thousands: Annotated[str, Field(min_length=1, max_length=1)] | None
    encoding: str
    missing: Names

    @field_validator("encoding")
    @classmethod
    def _python_knows_it(cls, value: str) -> str:
        try:
            "".encode(value)
        except (LookupError, ValueError):
            raise ValueError(f"'{value}' is no encoding: try utf-8, cp1252 or utf-16") from None
        return value

    @model_validator(mode="after")
    def _marks_differ(self) -> "Csv":
        if self.thousands == self.decimal:
            raise ValueError(f"'{self.decimal}' cannot stand between thousands and for decimals")
        return self


class Features(Section):
    """Which columns the model sees."""

    include: Names
    exclude: Names


class Data(Section):
    """The table and what is learned from it."""

    path: str
    table_schema: str = Field(alias="schema")
    csv: Csv
    task: Task
    target: str
    weight: str | None
    id: Names
    features: Features

    @model_validator(mode="after")
    def _each_column_has_one_part(self) -> "Data":
        for part, name in {"target": self.target, "weight": self.weight}.items():
            if name in self.features.include or name in self.id:
                raise ValueError(f"the {part} '{name}' cannot be a feature or an id as well")
        if self.weight == self.target:
            raise ValueError(f"the target '{self.target}' cannot be the weight as well")
        return self

    @property
    def learned_from(self) -> tuple[str, ...]:
        """The columns that a table to predict need not have: the target, and the weight."""
        return (self.target,) if self.weight is None else (self.target, self.weight)


class Split(Section):
    """How rows are divided into train and test."""

    method: Literal["random", "stratified", "group", "time"]
    test_size: Annotated[float, Field(gt=0, lt=1)]
    seed: Seed
    column: str | None
    equal_features: Literal["apart", "together"]

    @model_validator(mode="after")
    def _column_goes_with_method(self) -> "Split":
        needs_column = self.method in ("group", "time")
        if needs_column and self.column is None:
            raise ValueError(f"method '{self.method}' needs a column name in 'column'")
        if not needs_column and self.column is not None:
            raise ValueError(f"method '{self.method}' uses no column: set 'column' to null")
        if self.equal_features == "together" and self.method != "random":
            raise ValueError(
                f"method '{self.method}' keeps no rows with equal features together: use 'random'"
            )
        return self


class Prepare(Section):
    """Knobs of the step `prepare`."""

    drop_missing_target: bool
    split: Split


class Batches(Section):
    """How many rows the estimator learns from at a time; None: from all at once."""

    rows: Annotated[int, Field(ge=1)] | None
    passes: Annotated[int, Field(ge=1)]
    on_disk: bool


class Tune(Section):
    """The threshold at which a metric is best, on folds of the train rows."""

    tune: str


def _dotted_names(value: object) -> Iterator[str]:
    if isinstance(value, str) and re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)+", value):
        yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _dotted_names(item)


class Train(Section):
    """Knobs of the step `train`."""

    estimator: str
    arguments: dict[str, Any]
    seed: Seed
    preprocessing: Preprocessing
    cross_validation: Annotated[int, Field(ge=0)]
    threshold: float | Tune | None
    batches: Batches

    @field_validator("threshold", mode="plain")
    @classmethod
    def _number_or_metric(cls, value: object) -> object:
        if isinstance(value, dict) and value.keys() == {"tune"} and isinstance(value["tune"], str):
            return Tune(tune=value["tune"])
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and isfinite(value):  # type: ignore[arg-type]
            return float(value)  # type: ignore[arg-type]
        if value is not None:
            raise ValueError(f"must be a number, {{tune: METRIC}} or nothing, not {value!r}")
        return None

    @model_validator(mode="after")
    def _threshold_has_folds(self) -> "Train":
        if isinstance(self.threshold, Tune) and not self.cross_validation:
            raise ValueError(
                "threshold.tune looks for it on folds of the train rows: set cross_validation to "
                "their number, at least 2"
            )
        return self

    @model_validator(mode="after")
    def _folds_and_batches_fit(self) -> "Train":
        if self.cross_validation == 1:
            raise ValueError("cross_validation must be 0 (off) or at least 2 folds")
        if self.cross_validation and self.batches.rows is not None:
            raise ValueError("cross_validation must be 0 with batches: folds need all rows at once")
        if self.batches.on_disk and (self.batches.rows is None or not self.is_boosted):
            raise ValueError(
                "batches.on_disk is for xgboost.XGBClassifier and XGBRegressor with batches.rows; "
                "what other estimators keep of their rows cannot be on disk: set it to false"
            )
        return self

    @model_validator(mode="after")
    def _texts_and_batches_fit(self) -> "Train":
        if "tfidf" in self.preprocessing.texts.values() and self.batches.rows is not None:
            raise ValueError(
                "preprocessing.texts: tfidf counts the words of all rows at once: set it to hashed "
                "with batches.rows"
            )
        return self

    @property
    def inside(self) -> list[str]:
        """The dotted names in the arguments, which are those of estimators and functions."""
        return list(dict.fromkeys(_dotted_names(self.arguments)))

    @property
    def is_boosted(self) -> bool:
        """Whether the estimator is one of xgboost's own, such as xgboost.XGBRegressor."""
        return self.estimator.startswith(("xgboost.XGB", "xgboost.sklearn.XGB"))


class Intervals(Section):
    """The bootstrap intervals of the test metrics."""

    resamples: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0, lt=1)]


class Evaluate(Section):
    """Knobs of the step `evaluate`."""

    metric: str | None
    seed: Seed
    intervals: Intervals
    slices: Names
    importance_repeats: Annotated[int, Field(ge=1)]


class Numerics(Section):
    """Whether arithmetic is pinned to one thread and one instruction set."""

    pinned: bool


class Origin(Section):
    """Where the raw data is from."""

    source: str
    licence: str


class Card(Section):
    """What people say of the model."""

    purpose: str
    owner: str
    data: Origin
    limits: Names


class LibraryParams(Section):
    """What the library knows of params.yaml; the owner's params.py can add sections."""

    data: Data
    prepare: Prepare
    train: Train
    evaluate: Evaluate
    numerics: Numerics
    card: Card

    @model_validator(mode="after")
    def _threshold_divides_classes(self) -> "LibraryParams":
        if self.train.threshold is not None and self.data.task != "classification":
            raise ValueError("train.threshold is for classification: set it to null")
        return self
