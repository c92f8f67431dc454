"""Make the estimator that params.yaml names, and find it in a model."""

import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.pipeline import Pipeline

from mlrepo.core import owner, prepared
from mlrepo.core.errors import ProjectError, did_you_mean
from mlrepo.core.params import Task, Train
from mlrepo.core.paths import TRAIN

# What xgboost learns on several workers is a plain estimator of the same name without this.
DISTRIBUTED = "xgboost.dask.Dask"


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
        raise ProjectError(
            f"{type(estimator).__name__} cannot be fitted: {prepared.what_it_says(error, TRAIN)}\n"
            "  See train.arguments and train.preprocessing in params.yaml."
        ) from error


def refuse_weights(fit: Callable[..., Any], estimator: Any) -> None:
    """Refuse an estimator that cannot learn from weighted rows, by what its ``fit`` takes."""
    if "sample_weight" not in inspect.signature(fit).parameters:
        raise ProjectError(
            f"the {fit.__name__} of {type(estimator).__name__} names no sample_weight, and "
            "data.weight in params.yaml a column: set it to null, or choose another train.estimator"
        )


def make_estimator(train: Train, task: Task) -> BaseEstimator:
    """Return the unfitted estimator with its arguments and seed.

    The argument `estimator`, of a search or an ensemble, may be the dotted name of a class.
    """
    cls, arguments = _find_class(train.estimator), train.arguments
    if train.estimator.startswith(DISTRIBUTED):  # boosting/cluster.py reads their number
        arguments = {key: value for key, value in arguments.items() if key != "workers"}
    parameters = inspect.signature(cls.__init__).parameters
    known = [name for name in parameters if name != "self"]
    takes_any = any(it.kind is inspect.Parameter.VAR_KEYWORD for it in parameters.values())
    for keyword in arguments:
        if keyword not in known and not takes_any:
            hint = did_you_mean(keyword, known, f": it takes {', '.join(known)}")
            says = f"{cls.__name__} has no keyword '{keyword}'{hint}"
            raise ProjectError(f"train.arguments in params.yaml: {says}")
    try:
        estimator = cls(**_with_inner(train, arguments))
    except (TypeError, ValueError) as error:
        raise ProjectError(f"train.arguments: {cls.__name__} refuses them: {error}") from None
    if not (is_classifier if task == "classification" else is_regressor)(estimator):
        raise ProjectError(
            f"train.estimator {train.estimator} is no {task} estimator, and data.task is {task}"
        )
    if "random_state" in estimator.get_params() and "random_state" not in train.arguments:
        estimator.set_params(random_state=train.seed)
    return estimator


def _with_inner(train: Train, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with an inner estimator, which has the defaults of its class, made."""
    name = arguments.get("estimator")
    if not isinstance(name, str):
        return arguments
    package, allowed = name.partition(".")[0], {train.estimator.partition(".")[0], "sklearn"}
    if package not in allowed | {owner.name()}:
        # env.json holds the package of train.estimator: an upgrade of this one would go unnoticed.
        raise ProjectError(
            f"train.arguments.estimator in params.yaml is of {package}, and DVC would not notice "
            "another version of it: derive a class from it in model.py and name that one"
        )
    inner = _find_class(name)()
    if "random_state" in inner.get_params():
        inner.set_params(random_state=train.seed)
    return {**arguments, "estimator": inner}


def _find_class(name: str) -> type[BaseEstimator]:
    where = f"train.estimator in params.yaml: '{name}'"
    module_name, _, class_name = name.replace(DISTRIBUTED, "xgboost.").rpartition(".")
    if not module_name:
        raise ProjectError(f"{where} must be a dotted name such as sklearn.svm.SVC")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ProjectError(f"{where} is not there ({error}): check the name") from None
    if class_name.startswith("Halving"):  # scikit-learn's experiments have to be switched on
        importlib.import_module("sklearn.experimental.enable_halving_search_cv")
    cls = getattr(module, class_name, None)
    if cls is None:
        hint = did_you_mean(class_name, dir(module))
        raise ProjectError(f"{where}: {module_name} has no {class_name}{hint}")
    if not (inspect.isclass(cls) and hasattr(cls, "fit") and hasattr(cls, "predict")):
        raise ProjectError(f"{where} is no estimator: it needs the methods fit and predict")
    return cls
