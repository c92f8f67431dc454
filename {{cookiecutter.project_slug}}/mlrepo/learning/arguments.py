"""Make what params.yaml names, with the estimators and functions that its arguments name.

An argument that takes an estimator is a dotted name, or a mapping like `train` itself:

    estimator: sklearn.compose.TransformedTargetRegressor
    arguments:
      regressor:
        estimator: sklearn.ensemble.RandomForestRegressor
        arguments: {n_estimators: 300}
      func: numpy.log1p
      inverse_func: numpy.expm1
"""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from mlrepo.core import environment, owner, paths
from mlrepo.core.environment import DISTRIBUTED
from mlrepo.core.errors import ArgumentsError, ProjectError, did_you_mean
from mlrepo.core.files import read_json
from mlrepo.learning.features import Features

# scikit-learn's arguments that take an estimator, pairs of a name and an estimator, or a function.
_ESTIMATOR = frozenset(
    {"base_estimator", "classifier", "estimator", "final_estimator", "regressor", "transformer"}
)
_PAIRS = frozenset({"estimators", "steps", "transformer_list"})
_FUNCTION = frozenset({"func", "inverse_func"})
_INSTEAD = frozenset({"drop", "passthrough"})  # of an estimator
_GRIDS = ("param_grid", "param_distributions")


@dataclass(frozen=True)
class Maker:
    """What all that is made shares.

    Attributes:
        seed: random_state of each estimator whose arguments name none.
        encode: how categories are encoded before an estimator sees them.
        features: what it sees where that is ordinal, in this order; None: unknown.
    """

    seed: int
    encode: str
    features: Features | None

    def make(self, name: str, arguments: dict[str, Any], where: str, at: str) -> Any:
        """Return an object of the class ``name``; it and its arguments are at keys of params."""
        cls = find_class(name, where)
        parameters = inspect.signature(cls.__init__).parameters
        if not any(it.kind is inspect.Parameter.VAR_KEYWORD for it in parameters.values()):
            known = [key for key in parameters if key != "self"]
            _refuse_unknown(arguments, known, cls.__name__, at)
        given = {key: self._value(key, value, f"{at}.{key}") for key, value in arguments.items()}
        if "categorical_features" in given:
            key = f"{at}.categorical_features"
            given["categorical_features"] = self._places(given["categorical_features"], key)
        # A splitter refuses a seed where it shuffles nothing.
        shuffles = given.get("shuffle", "shuffle" not in parameters)
        if hasattr(cls, "split") and "random_state" in parameters and shuffles:
            given = {"random_state": self.seed, **given}
        try:
            made = cls(**given)
        except (TypeError, ValueError) as error:
            raise ArgumentsError(f"{at}: {cls.__name__} refuses them: {error}") from None
        if hasattr(made, "get_params"):
            if "random_state" in made.get_params(deep=False) and "random_state" not in given:
                made.set_params(random_state=self.seed)
            _refuse_unknown_in_grids(made, at)
            _refuse_wrong(made, at)
        return made

    def _value(self, key: str, value: Any, at: str) -> Any:
        """Return an argument with what it names made, at any depth."""
        if isinstance(value, dict) and isinstance(value.get("estimator"), str):
            _refuse_unknown(value, ["estimator", "arguments"], "an estimator", at)
            arguments = value.get("arguments") or {}
            if not isinstance(arguments, dict):
                raise ArgumentsError(f"{at}.arguments in params.yaml must be a mapping")
            return self._inner(value["estimator"], arguments, f"{at}.estimator", f"{at}.arguments")
        if key in _ESTIMATOR and isinstance(value, str) and value not in _INSTEAD:
            return self._inner(value, {}, at, at)
        if key in _ESTIMATOR and isinstance(value, dict):
            raise ArgumentsError(f"{at} in params.yaml lacks the key 'estimator', a dotted name")
        if key in _PAIRS and isinstance(value, list):
            return [self._pair(pair, at) for pair in value]
        if key in _FUNCTION and isinstance(value, str):
            return _function(value, at)
        if isinstance(value, dict):
            return {each: self._value("", it, f"{at}.{each}") for each, it in value.items()}
        return [self._value("", it, at) for it in value] if isinstance(value, list) else value

    def _pair(self, pair: Any, at: str) -> tuple[str, Any]:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            says = "a list of [name, estimator], such as [linear, sklearn.linear_model.Ridge]"
            raise ArgumentsError(f"{at} in params.yaml must be {says}, and one is {pair!r}")
        return pair[0], self._value("estimator", pair[1], f"{at}.{pair[0]}")

    def _inner(self, name: str, arguments: dict[str, Any], where: str, at: str) -> Any:
        _refuse_unpinned(name, where)
        return self.make(name, arguments, where, at)

    def _places(self, named: Any, at: str) -> Any:
        """Return the places of columns in what the estimator sees, for their names."""
        by_name = isinstance(named, list) and any(isinstance(name, str) for name in named)
        if named != "from_dtype" and not by_name:
            return named
        if self.encode != "ordinal":
            raise ProjectError(
                f"{at} in params.yaml needs categories that stay one column each: set "
                "train.preprocessing.categories.encode to ordinal"
            )
        if self.features is None:
            raise ProjectError(
                f"{at} in params.yaml needs to know the columns: in model.py write "
                "make_estimator(params.train, params.data.task, features)"
            )
        # Texts and dates come after these, and are more than one column each.
        names = [*self.features.numbers, *self.features.categories]
        wanted = list(self.features.categories) if named == "from_dtype" else named
        for name in wanted:
            if name not in names:
                hint = did_you_mean(str(name), names, f": they are {', '.join(names)}")
                raise ProjectError(f"{at} in params.yaml: '{name}' is no feature{hint}")
        return [names.index(name) for name in wanted]


def find_class(name: str, where: str) -> Any:
    """Return the class of a dotted name, which is at the key ``where`` of params.yaml."""
    says = f"{where} in params.yaml: '{name}'"
    # What learns on several workers is a plain estimator of the same name without this.
    module_name, _, class_name = name.replace(DISTRIBUTED, "xgboost.").rpartition(".")
    if not module_name:
        raise ArgumentsError(f"{says} must be a dotted name such as sklearn.svm.SVC")
    try:
        module = import_module(module_name)
    except (ModuleNotFoundError, TypeError) as error:  # the latter for a name that begins with ..
        fix = "check the name, or add its package by `uv add`"
        raise ArgumentsError(f"{says} is not there ({error}): {fix}") from None
    if class_name.startswith("Halving"):  # scikit-learn's experiments have to be switched on
        import_module("sklearn.experimental.enable_halving_search_cv")
    cls = getattr(module, class_name, None)
    if cls is None:
        hint = did_you_mean(class_name, dir(module))
        raise ArgumentsError(f"{says}: {module_name} has no {class_name}{hint}")
    # A kernel and a splitter of folds have one of these as well.
    if not (inspect.isclass(cls) and (hasattr(cls, "get_params") or hasattr(cls, "split"))):
        raise ArgumentsError(f"{says} is no estimator: it needs the methods get_params and fit")
    return cls


def _function(name: str, at: str) -> Any:
    """Return a function that a model file may hold: it computes, and can do nothing else."""
    module_name, _, last = name.rpartition(".")
    own = f"{owner.name()}.model"
    known: dict[str, Any] = {}
    if module_name in ("numpy", "scipy.special"):
        known = dict(_universal(import_module(module_name)))
    elif module_name == own:
        written = inspect.getmembers(import_module(own), inspect.isfunction)
        known = {name: it for name, it in written if it.__module__ == own}
    if last not in known:
        otherwise = f": name one of numpy or scipy.special, as numpy.log1p, or of {own}"
        hint = did_you_mean(last, known, otherwise)
        raise ArgumentsError(f"{at} in params.yaml: '{name}' is no function of one array{hint}")
    return known[last]


def _universal(module: Any) -> Iterator[tuple[str, np.ufunc]]:
    for name, found in vars(module).items():
        if isinstance(found, np.ufunc) and found.nin == 1:
            yield name, found


def _refuse_unpinned(name: str, where: str) -> None:
    """Refuse a package whose version env.json does not have among those that *train* goes by."""
    module = name.partition(".")[0]
    if module in ("sklearn", owner.name()) or not paths.ENVIRONMENT.exists():
        return
    package = environment.distribution(module)
    closures = read_json(paths.ENVIRONMENT).get("closures", {})
    if package not in {**closures, **closures.get("estimator", {})}:
        raise ProjectError(
            f"{where} in params.yaml is of {module}, which is no dependency of this project, so "
            f"that DVC would not notice another version: run `uv add {package}`, then `dvc repro`"
        )


def _refuse_unknown(given: dict[str, Any], known: list[str], whose: str, at: str) -> None:
    for key in given:
        if key not in known:
            hint = did_you_mean(key, known, f": it takes {', '.join(known)}")
            raise ArgumentsError(f"{at}.{key} in params.yaml: {whose} has no keyword '{key}'{hint}")


def _refuse_wrong(made: Any, at: str) -> None:
    """Refuse values that an estimator of scikit-learn refuses at the start of its ``fit``."""
    if hasattr(made, "_parameter_constraints"):
        try:
            made._validate_params()
        except (TypeError, ValueError) as error:
            says = f"{type(made).__name__} cannot be fitted: {error}\n  See {at} in params.yaml."
            raise ArgumentsError(says) from None


def _refuse_unknown_in_grids(search: Any, at: str) -> None:
    """Refuse what a search is to try and its estimator does not have."""
    tried: Any = getattr(search, "estimator", None)
    known = list(tried.get_params()) if hasattr(tried, "get_params") else []
    for key in _GRIDS if known else ():
        grids: Any = getattr(search, key, None)
        for grid in grids if isinstance(grids, list) else [grids]:
            for name in grid if isinstance(grid, dict) else ():
                # A grid may try other estimators, which have other arguments.
                if name not in known and not any(name.startswith(f"{it}__") for it in grid):
                    hint = did_you_mean(name, known, f": it has {', '.join(known)}")
                    says = f"{type(tried).__name__} has no '{name}'{hint}"
                    raise ArgumentsError(f"{at}.{key} in params.yaml: {says}")
