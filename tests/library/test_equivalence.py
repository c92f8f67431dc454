"""What is told of two models that differ."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlrepo.learning import model_file
from mlrepo.scoring.equivalence import compare, differences

from .conftest import TinyProject

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
        (np.array([1, 2]), np.array(["a", "b"]), "model: values of int64 and of <U1"),
    ],
)
def test_a_difference_is_named(a: Any, b: Any, told: str) -> None:
    [said] = differences(a, b)
    assert said.startswith(told)


def test_nan_is_as_good_as_nan() -> None:
    assert list(differences([float("nan")], [float("nan")])) == []


@pytest.mark.parametrize(
    ("before", "columns", "told"),
    [
        (LogisticRegression(), ["a"], {"labels_equal": True, "largest_difference": 0.0}),
        (LogisticRegression(C=0.01), ["b", "a"], {"labels_equal": True}),
        (RidgeClassifier(), ["a", "b"], {"parts": ["model: RidgeClassifier and Logistic"]}),
        (LogisticRegression(), ["a", "c"], {"why": "one of the models cannot be used here: the "}),
    ],
)
def test_models_of_other_columns_and_kinds_are_compared(
    tiny: TinyProject, before: Any, columns: list[str], told: dict[str, Any]
) -> None:
    table = pl.DataFrame({"a": ROWS[:100, 2], "b": ROWS[:100, 3], "c": ROWS[:100, 0]})
    table.drop("c").write_parquet("rows.parquet")
    files = [Path("before.skops"), Path("after.skops")]
    fits = before, columns
    for path, (model, names) in zip(files, (fits, (LogisticRegression(), ["a"])), strict=True):
        model_file.save(clone(model).fit(table.select(names), LABELS[:100]), path)
    found = compare(files[0], files[1], Path("rows.parquet"))
    assert found["agrees"] == (columns == ["a"])
    for key, value in told.items():
        assert str(found[key]).startswith(str(value).rstrip("']"))
