"""The prepared tables of this project: what training and evaluation rely on."""

import polars as pl
import pytest

from mlrepo.core.paths import TEST, TRAIN
from mlrepo.learning import features

from {{ cookiecutter.__package_name }}.data import add_features
from {{ cookiecutter.__package_name }}.params import Params

from .conftest import ROOT

pytestmark = pytest.mark.skipif(
    not (ROOT / TRAIN).exists(), reason="no prepared data here: run `model pull` or `dvc repro`"
)


@pytest.fixture
def sides() -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.read_parquet(ROOT / TRAIN), pl.read_parquet(ROOT / TEST)


def test_no_row_is_in_train_and_test(
    sides: tuple[pl.DataFrame, pl.DataFrame], params: Params
) -> None:
    train, test = sides
    key = list(params.data.id) or train.columns
    if params.prepare.split.method == "group":
        key = [str(params.prepare.split.column)]
    assert test.join(train, on=key, how="semi", nulls_equal=True).height == 0


def test_both_sides_have_the_same_columns(sides: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    train, test = sides
    assert train.schema == test.schema


def test_every_row_has_a_target(sides: tuple[pl.DataFrame, pl.DataFrame], params: Params) -> None:
    for table in sides:
        assert table[params.data.target].null_count() == 0


def test_every_feature_varies_in_train(
    sides: tuple[pl.DataFrame, pl.DataFrame], params: Params
) -> None:
    train, _ = sides
    for name in features.choose(train.schema, params).names:
        assert train[name].n_unique() > 1, (
            f"'{name}' is the same in every train row: add it to data.features.exclude"
        )


def test_predictions_can_make_every_feature(
    sides: tuple[pl.DataFrame, pl.DataFrame], raw: pl.LazyFrame, params: Params
) -> None:
    """`model predict` runs data.py, without the target, and none of your pages."""
    try:
        made = add_features(raw.drop(params.data.target, strict=False)).collect_schema()
    except pl.exceptions.ColumnNotFoundError as error:
        pytest.fail(f"data.py reads the target, which a prediction lacks: {error}")
    for name in features.choose(sides[0].schema, params).names:
        assert name in made, (
            f"'{name}' is a column of your page of prepare: move what makes it to data.py, or name "
            "it in data.features.exclude"
        )


def test_the_test_side_has_about_the_size_asked_for(
    sides: tuple[pl.DataFrame, pl.DataFrame], params: Params
) -> None:
    train, test = sides
    split, rows = params.prepare.split, train.height + test.height
    if split.method in ("group", "time"):
        pytest.skip("whole groups and days fall on one side: their sizes decide")
    # A hash tosses a coin for each row; a class of a few rows keeps one on either side.
    luck = 4 * (split.test_size * (1 - split.test_size) / rows) ** 0.5
    classes = train[params.data.target].n_unique() if split.method == "stratified" else 0
    assert test.height / rows == pytest.approx(split.test_size, abs=luck + classes / rows)
