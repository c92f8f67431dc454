"""Estimators that the arguments of another one name, each beside scikit-learn told the same."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mean_absolute_error, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.svm import SVC

from mlrepo.core import yaml
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import CARD, MODEL, TEST, TRAIN
from mlrepo.learning import model_file
from mlrepo.learning.cluster import session
from mlrepo.learning.estimator import make_estimator
from mlrepo.learning.features import Features
from mlrepo.prediction.batches import outcomes
from mlrepo.prediction.predictor import Predictor
from mlrepo.tables.schema import load_schema
from penguins import card, evaluate, prepare, train

from .conftest import PROJECT, TinyProject, tiny_table
from .test_card import ENVIRONMENT

SEED = 3
FOREST: dict[str, Any] = {
    "estimator": "sklearn.ensemble.RandomForestClassifier",
    "arguments": {"n_estimators": 5},
}
LOGISTIC = "sklearn.linear_model.LogisticRegression"
BOOSTING = "sklearn.ensemble.HistGradientBoostingClassifier"
SEARCH = "sklearn.model_selection.GridSearchCV"
VOTING = "sklearn.ensemble.VotingClassifier"
CALIBRATED = "sklearn.calibration.CalibratedClassifierCV"
LOG_PRICE = "sklearn.compose.TransformedTargetRegressor"

# What params.yaml says, and the same by scikit-learn alone.
CASES: dict[str, tuple[str, dict[str, Any], Any]] = {
    "a log price": (
        LOG_PRICE,
        {
            "regressor": {
                "estimator": "sklearn.ensemble.RandomForestRegressor",
                "arguments": {"n_estimators": 5},
            },
            "func": "numpy.log1p",
            "inverse_func": "numpy.expm1",
        },
        TransformedTargetRegressor(
            RandomForestRegressor(5, random_state=SEED), func=np.log1p, inverse_func=np.expm1
        ),
    ),
    "a vote": (
        VOTING,
        {"estimators": [["forest", FOREST], ["linear", LOGISTIC]], "voting": "soft"},
        VotingClassifier(
            [
                ("forest", RandomForestClassifier(5, random_state=SEED)),
                ("linear", LogisticRegression()),
            ],
            voting="soft",
        ),
    ),
    "a stack of three": (
        "sklearn.ensemble.StackingClassifier",
        {
            "estimators": [
                ["naive", "sklearn.naive_bayes.GaussianNB"],
                ["forest", FOREST],
                ["near", {"estimator": "sklearn.neighbors.KNeighborsClassifier"}],
            ],
            "final_estimator": {"estimator": LOGISTIC, "arguments": {"C": 0.5}},
            "cv": 3,
        },
        StackingClassifier(
            [
                ("naive", GaussianNB()),
                ("forest", RandomForestClassifier(5, random_state=SEED)),
                ("near", KNeighborsClassifier()),
            ],
            LogisticRegression(C=0.5),
            cv=3,
        ),
    ),
    "a search": (
        SEARCH,
        {
            "estimator": {
                "estimator": "sklearn.pipeline.Pipeline",
                "arguments": {
                    "steps": [
                        ["scale", "sklearn.preprocessing.StandardScaler"],
                        ["svm", "sklearn.svm.SVC"],
                    ]
                },
            },
            "param_grid": {"svm__C": [0.1, 10.0], "scale": ["passthrough"]},
            "cv": {
                "estimator": "sklearn.model_selection.StratifiedKFold",
                "arguments": {"n_splits": 3, "shuffle": True},
            },
        },
        GridSearchCV(
            Pipeline([("scale", StandardScaler()), ("svm", SVC(random_state=SEED))]),
            {"svm__C": [0.1, 10.0], "scale": ["passthrough"]},
            cv=StratifiedKFold(3, shuffle=True, random_state=SEED),
        ),
    ),
    "a calibration": (
        CALIBRATED,
        {"estimator": "sklearn.naive_bayes.GaussianNB", "cv": 3, "method": "isotonic"},
        CalibratedClassifierCV(GaussianNB(), cv=3, method="isotonic"),
    ),
}


def told(tiny: TinyProject, estimator: str, arguments: dict[str, Any]) -> LibraryParams:
    regression = estimator == LOG_PRICE
    return tiny.set(
        {
            "data.task": "regression" if regression else "classification",
            "data.target": "weight" if regression else "kind",
            "data.features.exclude": ["herd", "kind"] if regression else ["herd"],
            "train.estimator": estimator,
            "train.arguments": arguments,
            "train.seed": SEED,
            "train.preprocessing": {
                "numbers": {"impute": "median", "scale": "none"},
                "categories": {"impute": "own_category", "encode": "ordinal", "max_categories": 50},
                "dates": "none",
                "texts": {},
            },
        }
    )


def by_sklearn(estimator: Any, numbers: list[str], target: str) -> Any:
    """Return a Pipeline of scikit-learn alone, fitted on the train rows by pandas."""
    middle = SimpleImputer(strategy="median")
    columns = make_column_transformer((middle, numbers), (OrdinalEncoder(), ["colour"]))
    rows = frame(pl.read_parquet(TRAIN))
    return make_pipeline(columns, clone(estimator)).fit(rows, rows[target].to_numpy())


def frame(rows: pl.DataFrame) -> pd.DataFrame:
    made = pd.DataFrame(rows.to_dict(as_series=False))
    return made.assign(colour=made["colour"].fillna("(missing)"))


@pytest.mark.parametrize("case", CASES)
def test_it_scores_as_scikit_learn_does_and_is_made_again_byte_for_byte(
    tiny: TinyProject, case: str
) -> None:
    name, arguments, estimator = CASES[case]
    params = told(tiny, name, arguments)
    prepare.main(params)
    train.main(params)
    first = MODEL.read_bytes()
    loaded: Any = model_file.load(MODEL)
    regression = params.data.task == "regression"
    numbers = ["size"] if regression else ["size", "weight"]
    twin = by_sklearn(estimator, numbers, params.data.target)
    test = pl.read_parquet(TEST)
    method = "decision_function" if case == "a search" else "predict_proba"
    method = "predict" if regression else method
    found, wanted = getattr(loaded, method)(test), getattr(twin, method)(frame(test))
    assert np.array_equal(found, wanted)

    evaluate.main(params)
    scores = json.loads(Path("metrics/evaluate.json").read_text(encoding="utf-8"))["test"]
    truth = test[params.data.target].to_numpy()
    if regression:
        assert scores["mae"] == pytest.approx(mean_absolute_error(truth, wanted))
    else:
        ranked = wanted if wanted.ndim == 1 else wanted[:, 1]
        assert scores["roc_auc"] == pytest.approx(roc_auc_score(truth == "small", ranked))
    train.main(params)
    assert MODEL.read_bytes() == first


TABLE = tiny_table(160).with_columns(
    # The middle one of three, which no single step of a number says.
    kind=pl.when((pl.col("colour") == "green") ^ (pl.col("size") > 55))
    .then(pl.lit("big"))
    .otherwise(pl.lit("small"))
)


@pytest.fixture
def colours(tiny: TinyProject) -> TinyProject:
    """A project whose class depends on a category, by itself and with a number."""
    TABLE.write_csv("table.csv")
    tiny.propose()
    return tiny


@pytest.mark.parametrize(("named", "inside"), [("from_dtype", False), (["colour"], True)], ids=str)
def test_boosting_knows_categories_by_name_or_type(
    colours: TinyProject, named: object, inside: bool
) -> None:
    """As scikit-learn does on a table of pandas with the type `category`."""
    arguments = {"categorical_features": named, "max_iter": 8}
    twin: Any = HistGradientBoostingClassifier(max_iter=8, random_state=SEED)
    params = told(colours, BOOSTING, arguments)
    if inside:
        nested = {"estimator": BOOSTING, "arguments": arguments}
        params = told(colours, CALIBRATED, {"estimator": nested, "cv": 3})
        twin = CalibratedClassifierCV(twin, cv=3)
    prepare.main(params)
    train.main(params)
    first = MODEL.read_bytes()
    train.main(params)
    assert MODEL.read_bytes() == first

    rows, test = frame(pl.read_parquet(TRAIN)), frame(pl.read_parquet(TEST))
    middle = rows["size"].median()

    def typed(part: pd.DataFrame) -> pd.DataFrame:
        colour = pd.Categorical(part["colour"], sorted(set(rows["colour"])))
        made = part[["size", "weight"]].assign(colour=colour)
        return made.fillna({"size": middle})

    twin.fit(typed(rows), rows["kind"].to_numpy())
    loaded: Any = model_file.load(MODEL)
    found = loaded.predict_proba(pl.read_parquet(TEST))
    assert np.array_equal(found, twin.predict_proba(typed(test)))
    # Without knowing them it says otherwise.
    train.main(colours.set({"train.arguments": {"max_iter": 8}, "train.estimator": BOOSTING}))
    unknowing: Any = model_file.load(MODEL)
    assert not np.array_equal(found, unknowing.predict_proba(pl.read_parquet(TEST)))


def test_boosting_predicts_alike_for_one_row_and_many(colours: TinyProject) -> None:
    params = told(colours, BOOSTING, {"categorical_features": "from_dtype", "max_iter": 5})
    prepare.main(params)
    train.main(params)
    schema = load_schema(Path("schema.yaml"))
    by = Predictor(model_file.load(MODEL), "v1.0.0", "ab" * 32, params.data, schema, lambda t: t)
    strange = pl.lit("mauve").alias("colour")  # which no train row has
    rows = pl.concat([TABLE.drop("kind"), TABLE.drop("kind").with_columns(strange)])
    many = pl.DataFrame(outcomes(by, rows))
    each = pl.concat(pl.DataFrame(outcomes(by, rows[n])) for n in range(0, rows.height, 20))
    assert many.gather_every(20).equals(each)
    assert many.null_count().sum_horizontal().item() == 0


def nested(name: str, **arguments: Any) -> dict[str, Any]:
    return {"estimator": name, "arguments": arguments}


def test_the_examples_of_the_docs_are_made(tiny: TinyProject) -> None:
    text = (PROJECT / "docs/estimators.md").read_text(encoding="utf-8")
    section = text.partition("\n## An estimator inside another one\n")[2].partition("\n## ")[0]
    made = []
    for block in section.split("```yaml\n")[1:]:
        said = yaml.parse(block.partition("```")[0], "docs/estimators.md")
        params = told(tiny, said["estimator"], said["arguments"])
        seen = Features(("size", "weight"), ("colour",))
        estimator: Any = make_estimator(params.train, params.data.task, seen)
        made.append(estimator.get_params())
    price, stack, boosting = made
    assert (price["regressor__n_estimators"], price["inverse_func"]) == (300, np.expm1)
    assert (stack["forest__n_estimators"], stack["forest__random_state"]) == (300, SEED)
    assert boosting["categorical_features"] == [2]


@pytest.mark.parametrize(
    ("splitter", "arguments", "seed"),
    [
        ("ShuffleSplit", {}, SEED),
        ("KFold", {"shuffle": True}, SEED),
        ("KFold", {"shuffle": True, "random_state": 9}, 9),
        ("KFold", {}, None),  # which would refuse one
    ],
)
def test_a_splitter_that_shuffles_has_the_seed(
    tiny: TinyProject, splitter: str, arguments: dict[str, Any], seed: int | None
) -> None:
    cv = nested(f"sklearn.model_selection.{splitter}", **arguments)
    params = told(tiny, SEARCH, {"estimator": LOGISTIC, "param_grid": {}, "cv": cv})
    search: Any = make_estimator(params.train, "classification")
    assert search.cv.random_state == seed


def test_a_text_stays_a_text_where_no_estimator_is_expected(tiny: TinyProject) -> None:
    text = "sklearn.svm.SVC"
    params = told(tiny, "sklearn.ensemble.HistGradientBoostingClassifier", {"scoring": text})
    assert make_estimator(params.train, "classification").get_params()["scoring"] == text


WEIGHTED = {case: CASES[case][2] for case in ("a log price", "a vote", "a calibration")} | {
    "a stack": StackingClassifier([("a", GaussianNB()), ("b", LogisticRegression())], cv=3)
}


@pytest.mark.parametrize("case", WEIGHTED)
def test_weights_reach_what_is_inside(case: str) -> None:
    rng, ours, twin = np.random.default_rng(0), clone(WEIGHTED[case]), clone(WEIGHTED[case])
    x, w = rng.normal(size=(90, 2)), rng.exponential(size=90) + 0.01
    y = np.exp(x[:, 0]) if case == "a log price" else x[:, 0] + rng.normal(size=90) > 0
    session.fit(ours, x, y, w)
    assert np.array_equal(ours.predict(x), twin.fit(x, y, sample_weight=w).predict(x))
    of_which = "predict" if case == "a log price" else "predict_proba"
    assert not np.array_equal(getattr(ours, of_which)(x), getattr(twin.fit(x, y), of_which)(x))


def test_the_card_names_what_is_inside(tiny: TinyProject) -> None:
    params = told(tiny, LOG_PRICE, CASES["a log price"][1])
    for page in (prepare, train, evaluate):
        page.main(params)
    Path("env.json").write_text(json.dumps(ENVIRONMENT), encoding="utf-8")
    card.main(params)
    inside = "sklearn.ensemble.RandomForestRegressor, numpy.log1p, numpy.expm1"
    text = CARD.read_text(encoding="utf-8")
    assert f"- Inside it: {inside}\n" in text
    card.main(tiny.set({"train.arguments": {"func": None}}))
    assert "Inside it" not in CARD.read_text(encoding="utf-8")
