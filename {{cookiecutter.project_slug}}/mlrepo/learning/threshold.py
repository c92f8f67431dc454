"""The decision threshold: from which score on the second of two classes is what is predicted.

`train.threshold` is a number, or `tune: METRIC`: then it is the one, of those that are tried, at
which that metric is best on folds of the train rows, each predicted by a model that did not learn
from it. The fitted estimator goes into scikit-learn's FixedThresholdClassifier, so that all that
predicts goes by the threshold.
"""

from collections.abc import Iterator
from contextlib import suppress
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
# Rows of each pair of true and predicted class: right, wrong, and one class for all.
_PROBES = ([5, 0, 0, 5], [0, 5, 5, 0], [5, 0, 5, 0], [0, 5, 0, 5])


def choose(model: Any, table: TrainingTable) -> float | None:
    """Return the threshold for a model, which is not fitted, on some train rows; None without one.

    Clones of it are fitted where it is to be tuned.
    """
    asked, data = table.params.train.threshold, table.params.data
    if asked is None:
        return None
    classes = prepared.classes(table.path, data)
    _refuse_other_classes(classes.tolist())
    _refuse_no_scores(model, asked)
    if not isinstance(asked, Tune):
        return asked
    _refuse_other_metric(asked.tune, classes)
    found = Predictions.joined(list(_held_out(model, table)))
    [(_, scores)] = found.class_scores()
    second = found.class_index == 1
    distinct = np.unique(scores[second])
    # The last one is for no row at all.
    limits = [*distinct[evenly_spread(len(distinct), _MOST)], np.nextafter(scores.max(), np.inf)]
    values = []
    for limit in limits:
        cells = np.bincount(2 * second + (scores >= limit), found.weights, 4)
        value = _value(asked.tune, classes, cells, found.weights is not None)
        values.append(np.nan_to_num(metrics.sign(asked.tune) * value, nan=-np.inf))
    return float(limits[np.argmax(values)])


def put(model: Any, limit: float | None) -> None:
    """Let a fitted model decide by a threshold, in place; not if it has seen one class alone."""
    if limit is None:
        return
    if not isinstance(model, Pipeline):
        says = f"`build` in model.py returns {type(model).__name__} alone: return a Pipeline"
        raise ProjectError(f"{_KEY} takes the place of a Pipeline's last step, and {says}")
    name, estimator = model.steps[-1]
    if len(estimator.classes_) == 2:
        decides = FixedThresholdClassifier(clone(estimator), threshold=limit)
        decides.estimator_ = estimator  # as its `fit` leaves it, without another fit
        model.steps[-1] = (name, decides)


def of(model: Any) -> dict[str, float]:
    """Return {"threshold": number} of a fitted model, or nothing if it has none."""
    _, decides = split_steps(model)
    # One of the owner's own choice decides by "auto", which is no number.
    known = isinstance(decides, FixedThresholdClassifier) and isinstance(decides.threshold, float)
    return {"threshold": decides.threshold} if known else {}


def _held_out(model: Any, table: TrainingTable) -> Iterator[Predictions]:
    for learn, score in progress(list(folds(table)), "threshold"):
        candidate, known, held = clone(model), table.take(learn), table.take(score)
        session.fit(candidate, known.inputs, known.target, known.weights)
        _refuse_other_classes(candidate.classes_.tolist())
        yield Predictions.of(candidate, held.inputs, held.target, held.weights)


def _value(metric: str, classes: Array, cells: Array, weighted: bool) -> float:
    """Return a metric by the weight of each pair of true and predicted class (4,): 00 01 10 11."""
    truth, said = classes[[0, 0, 1, 1]], classes[[0, 1, 0, 1]]
    pairs = Predictions(truth, said, classes, weights=cells if weighted else None)
    return float(metrics.of_task("classification")[metric](pairs, cells[np.newaxis])[0])


def _refuse_other_metric(name: str, classes: Array) -> None:
    """Refuse what is no metric, and what looks at scores and not at the class that is predicted."""

    def depends(metric: str) -> bool:
        values = [_value(metric, classes, np.array(cells, float), False) for cells in _PROBES]
        return bool(np.ptp(values) > 0)

    known = metrics.of_task("classification")
    if name in known and depends(name):
        return
    others = []
    for other in known:
        with suppress(Exception):  # one of the owner's that cannot score the probes
            others += [other] if depends(other) else []
    why = "does not depend on the threshold" if name in known else "is no metric"
    raise ProjectError(f"{_KEY}: {name} {why}; tune it by one of {', '.join(others)}")


def _refuse_no_scores(model: Any, asked: float | Tune) -> None:
    """Refuse an estimator without scores, and a number that is no probability."""
    name = type(split_steps(model)[1]).__name__
    if not (hasattr(model, "predict_proba") or hasattr(model, "decision_function")):
        raise ProjectError(f"{_KEY} needs scores, and {name} has none: choose another estimator")
    if not isinstance(asked, Tune) and hasattr(model, "predict_proba") and not 0 <= asked <= 1:
        raise ProjectError(f"{_KEY} is {asked:g}, and the scores of {name} are from 0 to 1")


def _refuse_other_classes(classes: list[object]) -> None:
    if len(classes) != 2:
        shown = ", ".join(str(label) for label in classes[:5])
        raise ProjectError(
            f"{_KEY} divides two classes, and the rows that are learned from have {len(classes)}: "
            f"{shown}{', ...' if len(classes) > 5 else ''}"
        )
