"""The estimator that params.yaml names, and which ones are refused."""

from typing import Any

import pytest
from sklearn.base import is_classifier, is_regressor

from mlrepo.core.errors import ProjectError
from mlrepo.learning.estimator import make_estimator

from .conftest import TinyProject


@pytest.mark.parametrize(
    ("task", "estimator", "arguments"),
    [
        ("classification", "sklearn.linear_model.LogisticRegression", {"C": 0.5}),
        ("classification", "sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 3}),
        ("regression", "sklearn.linear_model.Ridge", {}),
    ],
)
def test_an_estimator_gets_its_arguments_and_the_seed(
    tiny: TinyProject, task: str, estimator: str, arguments: dict[str, Any]
) -> None:
    params = tiny.set({"train.estimator": estimator, "train.arguments": arguments, "train.seed": 7})
    made = make_estimator(params.train, task)  # type: ignore[arg-type]
    assert is_classifier(made) if task == "classification" else is_regressor(made)
    assert made.get_params() | arguments | {"random_state": 7} == made.get_params()


@pytest.mark.parametrize(
    ("estimator", "arguments", "message"),
    [
        ("SVC", {}, "must be a dotted name such as"),
        ("sklearn.smv.SVC", {}, "'sklearn.smv.SVC' is not there"),
        ("sklearn.svm.SVK", {}, "sklearn.svm has no SVK: did you mean 'SV"),
        ("sklearn.svm.l1_min_c", {}, "is no estimator"),
        ("sklearn.svm.SVR", {}, "is no classification estimator"),
        ("sklearn.svm.SVC", {"gama": 1}, "SVC has no keyword 'gama': did you mean 'gamma'?"),
    ],
)
def test_a_wrong_estimator_is_told(
    tiny: TinyProject, estimator: str, arguments: dict[str, Any], message: str
) -> None:
    params = tiny.set({"train.estimator": estimator, "train.arguments": arguments})
    with pytest.raises(ProjectError) as caught:
        make_estimator(params.train, "classification")
    assert message in str(caught.value)
