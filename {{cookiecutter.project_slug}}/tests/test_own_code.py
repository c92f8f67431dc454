"""Your columns (data.py), your model (model.py) and your metrics, on rows made up from schema.yaml.

No score is tested, as the values mean nothing.
"""

from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mlrepo.core import prepared
from mlrepo.core.owner import load_params
from mlrepo.learning import features, model_file
from mlrepo.learning.features import Features
from mlrepo.learning.metrics import of_task
from mlrepo.learning.predictions import Predictions
from mlrepo.scoring.bootstrap import draw

from {{ cookiecutter.__package_name }} import model
from {{ cookiecutter.__package_name }}.data import add_features
from {{ cookiecutter.__package_name }}.params import Params

from .conftest import ROOT, ROWS

# None where train.py makes a model of another kind itself (docs/models.md).
BUILD: Any = getattr(model, "build", None)
METRICS = of_task(load_params(ROOT / "params.yaml").data.task)


@pytest.fixture(scope="module")
def table(labelled: pl.LazyFrame) -> pl.DataFrame:
    return add_features(labelled).collect()


@pytest.fixture(scope="module")
def chosen(table: pl.DataFrame, params: Params) -> Features:
    # A column that your page of *prepare* joins is not among the made-up ones.
    known = params.model_dump(by_alias=True)
    excluded = known["data"]["features"]["exclude"]
    known["data"]["features"]["exclude"] = [name for name in excluded if name in table.columns]
    return features.choose(table.schema, Params.model_validate(known))


@pytest.fixture(scope="module")
def fitted(table: pl.DataFrame, chosen: Features, params: Params) -> Any:
    """Your model, fitted on the made-up rows."""
    if BUILD is None:
        pytest.skip("model.py has no build")
    built = BUILD(params, chosen)
    return built.fit(features.select(table, chosen), prepared.target(table, params.data))


def test_columns_look_at_one_row_at_a_time(labelled: pl.LazyFrame, table: pl.DataFrame) -> None:
    """A mean over all rows, say, would carry test rows into training."""
    assert_frame_equal(add_features(labelled.head(ROWS // 2)).collect(), table.head(ROWS // 2))


def test_columns_leave_the_checked_ones_as_they_are(
    labelled: pl.LazyFrame, table: pl.DataFrame, params: Params
) -> None:
    """Target, id and the column that splits are among them."""
    names = {params.data.target, *params.data.id, params.prepare.split.column} - {None}
    kept = cast(list[str], sorted(names, key=str))
    assert_frame_equal(table.select(kept), labelled.select(kept).collect())


def test_the_model_predicts_the_same_after_it_was_saved(
    fitted: Any, table: pl.DataFrame, chosen: Features, tmp_path: Path
) -> None:
    if hasattr(model, "save"):
        pytest.skip("model.py has a save, which saved_model.save tries out in each run")
    inputs = features.select(table, chosen)
    model_file.save(fitted, tmp_path / "model.skops")
    loaded = model_file.load(tmp_path / "model.skops")
    assert (loaded.predict(inputs) == fitted.predict(inputs)).all()


def test_the_model_takes_holes_and_values_that_it_never_saw(
    fitted: Any, table: pl.DataFrame, chosen: Features
) -> None:
    strange = table.with_columns(pl.lit("never seen").alias(name) for name in chosen.categories)
    assert len(fitted.predict(features.select(strange, chosen))) == ROWS


@pytest.mark.skipif(BUILD is None, reason="model.py has no build")
@pytest.mark.parametrize("impute", ["most_frequent", "own_category"])
@pytest.mark.parametrize("encode", ["onehot", "ordinal"])
@pytest.mark.parametrize("scale", ["none", "standard", "minmax", "robust"])
def test_the_model_works_with_every_preprocessing(
    table: pl.DataFrame, chosen: Features, impute: str, encode: str, scale: str, params: Params
) -> None:
    numbers = {"impute": "mean", "scale": scale}
    categories = {"impute": impute, "encode": encode, "max_categories": 2}
    changed = params.model_dump(by_alias=True)
    changed["train"]["preprocessing"] |= {"numbers": numbers, "categories": categories}
    pipeline = BUILD(Params.model_validate(changed), chosen)
    pipeline[:-1].fit(features.select(table, chosen), prepared.target(table, params.data))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_of_resamples_is_that_of_their_rows(
    fitted: Any, table: pl.DataFrame, chosen: Features, name: str, params: Params
) -> None:
    """So that its interval is one of what it measures."""
    inputs, truth = features.select(table, chosen), prepared.target(table, params.data)
    data = Predictions.of(fitted, inputs, truth)
    assert METRICS[name](data, np.ones((1, ROWS))).shape == (1,)
    weights = draw(np.random.default_rng(0), 3, ROWS)
    for value, counts in zip(METRICS[name](data, weights), weights, strict=True):
        drawn = data.rows(np.repeat(np.arange(ROWS), counts.astype(int)))
        alone = METRICS[name](drawn, np.ones((1, ROWS)))[0]
        assert value == pytest.approx(alone, rel=1e-9, nan_ok=True)
