"""The architecture: from params to an unfitted scikit-learn Pipeline."""

from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from mlrepo.core.params import Categories, Numbers
from mlrepo.learning.encoders import DateEncoder, TextEncoder
from mlrepo.learning.estimator import make_estimator
from mlrepo.learning.features import Features

from .params import Params

_SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}


def build(params: Params, features: Features) -> Pipeline:
    """Return the whole model, from raw feature columns to predictions, unfitted.

    It takes a polars frame of shape (rows, features) with the columns of ``features``.
    """
    knobs = params.train.preprocessing
    by_words, hashed = (
        [name for name in features.texts if knobs.texts[name] == way] for way in ("tfidf", "hashed")
    )
    dates = make_pipeline(DateEncoder(knobs.dates), _numbers(knobs.numbers))
    kinds = [
        ("numbers", _numbers(knobs.numbers), list(features.numbers)),
        ("categories", _categories(knobs.categories), list(features.categories)),
        ("tfidf", TextEncoder("tfidf"), by_words),
        ("hashed", TextEncoder("hashed"), hashed),
        ("dates", dates, list(features.dates)),
    ]
    columns = [(kind, steps, names) for kind, steps, names in kinds if names]
    return Pipeline(
        [
            ("columns", ColumnTransformer(columns, sparse_threshold=0.0)),
            ("estimator", make_estimator(params.train, params.data.task, features)),
        ]
    )


def _numbers(numbers: Numbers) -> Any:
    steps: list[Any] = []
    if numbers.impute != "none":
        steps.append(SimpleImputer(strategy=numbers.impute))
    if numbers.scale != "none":
        steps.append(_SCALERS[numbers.scale]())
    return make_pipeline(*steps) if steps else "passthrough"


def _categories(categories: Categories) -> Pipeline:
    # polars hands absent texts over as None.
    if categories.impute == "own_category":
        imputer = SimpleImputer(missing_values=None, strategy="constant", fill_value="(missing)")
    else:
        imputer = SimpleImputer(missing_values=None, strategy="most_frequent")
    limit = categories.max_categories
    if categories.encode == "ordinal":
        encoder = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, max_categories=limit
        )
    else:
        # A value that training never saw counts as a rare one, or as none of the known.
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=limit)
    return make_pipeline(imputer, encoder)
