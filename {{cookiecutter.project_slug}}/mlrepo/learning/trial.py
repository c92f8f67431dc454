"""Refuse before the fit what could not be kept after it."""

import warnings
from contextlib import suppress
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from mlrepo.core.errors import ProjectError
from mlrepo.learning import model_file, saved_model
from mlrepo.learning.cluster import session
from mlrepo.learning.duration import random_state_kept
from mlrepo.learning.estimator import split_steps
from mlrepo.learning.model_file.canonical import SEARCHES
from mlrepo.learning.training_table import TrainingTable

# What only a fit brings to light is looked for on some rows of a table with many: a fit on few
# costs little in vain.
MANY = 10_000
SOME = 500


def refuse_unkept(model: Any, table: TrainingTable) -> None:
    """Refuse a model, which is not fitted, that a model file could not hold.

    What the owner's own `save` can hold, only that tells.
    """
    if saved_model.kept_by_owner():
        return
    kept = without_search(model)
    try:
        model_file.refuse_unkept(kept)
    except ProjectError as error:
        raise ProjectError(_explain(model, error)) from error
    if table.params.train.batches.rows is not None or session.client() is not None:
        return  # where not all rows are in this process
    if table.inputs.height >= MANY and (fitted := _fit_on_some(kept, table)) is not None:
        model_file.refuse_unkept(fitted)


def without_search(model: Any) -> Any:
    """Return a model whose last step, if it is a search, is what the search is for."""
    steps, estimator = split_steps(model)
    if not (isinstance(model, Pipeline) and f"{type(estimator).__module__}.".startswith(SEARCHES)):
        return model
    return Pipeline([*steps.steps, (model.steps[-1][0], estimator.estimator)])


def _fit_on_some(model: Any, table: TrainingTable) -> Any:
    """Return a fitted clone; None if some rows are too few for it, as without a rare class."""
    step = table.inputs.height // SOME
    some, known = table.inputs.gather_every(step), table.target[::step]
    with suppress(Exception), random_state_kept(), warnings.catch_warnings(action="ignore"):
        return clone(model).fit(some, known)
    return None


def _explain(model: Any, error: ProjectError) -> str:
    """Return what is wrong with the innermost part that a model file could not hold."""
    parts = model.get_params() if hasattr(model, "get_params") else {}
    for path in sorted(parts, key=lambda each: each.count("__"), reverse=True):
        if isinstance(parts[path], BaseEstimator):
            try:
                model_file.refuse_unkept(parts[path])
            except ProjectError as inner:
                return f"{_key(path)}: {inner}"
    return str(error)


def _key(path: str) -> str:
    """Return where a part of the Pipeline is from."""
    step, _, inner = path.partition("__")
    if step != "estimator":
        return f"{path.replace('__', '.')} of `build` in model.py"
    return f"train.arguments.{inner.replace('__', '.')}" if inner else "train.estimator"
