"""Which types a model file may name.

skops itself trusts scikit-learn's estimators, plain containers and NumPy arrays. The rest of what
typical pipelines hold is listed here by name, and nothing is trusted because a file asks for it.
"""

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import numpy
import scipy.special

from mlrepo.core import owner
from mlrepo.core.errors import ProjectError

State = dict[str, Any]  # a node of skops' schema.json

_PARTIAL: Final = "functools.partial"

# Module -> names. All of these hold data and run nothing while they are built. Trees, predictors
# and boosters are read without a check of the indices inside, so a crafted one can crash a
# prediction: that is why `model_file.load` compares the SHA-256 first.
_TRUSTED: Final = {
    "builtins": "frozenset",
    "collections": "OrderedDict",
    "numpy": "dtype mean median",
    "scipy.sparse._csr": "csr_matrix csr_array",
    "scipy.sparse._csc": "csc_matrix csc_array",
    # Splines: SplineTransformer
    "scipy.interpolate._bsplines": "BSpline",
    "scipy._lib.array_api_compat.numpy._aliases": "asarray",
    # Trees
    "sklearn.tree._tree": "Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
    # What HistGradientBoosting looks at numbers with, where it has categories as well
    "sklearn.utils.validation": "check_array",
    # Losses that skops does not list: TweedieRegressor
    "sklearn._loss.loss": "HalfTweedieLoss HalfTweedieLossIdentity",
    # Neighbours
    "sklearn.neighbors._kd_tree": "KDTree",
    "sklearn.neighbors._ball_tree": "BallTree",
    "sklearn.metrics._dist_metrics": "BrayCurtisDistance64 CanberraDistance64 ChebyshevDistance64 "
    "EuclideanDistance64 HammingDistance64 ManhattanDistance64 MinkowskiDistance64",
    # Gaussian processes
    "sklearn.gaussian_process.kernels": "CompoundKernel ConstantKernel DotProduct Exponentiation "
    "ExpSineSquared Matern PairwiseKernel Product RationalQuadratic RBF Sum WhiteKernel",
    "sklearn.gaussian_process._gpc": "_BinaryGaussianProcessClassifierLaplace",
    # Parts of other estimators
    "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "sklearn.calibration": "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
    "sklearn.multiclass": "_ConstantPredictor",
    "sklearn.utils._bunch": "Bunch",
    "sklearn.impute._iterative": "IterativeImputer _ImputerTriplet",
    "sklearn.feature_selection._univariate_selection": "chi2 f_classif f_regression",
    "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
    # Decision thresholds: TunedThresholdClassifierCV
    "sklearn.metrics._scorer": "_CurveScorer _PassthroughScorer _Scorer",
    "sklearn.utils._metadata_requests": "MetadataRequest MethodMetadataRequest",
    "sklearn.metrics._classification": "accuracy_score balanced_accuracy_score f1_score "
    "jaccard_score matthews_corrcoef precision_score recall_score",
    # Dates and texts
    "mlrepo.learning.encoders": "DateEncoder TextEncoder",
    # Other libraries
    "xgboost.core": "Booster",
    "xgboost.sklearn": "XGBClassifier XGBRegressor XGBRFClassifier XGBRFRegressor",
    "lightgbm.basic": "Booster",
    "lightgbm.sklearn": "LGBMClassifier LGBMRegressor",
}
# They and the universal functions of NumPy and SciPy, as a FunctionTransformer may hold.
TRUSTED: Final = {
    f"{module}.{name}" for module, names in _TRUSTED.items() for name in names.split()
} | {
    f"{module.__name__}.{name}"
    for module in (numpy, scipy.special)
    for name, value in vars(module).items()
    if isinstance(value, numpy.ufunc)
}


def trusted_types(schema: Any, *, proven: bool = False) -> list[str]:
    """Return those types of a skops file's ``schema.json`` that are trusted beyond skops' own.

    They are ``TRUSTED``, partial where all that it calls is scikit-learn's check_array, and what
    the owner's package defines: classes anywhere in it, and functions in ``model.py``. Only what
    the file names is returned, as skops' audit slows down with the length of the list. In a file
    that is ``proven`` to be one that was loaded before, the package's own are not looked at again.
    """
    trusted, partials = set(), []
    for node in nodes(schema):
        loader, module, name = map(node.get, ("__loader__", "__module__", "__class__"))
        if not (isinstance(loader, str) and isinstance(module, str) and isinstance(name, str)):
            continue
        full = f"{module}.{name}"
        own = full not in TRUSTED and module.partition(".")[0] == owner.name()
        if own and not (proven or _is_own(loader, module, name)):
            raise ProjectError(
                f"{full} cannot be in a model file: of this project a model may hold objects "
                f"of its classes, and functions defined by name in {_functions()}"
            )
        if own or full in TRUSTED:
            trusted.add(full)
        if full == _PARTIAL:
            partials.append(loader == "PartialNode" and _is_check(node["content"]["func"]))
    return sorted(trusted | ({_PARTIAL} if partials and all(partials) else set()))


def _is_check(node: State) -> bool:
    name = tuple(map(node.get, ("__loader__", "__module__", "__class__")))
    return name == ("FunctionNode", "sklearn.utils.validation", "check_array")


def nodes(value: Any) -> Iterator[State]:
    """Yield every node of a schema, and then what is below it, as its user may have changed it."""
    if isinstance(value, dict) and isinstance(value.get("__loader__"), str):
        yield value  # another one is the content of a dict
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from nodes(item)


def _is_own(loader: str, module: str, name: str) -> bool:
    """Whether skops may build this from the owner's package.

    A module also holds what it imports (`subprocess.run`, say), so where a thing is defined
    counts. skops calls classes with values from the file under other loaders than ObjectNode.
    """
    if any(part.startswith("__") for part in module.split(".")):
        return False
    found = getattr(import_module(module), name, None)
    if getattr(found, "__module__", None) != module:
        return False
    if loader == "FunctionNode":
        return inspect.isfunction(found) and module == _functions()
    return loader == "ObjectNode" and inspect.isclass(found)


def _functions() -> str:
    """Return the only module of the owner whose functions a model may hold (in a transformer, say).

    A file that could name any function could have any of them called on data.
    """
    return f"{owner.name()}.model"
