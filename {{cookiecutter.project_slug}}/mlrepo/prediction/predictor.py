"""The model that predicts, with the schema, params and code of columns that belong to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from mlrepo.core.params import Data
from mlrepo.tables.schema import Schema


@dataclass(frozen=True)
class Predictor:
    """A fitted model, and how a raw table becomes the columns that it reads."""

    model: Any
    version: str  # v1.2.0, or "unregistered"
    sha256: str
    data: Data
    schema: Schema
    add_features: Callable[[pl.LazyFrame], pl.LazyFrame]

    @property
    def labels(self) -> list[Any]:
        """The classes that have a probability, in their order; none without probabilities."""
        return list(self.model.classes_.tolist()) if hasattr(self.model, "predict_proba") else []

    @property
    def probabilities(self) -> list[str]:
        """The names of their columns."""
        return [f"probability_{label}" for label in self.labels]
