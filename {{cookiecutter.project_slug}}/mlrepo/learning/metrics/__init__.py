"""The metrics of a task, as the owner's metrics.py names them, and their values."""

from collections.abc import Collection, Mapping

import numpy as np

from mlrepo.core import owner
from mlrepo.core.params import LibraryParams
from mlrepo.core.params_check import asked_for as asked_for
from mlrepo.learning.metrics.aggregates import Metric
from mlrepo.learning.predictions import Predictions


def of_task(task: str) -> Mapping[str, Metric]:
    """Return the metrics of a task, "classification" or "regression"."""
    metrics = owner.metrics()
    return {"classification": metrics.CLASSIFICATION, "regression": metrics.REGRESSION}[task]


def smaller_is_better() -> Collection[str]:
    """Return the names of the metrics that get better as they get smaller."""
    return owner.metrics().SMALLER_IS_BETTER


# The first that a model has; accuracy is none of them, as a constant is right in 99% of 99%.
USUAL = {"classification": ("roc_auc", "balanced_accuracy"), "regression": ("rmse",)}


def sign(name: str) -> float:
    """Return 1.0, or -1.0 for a metric that gets better as it gets smaller."""
    return -1.0 if name in smaller_is_better() else 1.0


def expected(params: LibraryParams) -> str:
    """Return the metric that leads before anything is predicted: evaluate.metric, or the usual."""
    usual, names = USUAL[params.data.task], list(of_task(params.data.task))
    return asked_for(params) or next((name for name in usual if name in names), names[0])


def leading(params: LibraryParams, predictions: Predictions) -> str:
    """Return the metric by which features, slices and models are compared: evaluate.metric.

    Without one it is the first of the usual ones, and then of the owner's metrics.py, that these
    predictions define.
    """
    if (asked := asked_for(params)) is not None:
        return asked
    task = params.data.task
    known, names = scores(task, predictions), list(of_task(task))
    return next((name for name in [*USUAL[task], *names] if name in known), names[0])


def scores(task: str, predictions: Predictions) -> dict[str, float]:
    """Return the value of each metric; one that is undefined here is left out.

    JSON knows no NaN, and a made-up 0 would be compared with real values.
    """
    once, metrics = predictions.once_each, of_task(task)
    values = {name: float(metric(predictions, once)[0]) for name, metric in metrics.items()}
    return {name: value for name, value in values.items() if np.isfinite(value)}
