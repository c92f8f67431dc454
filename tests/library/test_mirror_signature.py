"""What MLflow is told of a table's columns, and what it makes of the rows that come by its wire."""

import json
from typing import Any

import pandas as pd
import polars as pl
import pytest
from mlflow.models.utils import _enforce_schema
from mlflow.pyfunc.scoring_server import infer_and_parse_data

from mlrepo.core.params import Data
from mlrepo.core.sections import parse
from mlrepo.mirror.mlflow_model import _polars
from mlrepo.mirror.mlflow_version import _input
from mlrepo.tables.schema import Schema

FIELDS: list[dict[str, Any]] = [
    {"name": "length", "type": "number", "constraints": {"minimum": 10, "maximum": 20}},
    {"name": "colour", "type": "string", "constraints": {"enum": ["red", "blue"]}},
    {"name": "note", "type": "string", "constraints": {"maxMissing": 0.5}},
    {"name": "count", "type": "integer"},
    {"name": "male", "type": "boolean"},
    {"name": "born", "type": "date"},
    {"name": "seen", "type": "datetime", "timezone": "UTC"},
    {"name": "kind", "type": "boolean"},
]
READ = [field["name"] for field in FIELDS[:-1]]
# MLflow would turn 181.7 into 181, "no" into true and 5 into a day of 1970.
KINDS = {
    "length": "double",
    "colour": "string",
    "note": "string",
    **dict.fromkeys(("count", "male", "born", "seen"), "Any"),
}
GOOD: dict[str, Any] = {
    "length": 15.0,
    "colour": "red",
    "note": "text",
    "count": 1,
    "male": True,
    "born": "2024-01-31",
    "seen": "2024-01-31T00:00:00Z",
}


def given(task: str = "classification", target: str = "kind") -> tuple[Any, pd.DataFrame]:
    """The signature and the example of a model that reads all columns but the target."""
    schema = parse({"fields": FIELDS}, Schema, "schema.yaml")
    data = Data.model_construct(task=task, target=target, weight=None)
    signature, row = _input(schema, data, {"architecture": {"features": READ}})
    return signature, row


def test_a_column_has_the_type_that_changes_no_value() -> None:
    signature, row = given()
    columns = {spec["name"]: spec for spec in signature.inputs.to_dict()}
    assert {name: str(spec["type"]).capitalize() for name, spec in columns.items()} == {
        name: kind.capitalize() for name, kind in KINDS.items()
    }
    assert [name for name, spec in columns.items() if not spec["required"]] == ["note"]
    assert row.to_dict("records") == [GOOD]
    assert [spec["type"] for spec in signature.outputs.to_dict()] == ["any"]
    assert given("regression", "count")[0].outputs.to_dict()[0]["type"] == "double"


@pytest.mark.parametrize("kind", ["object", "float64"])
def test_a_column_without_a_value_is_of_no_type(kind: str) -> None:
    frame = pd.DataFrame({"count": [None, None], "length": [1.0, None]}, dtype="object")
    made = _polars(frame.astype({"count": kind, "length": "float64"}))
    assert made.schema == {"count": pl.Null, "length": pl.Float64}
    assert made["length"].to_list() == [1.0, None]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("count", value) for value in (181, 181.7, "many")),
        *(("male", value) for value in (False, "no", 1)),
        *(("born", value) for value in ("2024-02-30", 5)),
        *(("seen", value) for value in ("2024-01-31T12:00:00+02:00", 5)),
        *(("colour", value) for value in ("blue", "violet")),
        *(("note", value) for value in ("words", None)),
    ],
)
def test_a_value_that_came_by_the_wire_is_what_the_schema_checks(column: str, value: Any) -> None:
    schema = given()[0].inputs
    sent = json.loads(json.dumps({"dataframe_records": [GOOD | {column: value}]}))
    came = _enforce_schema(infer_and_parse_data(sent, schema), schema).to_dict("records")
    assert came == [GOOD | {column: value}]
    assert type(came[0][column]) is type(value)
