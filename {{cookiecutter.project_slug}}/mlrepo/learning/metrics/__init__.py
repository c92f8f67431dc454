"""The metrics of a task, as the owner's metrics.py names them, and their values."""

from collections.abc import Collection, Iterable, Mapping

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


# The first that a model has leads, unless evaluate.metric names another.
USUAL = {"classification": ("roc_auc", "balanced_accuracy"), "regression": ("rmse",)}


def in_order(task: str, names: Iterable[str]) -> list[str]:
    """Return names of metrics in the order in which they lead without evaluate.metric.

    The usual ones, then the others as they come; accuracy is the last, as a constant is right in
    99% of 99%.
    """
    usual = USUAL.get(task, ())
    places = {name: place for place, name in enumerate(usual)}
    return sorted(names, key=lambda name: (places.get(name, len(usual)), name == "accuracy"))


def sign(name: str) -> float:
    """Return 1.0, or -1.0 for a metric that gets better as it gets smaller."""
    return -1.0 if name in smaller_is_better() else 1.0


def expected(params: LibraryParams) -> list[str]:
    """Return the metrics of which the first that a model has leads: evaluate.metric, if it is set.

    Without it those of the owner's metrics.py, the usual ones first.
    """
    task, asked = params.data.task, asked_for(params)
    return in_order(task, of_task(task)) if asked is None else [asked]


def leading(params: LibraryParams, predictions: Predictions) -> str:
    """Return the metric by which features, slices and models are compared.

    It is the first of the `expected` ones that these predictions define.
    """
    wanted = expected(params)
    known = scores(params.data.task, predictions) if len(wanted) > 1 else {}
    return next((name for name in wanted if name in known), wanted[0])


def scores(task: str, predictions: Predictions) -> dict[str, float]:
    """Return the value of each metric; one that is undefined here is left out.

    JSON knows no NaN, and a made-up 0 would be compared with real values.
    """
    once, metrics = predictions.once_each, of_task(task)
    values = {name: float(metric(predictions, once)[0]) for name, metric in metrics.items()}
    return {name: value for name, value in values.items() if np.isfinite(value)}
