"""Score a model on folds of the train rows."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from statistics import fmean, pstdev
from typing import Any

from sklearn.base import clone

from mlrepo.core.params import Tune
from mlrepo.core.progress import progress
from mlrepo.learning import duration, metrics, threshold, trial
from mlrepo.learning.cluster import session
from mlrepo.learning.folds import folds
from mlrepo.learning.predictions import Predictions
from mlrepo.learning.training_table import TrainingTable

Scores = Callable[[str, Predictions], Mapping[str, float]]
# Takes metric -> its values over the folds so far, and may raise to end the run there.
AfterFold = Callable[[dict[str, list[float]]], None]

_after_fold: ContextVar[AfterFold | None] = ContextVar("after_fold", default=None)


@contextmanager
def observed(after_fold: AfterFold) -> Iterator[None]:
    """Call ``after_fold`` after each fold in the block; a sweep prunes trials there.

    It reaches `cross_validate` through any page that calls it, however the page is written.
    """
    token = _after_fold.set(after_fold)
    try:
        yield
    finally:
        _after_fold.reset(token)


def cross_validate(model: Any, table: TrainingTable, scores: Scores) -> dict[str, float]:
    """Return mean and standard deviation over the folds of each metric; nothing where it is off.

    Clones of ``model`` are fitted; ``scores`` takes the task and predictions. An evaluate.metric
    that there is not, and a model that no file could hold, are refused here, before anything is
    fitted.
    """
    metrics.asked_for(table.params)
    trial.refuse_unkept(model, table)
    knobs, after_fold = table.params.train, _after_fold.get()
    if not knobs.cross_validation:
        return {}
    if after_fold is None:
        # A threshold is tuned for each fold, by fits on the folds of its rows, and once for all.
        each = knobs.cross_validation
        fits = each * (each + 2) if isinstance(knobs.threshold, Tune) else each
        duration.announce(model, table.inputs, table.target, each, fits)
    values: dict[str, list[float]] = {}
    parts = list(folds(table))
    for learn, score in progress(parts, "cross-validation"):
        candidate, known, held = clone(model), table.take(learn), table.take(score)
        limit = threshold.choose(candidate, known)
        session.fit(candidate, known.inputs, known.target, known.weights)
        threshold.put(candidate, limit)
        predictions = Predictions.of(candidate, held.inputs, held.target, held.weights)
        for name, value in scores(table.params.data.task, predictions).items():
            values.setdefault(name, []).append(value)
        if after_fold:
            after_fold(values)
    # A metric that one fold leaves undefined has no mean over the folds.
    complete = {name: found for name, found in values.items() if len(found) == len(parts)}
    means: dict[str, float] = {}
    for name, found in complete.items():
        means |= {name: fmean(found), f"{name}_std": pstdev(found)}
    return means
