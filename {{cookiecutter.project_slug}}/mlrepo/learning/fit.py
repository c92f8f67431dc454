"""Fit the model on the train rows: all at once, in batches, or on a cluster."""

from itertools import chain
from typing import Any

from mlrepo.core import prepared
from mlrepo.core.errors import ProjectError
from mlrepo.learning import duration, features, memory, threshold
from mlrepo.learning.boosting import cluster as boosting_cluster
from mlrepo.learning.boosting.common import Rows
from mlrepo.learning.cluster import session
from mlrepo.learning.estimator import explained, refuse_weights, split_steps
from mlrepo.learning.training_table import TrainingTable


def fit(model: Any, table: TrainingTable) -> None:
    """Fit ``model`` in place on all rows, as `train` in params.yaml says; its threshold as well.

    A threshold that is to be tuned is looked for first, on folds.
    """
    params = table.params
    limit = threshold.choose(model, table)
    if boosting_cluster.is_meant(params.train):
        boosting_cluster.fit(model, table.path, table.features, params)
    elif params.train.batches.rows is None:
        _fit_whole(model, table)
    elif params.train.is_boosted:
        from mlrepo.learning.boosting import batches  # imports xgboost, which few have

        memory.check_bins(table.scan, table.features, params)
        batches.fit(model, table.path, table.features, params)
    else:
        _fit_parts(model, table, params.train.batches.rows)
    threshold.put(model, limit)


def _fit_whole(model: Any, table: TrainingTable) -> None:
    inputs = table.inputs
    if not table.params.train.cross_validation:  # else `cross_validate` has announced it
        duration.announce(model, inputs, table.target, folds=0)
    name = table.params.train.estimator
    print(f"fitting {name} on {inputs.height} rows x {inputs.width} features")
    session.fit(model, inputs, table.target, table.weights)
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
    if data.weight is not None:
        refuse_weights(estimator.partial_fit, estimator)
    with explained(estimator):
        rows.fit_columns(size)
        known: dict[str, Any] = {}
        if data.task == "classification":
            known["classes"] = prepared.classes(table.path, data)
        total = rows.count()
        reads = (prepared.read_batches(table.path, rows.names, size, "fit") for _ in range(passes))
        count = -(-total // size) * passes
        for part in duration.timed(chain.from_iterable(reads), count, total, "learning"):
            x = columns.transform(features.select(part, table.features))
            if data.weight is not None:
                known["sample_weight"] = prepared.weights(part, data)
            estimator.partial_fit(x, prepared.target(part, data), **known)
