"""Fit the model on the train rows: all at once, in batches, or on a cluster."""

from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlrepo.core import prepared
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.learning import duration, features, memory
from mlrepo.learning.boosting import cluster as boosting_cluster
from mlrepo.learning.boosting.common import Rows, refuse_labels
from mlrepo.learning.cluster import session
from mlrepo.learning.estimator import explained, split_steps


class TrainingTable:
    """The train rows, opened and not read: what learns in batches never has them all in memory."""

    def __init__(self, path: Path, params: LibraryParams) -> None:
        """Choose the features of the prepared table at ``path``."""
        self.path, self.params = path, params
        self.scan = prepared.scan_table(path)
        self.features = features.choose(self.scan.collect_schema(), params)
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


def fit(model: Any, table: TrainingTable) -> None:
    """Fit ``model`` in place on all rows, as `train` in params.yaml says."""
    params = table.params
    if boosting_cluster.is_meant(params.train):
        boosting_cluster.fit(model, table.path, table.features, params)
    elif params.train.batches.rows is None:
        _fit_whole(model, table)
    elif params.train.is_boosted:
        from mlrepo.learning.boosting import batches  # which imports xgboost, an extra

        memory.check_bins(table.scan, table.features, params)
        batches.fit(model, table.path, table.features, params)
    else:
        _fit_parts(model, table, params.train.batches.rows)


def _fit_whole(model: Any, table: TrainingTable) -> None:
    inputs = table.inputs
    if not table.params.train.cross_validation:  # else `cross_validate` has announced it
        duration.announce(model, inputs, table.target, folds=0)
    name = table.params.train.estimator
    print(f"fitting {name} on {inputs.height} rows x {inputs.width} features")
    session.fit(model, inputs, table.target)
    # A search keeps the times of its fits, which never repeat: what it found takes its place.
    _, search = split_steps(model)
    if hasattr(model, "steps") and hasattr(search, "best_estimator_"):
        print(f"best of the search: {search.best_params_}")
        model.steps[-1] = (model.steps[-1][0], search.best_estimator_)


def _fit_parts(model: Any, table: TrainingTable, size: int) -> None:
    """Fit by `partial_fit`, ``size`` rows at a time as they stand in the file."""
    data, passes = table.params.data, table.params.train.batches.passes
    columns, estimator = split_steps(model)
    if not hasattr(estimator, "partial_fit"):
        raise ProjectError(
            f"{table.params.train.estimator} learns from all rows at once (it has no partial_fit): "
            "set train.batches.rows to null in params.yaml, or choose an estimator such as "
            "sklearn.linear_model.SGDClassifier"
        )
    rows = Rows(table.path, table.features, data, columns)
    with explained(estimator):
        rows.fit_columns(size)
        known = {}
        if data.task == "classification":
            known["classes"] = prepared.classes(table.path, data)
        total = rows.count()
        reads = (prepared.read_batches(table.path, rows.names, size, "fit") for _ in range(passes))
        count = -(-total // size) * passes
        for part in duration.timed(chain.from_iterable(reads), count, total, "learning"):
            x = columns.transform(features.select(part, table.features))
            estimator.partial_fit(x, prepared.target(part, data), **known)
