"""Estimators inside another one that are refused, by their key in params.yaml and before a fit."""

from typing import Any

import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import TRAIN
from mlrepo.learning import trial
from mlrepo.learning.estimator import make_estimator, refuse_weights
from mlrepo.learning.training_table import TrainingTable
from penguins import model as architecture
from penguins import prepare, train

from .conftest import TinyProject
from .test_nested_estimators import (
    BOOSTING,
    CALIBRATED,
    FOREST,
    LOG_PRICE,
    LOGISTIC,
    SEARCH,
    VOTING,
    nested,
    told,
)

FORK = {"estimators": [["forest", nested(FOREST["estimator"], max_dept=3)], ["linear", LOGISTIC]]}
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a keyword at depth": (
        CALIBRATED,
        {"estimator": nested(VOTING, **FORK)},
        r"train\.arguments\.estimator\.arguments\.estimators\.forest\.arguments\.max_dept in params"
        r"\.yaml: RandomForestClassifier has no keyword 'max_dept': did you mean 'max_depth'\?",
    ),
    "a class that is not there": (
        CALIBRATED,
        {"estimator": "sklearn.svm.SVK"},
        r"train\.arguments\.estimator in params\.yaml: .*sklearn\.svm has no SVK: did you mean 'SV",
    ),
    "a package that is not there": (
        CALIBRATED,
        {"estimator": "catboost.CatBoostClassifier"},
        r"train\.arguments\.estimator .*'catboost.* is not there .*add its package by `uv add`",
    ),
    "a word": (
        CALIBRATED,
        {"estimator": "SVC"},
        r"'SVC' must be a dotted name such as sklearn\.svm\.SVC",
    ),
    "what is no class": (CALIBRATED, {"estimator": "sklearn.svm.l1_min_c"}, "is no estimator"),
    "a misspelt key": (
        CALIBRATED,
        {"estimator": {"estimator": LOGISTIC, "argumets": {"C": 1}}},
        r"train\.arguments\.estimator\.argumets .* no keyword 'argumets': did you mean 'arguments'",
    ),
    "no name": (
        CALIBRATED,
        {"estimator": {"arguments": {"C": 1}}},
        r"train\.arguments\.estimator in params\.yaml lacks the key 'estimator'",
    ),
    "no arguments": (
        CALIBRATED,
        {"estimator": {"estimator": LOGISTIC, "arguments": 3}},
        r"train\.arguments\.estimator\.arguments in params\.yaml must be a mapping",
    ),
    "no pairs": (
        VOTING,
        {"estimators": [LOGISTIC]},
        r"train\.arguments\.estimators .* a list of \[name, estimator\], such as \[linear,",
    ),
    "a function that could do anything": (
        LOG_PRICE,
        {"func": "os.system", "inverse_func": "numpy.expm1"},
        r"train\.arguments\.func in params\.yaml: 'os\.system' is no function of one array: name",
    ),
    "a misspelt function": (
        LOG_PRICE,
        {"func": "numpy.log1", "inverse_func": "numpy.expm1"},
        r"'numpy\.log1' is no function of one array: did you mean 'log1p'\?",
    ),
    "what a search tries": (
        SEARCH,
        {"estimator": LOGISTIC, "param_grid": [{"C": [1.0]}, {"max_itr": [9]}]},
        r"train\.arguments\.param_grid in params\.yaml: LogisticRegression has no 'max_itr': did",
    ),
    "a search inside": (
        CALIBRATED,
        {"estimator": nested(SEARCH, estimator=LOGISTIC, param_grid={"C": [1.0, 2.0]})},
        r"train\.arguments\.estimator: GridSearchCV keeps the times .* make it the last step",
    ),
    "a category of another name": (
        BOOSTING,
        {"categorical_features": ["color"]},
        r"train\.arguments\.categorical_features .*'color' is no feature: did you mean 'colour'\?",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_made_or_kept_is_refused_before_a_fit(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    estimator, arguments, says = REFUSED[case]
    params = told(tiny, estimator, arguments)
    prepare.main(params)
    monkeypatch.setattr(Pipeline, "fit", lambda *_, **__: pytest.fail("it was fitted"))
    with pytest.raises(ProjectError, match=says):
        train.main(params)


def test_a_search_without_a_fit_that_succeeds_shows_no_traceback(tiny: TinyProject) -> None:
    tree = "sklearn.tree.DecisionTreeClassifier"
    params = told(tiny, SEARCH, {"estimator": tree, "param_grid": {"max_depth": ["deep"]}})
    prepare.main(params)
    says = r"^GridSearchCV cannot be fitted: no fit of it succeeds: The 'max_depth' .*\n  See train"
    with pytest.raises(ProjectError, match=says):
        train.main(params)


def test_names_of_categories_need_columns_that_stay(tiny: TinyProject) -> None:
    told(tiny, BOOSTING, {"categorical_features": "from_dtype"})
    params = tiny.set({"train.preprocessing.categories.encode": "onehot"})
    prepare.main(params)
    with pytest.raises(ProjectError, match=r"set train\.preprocessing\.categories\.encode to ord"):
        train.main(params)
    # An owner's model.py of before.
    params = tiny.set({"train.preprocessing.categories.encode": "ordinal"})
    with pytest.raises(ProjectError, match=r"make_estimator\(params\.train, params\.data\.task, f"):
        make_estimator(params.train, "classification")


def test_a_part_of_model_py_that_cannot_be_kept_is_named(tiny: TinyProject) -> None:
    params = tiny.set({})
    prepare.main(params)
    table = TrainingTable(TRAIN, params)
    model = architecture.build(params, table.features)
    model.steps.insert(1, ("own", Foreign()))
    with pytest.raises(ProjectError, match=r"^own of `build` in model\.py: Foreign cannot be kept"):
        trial.refuse_unkept(model, table)


class Foreign(StandardScaler):  # type: ignore[misc]
    """A class of no module that a model file may name."""


def test_what_only_a_fit_shows_is_looked_for_on_some_rows_of_many(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = tiny.set({})
    prepare.main(params)
    table = TrainingTable(TRAIN, params)
    model = architecture.build(params, table.features)
    model.steps.insert(1, ("own", Lazy()))
    monkeypatch.setattr(Lazy, "__module__", architecture.__name__)
    monkeypatch.setattr(architecture, "Lazy", Lazy, raising=False)
    trial.refuse_unkept(model, table)
    monkeypatch.setattr(trial, "MANY", 40)
    monkeypatch.setattr(trial, "SOME", 20)
    with pytest.raises(ProjectError, match=r"Lazy.* cannot be .*lambda"):
        trial.refuse_unkept(model, table)


class Lazy(StandardScaler):  # type: ignore[misc]
    """What it remembers of its fit no file can hold."""

    def fit(self, inputs: Any, target: Any = None, sample_weight: Any = None) -> "Lazy":
        self.later_ = lambda: inputs
        super().fit(inputs)
        return self


@pytest.mark.parametrize(
    "outer",
    [
        CalibratedClassifierCV(KNeighborsClassifier()),
        TransformedTargetRegressor(KNeighborsClassifier()),
        VotingClassifier([("a", GaussianNB()), ("b", KNeighborsClassifier())]),
        StackingClassifier([("a", GaussianNB())], KNeighborsClassifier()),
        CalibratedClassifierCV(VotingClassifier([("b", KNeighborsClassifier())])),
    ],
    ids=lambda outer: type(outer).__name__,
)
def test_what_is_inside_and_takes_no_weights_is_refused(outer: Any) -> None:
    with pytest.raises(ProjectError, match="the fit of KNeighborsClassifier names no sample_w"):
        refuse_weights(outer.fit, outer)
