"""Make the estimator that params.yaml names, and find it in a model."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.pipeline import Pipeline

from mlrepo.core import prepared
from mlrepo.core.environment import DISTRIBUTED
from mlrepo.core.errors import ArgumentsError, ProjectError
from mlrepo.core.params import Task, Train
from mlrepo.core.paths import TRAIN
from mlrepo.learning.arguments import Maker, find_class
from mlrepo.learning.features import Features

# Their `fit` names no sample_weight, and gives it to that of what is inside.
_HAND_WEIGHTS_ON = (
    TransformedTargetRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)


def split_steps(model: Any) -> tuple[Pipeline, Any]:
    """Return the preprocessing of a model and its estimator: its own objects, no copies.

    The preprocessing of an estimator that stands alone hands rows on as they are.
    """
    steps = model.steps if isinstance(model, Pipeline) else [("estimator", model)]
    return Pipeline(steps[:-1] or [("none", "passthrough")]), steps[-1][1]


@contextmanager
def explained(estimator: Any) -> Iterator[None]:
    """Say in the estimator's own words that it refuses its arguments or the data of the block."""
    try:
        yield
    except (TypeError, ValueError) as error:
        says = prepared.what_it_says(error, TRAIN).strip()
        if "Traceback (most" in says:  # a search tells those of all its fits
            says = f"no fit of it succeeds: {says.splitlines()[-1].partition(': ')[2]}"
        raise ProjectError(
            f"{type(estimator).__name__} cannot be fitted: {says}\n  See train.arguments and "
            "train.preprocessing in params.yaml."
        ) from error


def refuse_weights(fit: Callable[..., Any], estimator: Any) -> None:
    """Refuse an estimator that cannot learn from weighted rows, by what its ``fit`` takes."""
    hands_on = isinstance(estimator, _HAND_WEIGHTS_ON)
    if not hands_on and "sample_weight" not in inspect.signature(fit).parameters:
        raise ProjectError(
            f"the {fit.__name__} of {type(estimator).__name__} names no sample_weight, and "
            "data.weight in params.yaml a column: set it to null, or choose another train.estimator"
        )
    # A calibration would only warn, and fit what is inside without them.
    if hands_on or isinstance(estimator, CalibratedClassifierCV):
        for name, part in estimator.get_params().items():
            if "__" not in name and name != "transformer" and hasattr(part, "fit"):
                refuse_weights(part.fit, part)


def make_estimator(train: Train, task: Task, features: Features | None = None) -> BaseEstimator:
    """Return the unfitted estimator with its arguments and seed, and those inside it with theirs.

    ``features`` is what it sees, one column each, where categories are encoded as ordinal: by
    their names `categorical_features` finds its columns.
    """
    arguments = train.arguments
    if train.estimator.startswith(DISTRIBUTED):  # boosting/cluster.py reads their number
        arguments = {key: value for key, value in arguments.items() if key != "workers"}
    if not hasattr(find_class(train.estimator, "train.estimator"), "predict"):
        raise ArgumentsError(
            f"train.estimator {train.estimator} is no estimator: it predicts nothing"
        )
    maker = Maker(train.seed, train.preprocessing.categories.encode, features)
    estimator = maker.make(train.estimator, arguments, "train.estimator", "train.arguments")
    if not (is_classifier if task == "classification" else is_regressor)(estimator):
        raise ArgumentsError(
            f"train.estimator {train.estimator} is no {task} estimator, and data.task is {task}"
        )
    return cast(BaseEstimator, estimator)
