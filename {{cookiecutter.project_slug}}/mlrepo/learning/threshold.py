"""The decision threshold: from which score on the second of two classes is what is predicted.

`train.threshold` is a number, or `tune: METRIC`: then it is the one at which that metric is best on
folds of the train rows, each predicted by a model that did not learn from it. The fitted estimator
goes into scikit-learn's FixedThresholdClassifier, so that all that predicts goes by the threshold.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from mlrepo.core import prepared
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import Tune
from mlrepo.core.progress import progress
from mlrepo.learning import metrics
from mlrepo.learning.cluster import session
from mlrepo.learning.estimator import split_steps
from mlrepo.learning.folds import folds
from mlrepo.learning.predictions import Array, Predictions, evenly_spread
from mlrepo.learning.training_table import TrainingTable

_MOST = 200  # thresholds that are tried: scores of rows of the second class, evenly spread
_KEY = "train.threshold in params.yaml"


def choose(model: Any, table: TrainingTable) -> float | None:
    """Return the threshold for a model, which is not fitted, on some train rows; None without one.

    Clones of it are fitted where it is to be tuned.
    """
    asked, data = table.params.train.threshold, table.params.data
    if asked is None:
        return None
    _refuse_other_classes(prepared.classes(table.path, data).tolist())
    if not isinstance(asked, Tune):
        return asked
    _refuse_other_metric(asked.tune)
    found = Predictions.joined(list(_held_out(model, table)))
    [(_, scores)] = found.class_scores()
    distinct = np.unique(scores[found.class_index == 1])
    limits = distinct[evenly_spread(len(distinct), _MOST)]
    values = [_value(asked.tune, _decided(found, scores >= limit)) for limit in limits]
    return float(limits[np.argmax(values)])


def put(model: Any, limit: float | None) -> None:
    """Let a fitted model decide by a threshold, in place."""
    if limit is None:
        return
    if not isinstance(model, Pipeline):
        says = f"`build` in model.py returns {type(model).__name__} alone: return a Pipeline"
        raise ProjectError(f"{_KEY} takes the place of a Pipeline's last step, and {says}")
    name, estimator = model.steps[-1]
    decides = FixedThresholdClassifier(clone(estimator), threshold=limit)
    decides.estimator_ = estimator  # as its `fit` leaves it, without another fit
    model.steps[-1] = (name, decides)


def of(model: Any) -> dict[str, float]:
    """Return {"threshold": number} of a fitted model, or nothing if it has none."""
    _, estimator = split_steps(model)
    is_put = isinstance(estimator, FixedThresholdClassifier)
    return {"threshold": estimator.threshold} if is_put else {}


def _held_out(model: Any, table: TrainingTable) -> Iterator[Predictions]:
    for learn, score in progress(list(folds(table)), "threshold"):
        candidate, known, held = clone(model), table.take(learn), table.take(score)
        session.fit(candidate, known.inputs, known.target, known.weights)
        _refuse_other_classes(candidate.classes_.tolist())
        yield Predictions.of(candidate, held.inputs, held.target, held.weights)


def _decided(found: Predictions, second: Array) -> Predictions:
    classes = found.classes
    assert classes is not None
    return replace(found, predicted=classes[second.astype(int)])


def _value(metric: str, predictions: Predictions) -> float:
    value = metrics.of_task("classification")[metric](predictions, predictions.once_each)[0]
    return float(np.nan_to_num(metrics.sign(metric) * value, nan=-np.inf))


def _refuse_other_metric(name: str) -> None:
    """Refuse what is no metric, and what looks at scores and not at the class that is predicted."""
    known = metrics.of_task("classification")
    truth = np.array([0, 1])
    even = np.full((2, 2), 0.5)
    right, wrong = (Predictions(truth, said, truth, even) for said in (truth, truth[::-1]))
    fit = [each for each in known if _value(each, right) != _value(each, wrong)]
    if name not in fit:
        why = "does not depend on the threshold" if name in known else "is no metric"
        raise ProjectError(f"{_KEY}: {name} {why}; tune it by one of {', '.join(fit)}")


def _refuse_other_classes(classes: list[object]) -> None:
    if len(classes) != 2:
        shown = ", ".join(str(label) for label in classes[:5])
        raise ProjectError(
            f"{_KEY} divides two classes, and the rows that are learned from have {len(classes)}: "
            f"{shown}{', ...' if len(classes) > 5 else ''}"
        )
