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

from .errors import ProjectError

_PACKAGE: Final = __name__.rpartition(".")[0]
# The only module of the project whose functions a model may hold (in a FunctionTransformer, say).
# A file that could name any function could have any of them called on data.
_FUNCTIONS: Final = f"{_PACKAGE}.model"


def _names(module: str, *names: str) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for name in names)


# All of these hold data and run nothing while they are built. Trees, predictors and boosters are
# read without a check of the indices inside, so a crafted one can crash a prediction: that is why
# `persist.load` compares the SHA-256 first.
TRUSTED: Final = frozenset().union(
    _names("builtins", "frozenset"),
    _names("collections", "OrderedDict"),
    _names("numpy", "dtype", "mean", "median"),
    {f"numpy.{name}" for name, value in vars(numpy).items() if isinstance(value, numpy.ufunc)},
    {
        f"scipy.special.{name}"
        for name, value in vars(scipy.special).items()
        if isinstance(value, numpy.ufunc)
    },
    _names("scipy.sparse._csr", "csr_matrix", "csr_array"),
    _names("scipy.sparse._csc", "csc_matrix", "csc_array"),
    # Splines: SplineTransformer
    _names("scipy.interpolate._bsplines", "BSpline"),
    _names("scipy._lib.array_api_compat.numpy._aliases", "asarray"),
    # Trees
    _names("sklearn.tree._tree", "Tree"),
    _names("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"),
    # Losses that skops does not list: TweedieRegressor
    _names("sklearn._loss.loss", "HalfTweedieLoss", "HalfTweedieLossIdentity"),
    # Neighbours
    _names("sklearn.neighbors._kd_tree", "KDTree"),
    _names("sklearn.neighbors._ball_tree", "BallTree"),
    _names(
        "sklearn.metrics._dist_metrics",
        "BrayCurtisDistance64",
        "CanberraDistance64",
        "ChebyshevDistance64",
        "EuclideanDistance64",
        "HammingDistance64",
        "ManhattanDistance64",
        "MinkowskiDistance64",
    ),
    # Gaussian processes
    _names(
        "sklearn.gaussian_process.kernels",
        "CompoundKernel",
        "ConstantKernel",
        "DotProduct",
        "Exponentiation",
        "ExpSineSquared",
        "Matern",
        "PairwiseKernel",
        "Product",
        "RationalQuadratic",
        "RBF",
        "Sum",
        "WhiteKernel",
    ),
    _names("sklearn.gaussian_process._gpc", "_BinaryGaussianProcessClassifierLaplace"),
    # Parts of other estimators
    _names("sklearn.neural_network._stochastic_optimizers", "AdamOptimizer", "SGDOptimizer"),
    _names(
        "sklearn.calibration",
        "_CalibratedClassifier",
        "_SigmoidCalibration",
        "_TemperatureScaling",
    ),
    _names("sklearn.multiclass", "_ConstantPredictor"),
    _names("sklearn.utils._bunch", "Bunch"),
    _names("sklearn.impute._iterative", "IterativeImputer", "_ImputerTriplet"),
    _names("sklearn.feature_selection._univariate_selection", "chi2", "f_classif", "f_regression"),
    _names("sklearn.feature_selection._mutual_info", "mutual_info_classif"),
    _names("sklearn.feature_selection._mutual_info", "mutual_info_regression"),
    # Decision thresholds: TunedThresholdClassifierCV
    _names("sklearn.metrics._scorer", "_CurveScorer", "_PassthroughScorer", "_Scorer"),
    _names("sklearn.utils._metadata_requests", "MetadataRequest", "MethodMetadataRequest"),
    _names(
        "sklearn.metrics._classification",
        "accuracy_score",
        "balanced_accuracy_score",
        "f1_score",
        "jaccard_score",
        "matthews_corrcoef",
        "precision_score",
        "recall_score",
    ),
    # Other libraries
    _names("xgboost.core", "Booster"),
    _names("xgboost.sklearn", "XGBClassifier", "XGBRegressor"),
    _names("xgboost.sklearn", "XGBRFClassifier", "XGBRFRegressor"),
    _names("lightgbm.basic", "Booster"),
    _names("lightgbm.sklearn", "LGBMClassifier", "LGBMRegressor"),
)


def trusted_types(schema: Any) -> list[str]:
    """Return those types of a skops file's ``schema.json`` that are trusted beyond skops' own.

    They are ``TRUSTED`` and what the project's own package defines: classes anywhere in it, and
    functions in ``model.py``. Only what the file names is returned, as skops' audit slows down
    with the length of the list.

    Raises:
        ProjectError: if the file names anything else of the project's own package.
    """
    trusted = set()
    for loader, module, name in set(_types(schema)):
        full = f"{module}.{name}"
        if full in TRUSTED:
            trusted.add(full)
        elif module == _PACKAGE or module.startswith(f"{_PACKAGE}."):
            if not _is_own(loader, module, name):
                raise ProjectError(
                    f"{full} cannot be in a model file: of this project a model may hold objects "
                    f"of its classes, and functions defined by name in {_FUNCTIONS}"
                )
            trusted.add(full)
    return sorted(trusted)


def _types(value: Any) -> Iterator[tuple[str, str, str]]:
    """Yield loader, module and name of every node in a schema."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
            loader, module, name = map(item.get, ("__loader__", "__module__", "__class__"))
            if isinstance(loader, str) and isinstance(module, str) and isinstance(name, str):
                yield loader, module, name


def _is_own(loader: str, module: str, name: str) -> bool:
    """Whether skops may build this from the project's package.

    A module also holds what it imports (`subprocess.run`, say), so where a thing is defined
    counts. skops calls classes with values from the file under other loaders than ObjectNode.
    """
    if any(part.startswith("__") for part in module.split(".")):
        return False
    found = getattr(import_module(module), name, None)
    if getattr(found, "__module__", None) != module:
        return False
    if loader == "FunctionNode":
        return inspect.isfunction(found) and module == _FUNCTIONS
    return loader == "ObjectNode" and inspect.isclass(found)
