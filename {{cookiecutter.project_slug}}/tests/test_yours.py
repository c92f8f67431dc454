"""Your columns (data.py), your model (model.py) and your metrics, on rows made up from schema.yaml.

They need no data, so that a clone can run them; the values mean nothing, and no score is tested.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from {{ cookiecutter.__package_name }} import features, metrics, model, persist
from {{ cookiecutter.__package_name }}.data import add_features
from {{ cookiecutter.__package_name }}.features import Features
from {{ cookiecutter.__package_name }}.intervals import draw
from {{ cookiecutter.__package_name }}.params import Params, load_params
from {{ cookiecutter.__package_name }}.predictions import Predictions
from {{ cookiecutter.__package_name }}.schema import Field, load_schema

from .conftest import ROOT

PARAMS = load_params(ROOT / "params.yaml")
ROWS = 200
# As they stand in metrics.py: the fixture of conftest.py replaces the tables, not what is in them.
METRICS = metrics.of_task(PARAMS.data.task)


def made_up(field: Field) -> list[Any]:
    """Return values of a column that obey its type, bounds and allowed values."""
    limits = field.constraints
    shares = np.random.default_rng(len(field.name)).random(ROWS)
    if limits.enum or field.type in ("string", "boolean"):
        some = {"boolean": (True, False)}.get(field.type, ("a", "b", "c"))
        allowed = limits.enum or some
        return [allowed[int(share * len(allowed))] for share in shares]
    if field.type in ("date", "datetime"):
        kind = date if field.type == "date" else datetime
        first = kind.fromisoformat(str(limits.minimum or limits.maximum or "2024-01-01"))
        return [first + timedelta(days=number) for number in range(ROWS)]
    low = float(limits.minimum if limits.minimum is not None else 0)
    high = float(limits.maximum if limits.maximum is not None else low + 100)
    numbers = low + shares * (high - low)
    return [round(n) if field.type == "integer" else n for n in numbers.tolist()]


@pytest.fixture(scope="module")
def raw() -> pl.LazyFrame:
    """A checked table, before data.py; features have holes where the schema allows them."""
    columns = {}
    for field in load_schema(ROOT / PARAMS.data.table_schema).fields:
        values = made_up(field)
        if field.constraints.maxMissing and field.name != PARAMS.data.target:
            values[::7] = [None] * len(values[::7])
        if field.name == PARAMS.data.target and PARAMS.data.task == "classification":
            classes = sorted(set(values))[:3]
            values = [classes[number % len(classes)] for number in range(ROWS)]
        columns[field.name] = values
    return pl.LazyFrame(columns)


@pytest.fixture(scope="module")
def table(raw: pl.LazyFrame) -> pl.DataFrame:
    return add_features(raw).collect()


@pytest.fixture(scope="module")
def chosen(table: pl.DataFrame) -> Features:
    return features.choose(table.schema, PARAMS)


@pytest.fixture(scope="module")
def fitted(table: pl.DataFrame, chosen: Features) -> Any:
    """Your model, fitted on the made-up rows."""
    return fit(PARAMS, table, chosen)


def fit(params: Params, table: pl.DataFrame, chosen: Features) -> Any:
    built = model.build(params, chosen)
    return built.fit(features.select(table, chosen), features.target(table, params.data))


def test_columns_look_at_one_row_at_a_time(raw: pl.LazyFrame, table: pl.DataFrame) -> None:
    """A mean over all rows, say, would carry test rows into training."""
    assert_frame_equal(add_features(raw.head(ROWS // 2)).collect(), table.head(ROWS // 2))


def test_columns_leave_the_checked_ones_as_they_are(raw: pl.LazyFrame, table: pl.DataFrame) -> None:
    """Target, id and the column that splits are among them."""
    names = {PARAMS.data.target, *PARAMS.data.id, PARAMS.prepare.split.column} - {None}
    kept = cast(list[str], sorted(names, key=str))
    assert_frame_equal(table.select(kept), raw.select(kept).collect())


def test_the_model_predicts_the_same_after_it_was_saved(
    fitted: Any, table: pl.DataFrame, chosen: Features, tmp_path: Path
) -> None:
    inputs = features.select(table, chosen)
    persist.save(fitted, tmp_path / "model.skops")
    loaded = persist.load(tmp_path / "model.skops")
    assert (loaded.predict(inputs) == fitted.predict(inputs)).all()


def test_the_model_takes_holes_and_values_that_it_never_saw(
    fitted: Any, table: pl.DataFrame, chosen: Features
) -> None:
    strange = table.with_columns(pl.lit("never seen").alias(name) for name in chosen.categories)
    assert len(fitted.predict(features.select(strange, chosen))) == ROWS


@pytest.mark.parametrize("impute", ["most_frequent", "own_category"])
@pytest.mark.parametrize("encode", ["onehot", "ordinal"])
@pytest.mark.parametrize("scale", ["none", "standard", "minmax", "robust"])
def test_the_model_works_with_every_preprocessing(
    table: pl.DataFrame, chosen: Features, impute: str, encode: str, scale: str
) -> None:
    numbers = {"impute": "mean", "scale": scale}
    categories = {"impute": impute, "encode": encode, "max_categories": 2}
    raw = PARAMS.model_dump(by_alias=True)
    raw["train"]["preprocessing"] = {"numbers": numbers, "categories": categories}
    pipeline = model.build(Params.model_validate(raw), chosen)
    pipeline[:-1].fit(features.select(table, chosen), features.target(table, PARAMS.data))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_of_resamples_is_that_of_their_rows(
    fitted: Any, table: pl.DataFrame, chosen: Features, name: str
) -> None:
    """So that its interval is one of what it measures."""
    inputs, truth = features.select(table, chosen), features.target(table, PARAMS.data)
    data = Predictions.of(fitted, inputs, truth)
    assert METRICS[name](data, np.ones((1, ROWS))).shape == (1,)
    weights = draw(np.random.default_rng(0), 3, ROWS)
    for value, counts in zip(METRICS[name](data, weights), weights, strict=True):
        drawn = data.rows(np.repeat(np.arange(ROWS), counts.astype(int)))
        alone = METRICS[name](drawn, np.ones((1, ROWS)))[0]
        assert value == pytest.approx(alone, rel=1e-9, nan_ok=True)
