"""The rows that a model learns from."""

from copy import copy
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from mlrepo.core import artifact, prepared
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import TEST, TRAIN
from mlrepo.learning import features, memory
from mlrepo.learning.boosting.common import refuse_labels
from mlrepo.learning.predictions import FloatArray, IndexArray


class TrainingTable:
    """The train rows, opened and not read: what learns in batches never has them all in memory."""

    def __init__(self, path: Path, params: LibraryParams) -> None:
        """Choose the features of the prepared table at ``path``, which is not that of the test."""
        if path == TEST:
            raise ProjectError(f"{TEST} is what *evaluate* scores by: a model learns from {TRAIN}")
        self.path, self.params = path, params
        self.scan = prepared.scan_table(path)
        self.features = features.choose(self.scan.collect_schema(), params)
        if not artifact.is_own(artifact.path()):
            refuse_labels(params, path)

    @cached_property
    def rows(self) -> pl.DataFrame:
        """All rows and columns; refused where memory has no room for a fit on them."""
        memory.check_all_rows(self.scan, self.features, self.params)
        table = prepared.read_table(self.path)
        features.refuse_all_missing(table, self.features)
        return table

    @cached_property
    def inputs(self) -> pl.DataFrame:
        """What the model sees: shape (rows, features)."""
        return features.select(self.rows, self.features)

    @cached_property
    def target(self) -> np.ndarray:
        """What it learns to predict: shape (rows,)."""
        return prepared.target(self.rows, self.params.data)

    @cached_property
    def weights(self) -> FloatArray | None:
        """How much each row counts: shape (rows,); None without data.weight."""
        return prepared.weights(self.rows, self.params.data)

    def take(self, numbers: IndexArray) -> "TrainingTable":
        """Return some of the rows, by their numbers."""
        part = copy(self)
        vars(part)["rows"] = self.rows[numbers]
        for name in ("inputs", "target", "weights"):
            vars(part).pop(name, None)  # made again of these rows
        return part
