"""Rows of every type: what is taken, what it becomes, and that the OpenAPI page says the same."""

import json
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from fastapi import HTTPException

from mlrepo.core.params import Csv, Data, Features
from mlrepo.prediction.predictor import Predictor
from mlrepo.serving.document import document
from mlrepo.serving.request_rows import Rows
from mlrepo.tables.schema import Schema

from .serving import settings

FIELDS: list[dict[str, Any]] = [
    {"name": "y", "type": "number"},
    {"name": 'a "b"', "type": "number"},
    {"name": "größe 1", "type": "integer", "constraints": {"minimum": 1.5, "maximum": 9}},
    {"name": "n", "type": "integer", "constraints": {"enum": [1, 2], "maxMissing": 0.1}},
    {"name": "is", "type": "boolean"},
    {"name": "_day", "type": "date", "constraints": {"minimum": "2024-01-01"}},
    {"name": "at", "type": "datetime"},
    {"name": "schema", "type": "string"},
]
GOOD: dict[str, Any] = {
    'a "b"': 1,
    "größe 1": 2,
    "n": 1,
    "is": True,
    "_day": "2024-02-29",
    "at": "2024-02-29T12:30:00",
    "schema": "text",
}


class Model:
    """Reads all of them by way of data.py."""

    feature_names_in_ = np.array(["made"])
    classes_ = np.array([0, 1])


@pytest.fixture
def chosen() -> Predictor:
    schema = Schema.model_validate({"fields": FIELDS})
    features = Features(include=(), exclude=())
    csv = Csv(separator=",", decimal=".", thousands=None, encoding="utf-8", missing=())
    data = Data(
        path="",
        schema="",
        csv=csv,
        task="classification",
        target="y",
        weight=None,
        id=(),
        features=features,
    )

    def add(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.with_columns(made=pl.concat_str(list(GOOD)))

    return Predictor(Model(), "v1.0.0", "ab" * 32, data, schema, add)


def body(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


def test_values_become_the_types_of_the_schema(chosen: Predictor) -> None:
    rows = Rows(chosen, 2)
    table = rows.table(rows.one(body()))
    assert table.row(0) == (
        1.0,
        2,
        1,
        True,
        date(2024, 2, 29),
        datetime(2024, 2, 29, 12, 30),
        "text",
    )
    assert dict(table.schema) == {
        'a "b"': pl.Float64,
        "größe 1": pl.Int64,
        "n": pl.Int64,
        "is": pl.Boolean,
        "_day": pl.Date,
        "at": pl.Datetime("us"),
        "schema": pl.String,
    }


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ('a "b"', 1e39),
        ("größe 1", 1),
        ("größe 1", 10),
        ("größe 1", 2.5),
        ("n", 3),
        ("is", 1),
        ("is", "true"),
        ("_day", "2023-12-31"),
        ("_day", "2024-02-30"),
        ("_day", 20240229),
        ("at", "2024-02-29T12:30:00Z"),
        ("at", 1709210000),
        ("schema", 1),
        ("schema", None),
    ],
)
def test_others_are_refused(chosen: Predictor, column: str, value: Any) -> None:
    with pytest.raises(HTTPException) as refused:
        Rows(chosen, 2).one(body(**{column: value}))
    mistakes: Any = refused.value.detail
    [mistake] = mistakes
    assert mistake["loc"] == [column]
    assert mistake["msg"].startswith(f"'{column}'")


def refused(rows: Rows, body: bytes) -> list[tuple[list[Any], str]]:
    """Return place and words of what is wrong with a body of many rows."""
    with pytest.raises(HTTPException) as caught:
        rows.many(body)
    mistakes: Any = caught.value.detail
    return [(each["loc"], each["msg"]) for each in mistakes]


def test_what_is_beside_the_rows_is_told_as_that(chosen: Predictor) -> None:
    rows, row = Rows(chosen, 2), body().decode()
    for sent, where, says in (
        ('{"rows": []}', "rows", "'rows' is empty: send one row or more"),
        (f'{{"rows": [{row}, {row}, {row}]}}', "rows", "'rows' has more than 2 rows: send fewer"),
        (f'{{"rows": [{row}], "x": 1}}', "x", "'x' stands beside 'rows': leave it out"),
        ("{}", "rows", "'rows' is missing"),
        ('{"rows": 1}', "rows", "'rows' must be a valid "),
    ):
        [(place, told)] = refused(rows, sent.encode())
        assert place == [where]
        assert told.startswith(says)


@pytest.mark.parametrize(
    "twice",
    [
        '"n": 2, ',
        '"n" : 2, ',
        '"n"\n: 2, ',
        '"\\u006e": 2, ',
        '"n": {"rows": [1]}, ',
        '"n": 9' + "9" * 4200 + ", ",
        '"n":NaN,',
    ],
)
def test_a_key_that_stands_twice_is_refused(chosen: Predictor, twice: str) -> None:
    rows, row = Rows(chosen, 2), body().decode()
    two = row.replace("{", "{" + twice, 1)
    for text in ("text", ':"', "12:30", '":"'):  # colons that follow no key
        one = row.replace('"text"', json.dumps(text))
        assert rows.many(f'{{"rows": [{one}, {row}]}}'.encode())
        told = refused(rows, f'{{"rows": [{one}, {two}]}}'.encode())
        assert told == [(["rows", 1, "n"], "row 2, 'n' stands twice")]
    assert refused(rows, f'{{"rows": [], "rows": [{row}]}}'.encode()) == [
        (["rows"], "'rows' stands twice")
    ]
    with pytest.raises(HTTPException, match="'n' stands twice"):
        rows.one(two.encode())


def test_a_column_with_holes_may_be_left_out(chosen: Predictor) -> None:
    rows = Rows(chosen, 2)
    without = {name: value for name, value in GOOD.items() if name != "n"}
    for content in (without, GOOD | {"n": None}):
        assert rows.table(rows.one(json.dumps(content).encode()))["n"].to_list() == [None]


def test_the_page_says_the_same(chosen: Predictor) -> None:
    rows = Rows(chosen, 2)
    schemas = document(settings(), chosen, rows, (rows.example(), None))["components"]["schemas"]
    row = schemas["Row"]
    assert set(row["required"]) == set(GOOD) - {"n"}
    assert row["properties"]["n"]["anyOf"][0]["enum"] == [1, 2]
    assert row["properties"]["größe 1"]["minimum"] == 2
    assert row["properties"]["_day"]["format"] == "date"
    assert schemas["Answer"]["properties"]["prediction"]["enum"] == [0, 1]
    made = rows.example()
    assert list(made) == list(GOOD)
    assert rows.one(json.dumps(made).encode())
