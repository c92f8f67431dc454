"""Which columns a model sees."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from mlrepo.core import prepared
from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.core.params import LibraryParams
from mlrepo.learning import features

from .conftest import TinyProject, tiny_table


def choose(params: LibraryParams) -> list[str]:
    return features.choose(tiny_table().schema, params).names


def test_features_are_all_columns_but_target_id_dates_and_excluded(tiny: TinyProject) -> None:
    assert choose(load_params()) == ["size", "weight", "colour"]


def test_included_columns_are_the_only_features(tiny: TinyProject) -> None:
    include = {"include": ["colour", "herd"], "exclude": ["herd"]}
    assert choose(tiny.set({"data.features": include})) == ["colour"]


def test_the_column_that_splits_is_no_feature(tiny: TinyProject) -> None:
    split = {
        "method": "group",
        "test_size": 0.3,
        "seed": 0,
        "column": "herd",
        "equal_features": "apart",
    }
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
    assert prepared.target(tiny_table(), params.data).dtype == np.float64
