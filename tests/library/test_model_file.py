"""A model comes back from its file as it was, or is refused before anything is written."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import Birch
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from mlrepo.core import files
from mlrepo.core.errors import ProjectError
from mlrepo.learning import model_file
from mlrepo.learning.model_file import trusted_types
from penguins import model as architecture

ESTIMATORS = [
    LogisticRegression(),
    RandomForestClassifier(n_estimators=5, random_state=0),
    HistGradientBoostingClassifier(max_iter=5, random_state=0),
    GradientBoostingClassifier(n_estimators=5, random_state=0),
    DecisionTreeClassifier(random_state=0),
    SVC(),
    KNeighborsClassifier(),
    MLPClassifier(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=500, random_state=0),
    GaussianNB(),
    Ridge(),
]


def table(rows: int = 90) -> pl.DataFrame:
    """Return numbers and texts with holes in both."""
    numbers = range(rows)
    return pl.DataFrame(
        {
            "size": [float(i * 37 % 100) if i % 11 else None for i in numbers],
            "weight of one": [float(i * 17 % 50) for i in numbers],
            "Farbe": [None if i % 13 == 0 else ("röd", "grün", "blue")[i % 3] for i in numbers],
        }
    )


def fitted(estimator: BaseEstimator) -> Pipeline:
    """Return a whole pipeline, fitted on ``table()``."""
    text = make_pipeline(
        SimpleImputer(strategy="most_frequent", missing_values=None),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = [("numbers", numbers, ["size", "weight of one"]), ("text", text, ["Farbe"])]
    truth = np.arange(90) * 37 % 100 > 45
    target = truth.astype(float) if isinstance(estimator, Ridge) else np.where(truth, "yes", "no")
    return make_pipeline(ColumnTransformer(columns), estimator).fit(table(), target)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "models" / "model.skops"


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_a_loaded_model_predicts_the_same_and_is_saved_as_the_same_bytes(
    estimator: BaseEstimator, path: Path
) -> None:
    model = fitted(estimator)
    digest = model_file.save(model, path)
    loaded = model_file.load(path)
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            expected = getattr(model, method)(table())
            assert np.array_equal(getattr(loaded, method)(table()), expected)
    # Predicting leaves traces in some estimators, such as the counters of a neighbour tree.
    assert model_file.save(loaded, path) == digest
    assert model_file.save(model, path) == digest


@pytest.mark.parametrize(
    "estimator",
    [
        LGBMClassifier(n_estimators=2, verbose=-1),
        DecisionTreeClassifier(class_weight={False: 1.0, True: 2.0}, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_classes_that_are_true_or_false_stay_so_as_keys(
    estimator: BaseEstimator, path: Path
) -> None:
    truth = np.arange(90) * 37 % 100 > 45
    model = estimator.fit(np.column_stack([truth, np.arange(90)]), truth)
    model_file.save(model, path)
    loaded = model_file.load(path)
    for name in ("_class_map", "class_weight"):
        assert getattr(loaded, name, None) == getattr(model, name, None)
    assert loaded.predict([[0, 1], [1, 2]]).tolist() == [False, True]


def test_sha256_lies_beside_the_model_in_the_format_of_sha256sum(path: Path) -> None:
    digest = model_file.save(fitted(GaussianNB()), path)
    assert digest == files.sha256(path)
    sidecar = path.with_name("model.skops.sha256")
    assert sidecar.read_bytes() == f"{digest}  model.skops\n".encode()
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, sidecar.name]


def test_saving_changes_nothing_in_the_model(path: Path) -> None:
    model = fitted(KNeighborsClassifier(n_jobs=2))
    model_file.save(model, path)
    assert model[-1].n_jobs == 2
    assert model_file.load(path)[-1].n_jobs is None


class FromTheTests(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A class of no module that a model file may name."""

    def fit(self, inputs: Any, target: Any = None) -> "FromTheTests":
        self.fitted_ = True
        return self

    def transform(self, inputs: Any) -> Any:
        return inputs


def _with(**attributes: Any) -> BaseEstimator:
    model = fitted(GaussianNB())
    vars(model[-1]).update(attributes)
    return model


def _cycle() -> BaseEstimator:
    items: list[Any] = []
    items.append(items)
    return _with(items_=items)


UNFIT: dict[str, tuple[Callable[[], BaseEstimator], str]] = {
    "a class from elsewhere": (
        lambda: make_pipeline(FromTheTests(), GaussianNB()),
        r"FromTheTests \+ GaussianNB .*not trusted, \['.*\.FromTheTests'\].*model\.py",
    ),
    "a lambda": (
        lambda: make_pipeline(FunctionTransformer(lambda inputs: inputs), GaussianNB()),
        "not trusted, .*<lambda>",
    ),
    "what skops cannot store": (lambda: make_pipeline(Birch()), "Birch cannot be stored"),
    "a generator": (lambda: _with(rows_=(i for i in range(3))), "cannot be stored.*generator"),
    "a cycle": (_cycle, "GaussianNB cannot be stored.*recursion"),
    "keys that JSON turns into text": (
        lambda: _with(names_={1: "yes", "1": "no"}),
        "GaussianNB cannot be kept: it comes back from its file changed",
    ),
    "a search": (
        lambda: GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}),
        "GridSearchCV keeps the times of its fits.*best_estimator_",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_model_that_cannot_be_kept_is_refused_and_the_old_one_stays(
    case: str, path: Path
) -> None:
    model_file.save(fitted(GaussianNB()), path)
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    make, message = UNFIT[case]
    with pytest.raises(ProjectError, match=message):
        model_file.save(make(), path)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before


def test_an_interrupted_save_leaves_the_old_model(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_file.save(fitted(GaussianNB()), path)
    before = {file: file.read_bytes() for file in path.parent.iterdir()}

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_file, "_digest", full)
    with pytest.raises(ProjectError, match="no space left on the disk while writing"):
        model_file.save(fitted(LogisticRegression()), path)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before


def test_classes_and_functions_of_the_project_can_be_part_of_a_model(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def double(inputs: Any) -> Any:
        return inputs * 2

    # As if both were written in model.py.
    for name, thing in {"FromTheTests": FromTheTests, "double": double}.items():
        monkeypatch.setattr(thing, "__module__", architecture.__name__)
        monkeypatch.setattr(architecture, name, thing, raising=False)
    inputs = table().select("weight of one")
    model = make_pipeline(FromTheTests(), FunctionTransformer(double), LogisticRegression())
    model.fit(inputs, np.arange(90) % 2)
    model_file.save(model, path)
    assert np.array_equal(model_file.load(path).predict_proba(inputs), model.predict_proba(inputs))


def test_a_package_that_is_not_installed_is_no_broken_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, guess = ModuleType("nowhere"), type("Guess", (GaussianNB,), {"__module__": "nowhere"})
    vars(module)["Guess"] = guess
    monkeypatch.setitem(sys.modules, "nowhere", module)
    trusted = trusted_types.trusted_types
    monkeypatch.setattr(trusted_types, "trusted_types", lambda s: [*trusted(s), "nowhere.Guess"])
    model_file.save(fitted(guess()), path)
    monkeypatch.delitem(sys.modules, "nowhere")
    says = r"model\.skops needs nowhere, which is not installed here: `uv sync`"
    with pytest.raises(ProjectError, match=says):
        model_file.load(path)
