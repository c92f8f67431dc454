"""Which columns a model sees, and which estimators and arguments are refused."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import is_classifier, is_regressor

from {{ cookiecutter.__package_name }} import features
from {{ cookiecutter.__package_name }}.errors import ProjectError
from {{ cookiecutter.__package_name }}.estimator import make_estimator
from {{ cookiecutter.__package_name }}.params import Params, load_params

from .conftest import TinyProject, tiny_table


def choose(params: Params) -> list[str]:
    return features.choose(tiny_table().schema, params).names


def test_features_are_all_columns_but_target_id_dates_and_excluded(tiny: TinyProject) -> None:
    assert choose(load_params()) == ["size", "weight", "colour"]


def test_included_columns_are_the_only_features(tiny: TinyProject) -> None:
    include = {"include": ["colour", "herd"], "exclude": ["herd"]}
    assert choose(tiny.set({"data.features": include})) == ["colour"]


def test_the_column_that_splits_is_no_feature(tiny: TinyProject) -> None:
    split = {"method": "group", "test_size": 0.3, "seed": 0, "column": "herd"}
    assert "herd" not in choose(tiny.set({"prepare.split": split, "data.features.exclude": []}))


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"include": ["sise"], "exclude": []}, "include in params.yaml names 'sise'"),
        ({"include": [], "exclude": ["sise"]}, "exclude in params.yaml names 'sise'"),
        ({"include": ["seen"], "exclude": []}, "'seen' is a date"),
        ({"include": ["size"], "exclude": ["size"]}, "no feature is left"),
    ],
)
def test_a_wrong_choice_of_features_is_told(
    tiny: TinyProject, chosen: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProjectError, match=message):
        choose(tiny.set({"data.features": chosen}))


def test_a_feature_without_values_is_refused(tiny: TinyProject) -> None:
    table = tiny_table().with_columns(size=pl.lit(None, pl.Float64))
    chosen = features.choose(table.schema, load_params())
    with pytest.raises(ProjectError, match="'size' has no value"):
        features.refuse_all_missing(table, chosen)


def test_the_target_of_a_regression_is_a_float(tiny: TinyProject) -> None:
    params = tiny.set({"data.task": "regression", "data.target": "id", "data.id": []})
    assert features.target(tiny_table(), params.data).dtype == np.float64


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
