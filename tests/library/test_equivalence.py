"""What is told of two models that differ."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlrepo.scoring.equivalence import differences

ROWS, LABELS = load_iris(return_X_y=True)

ESTIMATORS: list[Any] = [
    HistGradientBoostingClassifier(max_iter=3, random_state=1),
    LogisticRegression(C=0.5),
    MLPClassifier((4,), max_iter=5, random_state=1),
    RandomForestClassifier(3, random_state=1),
    make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=1)),
    # Holds a class (its dtype), which is no object with a state.
    make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()),
]


@pytest.mark.filterwarnings("ignore")  # of a fit that is short on purpose
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: str(e).split("(")[0])
def test_two_fits_on_the_same_rows_differ_in_nothing_and_on_others_they_do(estimator: Any) -> None:
    one, same, other = (
        clone(estimator).fit(ROWS[rows], LABELS[rows])
        for rows in (slice(None), slice(None), slice(0, None, 2))
    )
    assert list(differences(one, same)) == []
    assert list(differences(one, other)) != []


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        ([1.5], [2.5], "model[0]: 1.5 and 2.5"),
        ({"a": "x"}, {"a": "y"}, "model.a: 'x' and 'y'"),
        ({"a": 1}, {"a": None}, "model.a: int and NoneType"),
        ([1], [1, 2], "model: lengths 1 and 2"),
        ([np.float64], [np.float32], "model[0]: <class 'numpy.float64'> and"),
        (np.int64(1), np.int64(2), "model: np.int64(1) and np.int64(2)"),
        (np.array([1.0, 2.0]), np.array([1.0, 2.5]), "model: largest difference 0.5 in 2 numbers"),
        (np.zeros(2), np.zeros(3), "model: shapes (2,) and (3,)"),
        (np.array(["a", "b"]), np.array(["a", "c"]), "model: 1 of 2 values"),
    ],
)
def test_a_difference_is_named(a: Any, b: Any, told: str) -> None:
    [said] = differences(a, b)
    assert said.startswith(told)


def test_nan_is_as_good_as_nan() -> None:
    assert list(differences([float("nan")], [float("nan")])) == []
