"""What a model said about a table, beside the truth: the input of every metric and plot."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlrepo.core import prepared
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import Data
from mlrepo.learning.estimator import split_steps
from mlrepo.learning.features import Features, select

T = TypeVar("T")
Array = NDArray[Any]
FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]


PREDICT = 250_000  # rows; part of the result, as matrix products round by their shapes


@dataclass(frozen=True, eq=False)
class Predictions:
    """Truth and predictions of n rows.

    Attributes:
        truth: (n,) target values; strings, integers or booleans for classification.
        predicted: (n,) predicted target values.
        classes: (k,) the labels that the model knows, in the order of its score columns; None
            for regression.
        probabilities: (n, k) class probabilities, or None if the estimator has none.
        decisions: (n,) for two classes or (n, k) decision values, or None. They rank the rows
            (ROC AUC) where there are no probabilities.
        weights: (n,) how much each row counts, as data.weight says; None: all the same.
    """

    truth: Array
    predicted: Array
    classes: Array | None = None
    probabilities: Array | None = None
    decisions: Array | None = None
    weights: FloatArray | None = None
    _known: dict[Callable[..., Any], Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check that the columns belong together."""
        if not len(self.truth):
            raise ProjectError("there are no rows to score; is the table, or the slice, empty?")
        if len(self.truth) != len(self.predicted):
            raise ValueError(f"{len(self.truth)} true and {len(self.predicted)} predicted values")
        for name in ("predicted", "probabilities", "decisions"):
            values = getattr(self, name)
            if values is None or values.dtype.kind != "f":
                continue
            if not np.isfinite(values).all():
                raise ProjectError(
                    f"the model's {name} values hold NaN or infinity; scale the features or choose "
                    "another estimator (train.estimator in params.yaml)"
                )

    @classmethod
    def of(
        cls, model: Any, features: Any, truth: Array, weights: FloatArray | None = None
    ) -> Predictions:
        """Let a fitted scikit-learn estimator or Pipeline predict `features` (n rows)."""
        if hasattr(model, "most_probable"):  # of the owner's kind: once for both
            shares = model.predict_proba(features)
            return cls(truth, model.most_probable(shares), model.classes_, shares, weights=weights)
        predicted = np.asarray(model.predict(features))
        if getattr(model, "classes_", None) is None:
            return cls(truth, predicted.reshape(-1), weights=weights)
        made = cls(truth, predicted, model.classes_, weights=weights)
        if hasattr(model, "predict_proba"):
            return replace(made, probabilities=model.predict_proba(features))
        # One-against-one values are one column per pair of classes: they rank no class.
        _, estimator = split_steps(model)
        shape = getattr(estimator, "decision_function_shape", "")
        pairs = len(model.classes_) > 2 and shape == "ovo"
        if pairs or not hasattr(model, "decision_function"):
            return made
        return replace(made, decisions=model.decision_function(features))

    @classmethod
    def joined(cls, parts: list[Predictions]) -> Predictions:
        """Return the rows of several predictions of models that know the same classes."""
        return parts[0].with_columns(lambda name: np.concatenate([getattr(p, name) for p in parts]))

    @property
    def once_each(self) -> FloatArray:
        """The weights (1, n) with which a metric scores the table as it is."""
        return (np.ones(len(self)) if self.weights is None else self.weights)[np.newaxis]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.truth)

    def rows(self, chosen: Array) -> Predictions:
        """Return the chosen rows (a mask or row numbers), for example one slice."""
        return self.with_columns(lambda name: getattr(self, name)[chosen])

    def with_columns(self, column: Callable[[str], Array]) -> Predictions:
        """Return the same model's predictions of other rows, column by column."""
        names = ("truth", "predicted", "probabilities", "decisions", "weights")
        there = [name for name in names if getattr(self, name) is not None]
        columns: dict[str, Any] = {name: column(name) for name in there}
        return replace(self, **columns)

    def once(self, function: Callable[[Predictions], T]) -> T:
        """Return function(self), computed once however many resamples ask for it."""
        if function not in self._known:
            self._known[function] = function(self)
        value: T = self._known[function]
        return value

    @cached_property
    def known(self) -> list[Hashable]:
        """The labels that the model knows; none for regression."""
        return [] if self.classes is None else list(self.classes.tolist())

    @cached_property
    def labels(self) -> list[Hashable]:
        """All labels, sorted: those of the model and those that only the truth has."""
        return sorted({*self.known, *self.truth.tolist(), *self.predicted.tolist()})

    @cached_property
    def cells(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        """Occurring cells of the confusion matrix, c of them.

        Returns the cell of each row (n,), and the true and the predicted label of each cell (c,).
        """
        size = len(self.labels)
        cell = _codes(self.truth, self.labels) * size + _codes(self.predicted, self.labels)
        occurring, cell_of_row = np.unique(cell, return_inverse=True)
        return cell_of_row, occurring // size, occurring % size

    @cached_property
    def class_index(self) -> IndexArray:
        """Score column of each row's true label (n,), or -1 where the model does not know it."""
        return _codes(self.truth, self.known)

    def class_scores(self) -> list[tuple[int, FloatArray]]:
        """Return (class index, (n,) scores) for each class against the rest.

        Two classes give one pair, the second class, as in scikit-learn; no scores give none.
        """
        scores = self.decisions if self.probabilities is None else self.probabilities
        if self.classes is None or scores is None or len(self.classes) < 2:
            return []
        columns = np.asarray(scores, dtype=np.float64)
        if len(self.classes) == 2:
            return [(1, columns if columns.ndim == 1 else columns[:, 1])]
        return [(index, columns[:, index]) for index in range(len(self.classes))]

    @cached_property
    def ranks(self) -> list[tuple[IndexArray, int]]:
        """Rank and side of each row (n,), for each entry of `class_scores`.

        Equal scores share a rank 0..r-1. Rows of the rest hold their rank, rows of the class
        rank + r; r is the second value. Sorted once, for every resample.
        """
        found = []
        for index, score in self.class_scores():
            distinct, rank = np.unique(score, return_inverse=True)
            found.append((rank + len(distinct) * (self.class_index == index), len(distinct)))
        return found

    @cached_property
    def errors(self) -> FloatArray:
        """Truth minus prediction (n,), in the unit of the target."""
        truth = np.asarray(self.truth, dtype=np.float64)
        return truth - np.asarray(self.predicted, dtype=np.float64)

    @cached_property
    def ranked_errors(self) -> tuple[NDArray[np.int32], FloatArray]:
        """Row numbers (n,) by absolute error, smallest first, and those errors (n,)."""
        size = np.abs(self.errors)
        order = np.argsort(size, kind="stable")
        return order.astype(np.int32), size[order]


def _codes(values: Array, labels: list[Hashable]) -> IndexArray:
    """Return the position in ``labels`` of each value (n,), -1 where it is none of them."""
    position = {label: code for code, label in enumerate(labels)}
    return np.fromiter((position.get(v, -1) for v in values.tolist()), np.intp, len(values))


def evenly_spread(rows: int, limit: int) -> IndexArray:
    """Return at most ``limit`` row numbers, evenly spread, first and last included."""
    return np.unique(np.linspace(0, rows - 1, min(rows, limit)).round().astype(np.intp))


def predict_table(model: Any, path: Path, features: Features, data: Data) -> Predictions:
    """Return what ``model`` says of each row of a prepared table; only that is kept in memory."""
    names = [*features.names, *data.learned_from]
    return Predictions.joined(
        [
            of_rows(model, select(rows, features), rows, data)
            for rows in prepared.read_batches(path, names, PREDICT, "predict")
        ]
    )


def of_rows(model: Any, inputs: Any, rows: pl.DataFrame, data: Data) -> Predictions:
    """Return what ``model`` says of ``inputs``, the features of ``rows`` of a prepared table."""
    truth, weights = prepared.target(rows, data), prepared.weights(rows, data)
    return Predictions.of(model, inputs, truth, weights)
