"""Rows of a program, such as MLflow's: taken and refused as the service takes and refuses them."""

import json
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from fastapi import HTTPException

from mlrepo.core.errors import ProjectError
from mlrepo.prediction import frames
from mlrepo.prediction.predictor import Predictor
from mlrepo.serving.request_rows import Rows

from .test_serving_rows import GOOD, Model, chosen

__all__ = ["chosen"]  # a fixture

REFUSED: list[dict[str, Any]] = [
    {'a "b"': 1e39},
    {'a "b"': "text"},
    {"größe 1": 1},
    {"größe 1": 10},
    {"größe 1": 2.5},
    {"größe 1": "2"},
    {"n": 3},
    {"is": 1},
    {"is": "true"},
    {"_day": "2023-12-31"},
    {"_day": "2024-02-30"},
    {"_day": 20240229},
    {"at": "2024-02-29T12:30:00Z"},
    {"at": 1709210000},
    {"schema": 1},
    {"schema": None},
]


class Answers(Model):
    """Says how many letters all values of a row have, or no number."""

    def predict(self, x: pl.DataFrame) -> Any:
        sizes = x["made"].str.len_chars().to_numpy().astype(float)
        return np.where(sizes > 100, np.nan, sizes)


@pytest.fixture
def by(chosen: Predictor) -> Predictor:
    return Predictor(
        Answers(), chosen.version, chosen.sha256, chosen.data, chosen.schema, chosen.add_features
    )


@pytest.mark.parametrize("changes", REFUSED, ids=str)
def test_what_the_service_refuses_is_refused(by: Predictor, changes: dict[str, Any]) -> None:
    row = GOOD | changes
    with pytest.raises(HTTPException):
        Rows(by, 2).one(json.dumps(row).encode())
    with pytest.raises(ProjectError, match=f"'{next(iter(changes))}'"):
        frames.checked(pl.DataFrame([row]), by)


@pytest.mark.parametrize("changes", [{}, {"n": None}, {"größe 1": 2.0}, {'a "b"': 1.5}], ids=str)
def test_what_the_service_takes_becomes_the_same(by: Predictor, changes: dict[str, Any]) -> None:
    row = GOOD | changes
    rows = Rows(by, 2)
    expected = rows.table(rows.one(json.dumps(row).encode()))
    made = frames.checked(pl.DataFrame([row]), by)
    assert made.select(expected.columns).equals(expected)


def test_a_missing_column_is_refused_only_where_the_schema_says_so(by: Predictor) -> None:
    whole = pl.DataFrame([GOOD, GOOD])
    assert frames.checked(whole.drop("n"), by)["n"].to_list() == [None, None]
    with pytest.raises(ProjectError, match="lacks"):
        frames.checked(whole.drop("is"), by)
    with pytest.raises(ProjectError, match="no rows"):
        frames.checked(whole.clear(), by)


def test_a_day_may_come_as_midnight(by: Predictor) -> None:
    noon, midnight = datetime(2024, 2, 29, 12), datetime(2024, 2, 29)
    frame = pl.DataFrame([GOOD])
    made = frames.checked(frame.with_columns(_day=midnight), by)
    assert made["_day"].to_list() == [midnight.date()]
    with pytest.raises(ProjectError, match="_day"):
        frames.checked(frame.with_columns(_day=noon), by)


def test_a_refusal_names_row_rule_and_value(by: Predictor) -> None:
    with pytest.raises(ProjectError) as refused:
        frames.checked(pl.DataFrame([GOOD, GOOD | {"größe 1": 10}]), by)
    assert "'größe 1': 1 of 2 values are above 9, such as 10 in row 2" in str(refused.value)


def test_only_methods_that_predict_are_called_and_only_numbers_come_back(by: Predictor) -> None:
    assert frames.predict(pl.DataFrame([GOOD]), by).tolist() == [49.0]
    for method in ("predict_proba", "fit"):
        with pytest.raises(ProjectError, match="no method"):
            frames.predict(pl.DataFrame([GOOD]), by, method)
    with pytest.raises(ProjectError, match="no finite number"):
        frames.predict(pl.DataFrame([GOOD | {"schema": "t" * 200}]), by)
