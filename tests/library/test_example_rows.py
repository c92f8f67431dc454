"""The example of a schema: taken by *prepare*'s own checks, in the dialect of the project."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import Csv
from mlrepo.tables.columns import typed_columns
from mlrepo.tables.example import example, table
from mlrepo.tables.plain_text import plain
from mlrepo.tables.schema import Field, load_schema
from mlrepo.tables.validation import rules

FIELDS: list[dict[str, Any]] = [
    {"name": "a, b", "type": "number", "constraints": {"minimum": 0.5, "maximum": 2}},
    {"name": "n", "type": "integer", "example": 1234, "constraints": {"minimum": 1000}},
    {"name": "is", "type": "boolean"},
    {"name": "kind", "type": "string", "constraints": {"enum": ["süß", "x"]}},
    {"name": "day", "type": "date", "format": "%d.%m.%Y", "example": "2024-02-29"},
    {"name": "plain day", "type": "date", "constraints": {"minimum": "2024-03-01"}},
    {"name": "at", "type": "datetime", "format": "%d/%m/%Y %H:%M"},
    {"name": "zoned", "type": "datetime", "timezone": "Europe/Berlin"},
    {
        "name": "formed",
        "type": "datetime",
        "timezone": "UTC",
        "format": "%Y-%m-%d %H:%M:%S%#z",
        "example": "2024-02-29T12:30:00+01:00",
    },
    {"name": "text", "type": "string"},
]
DIALECTS = [(",", ".", "utf-8"), (";", ",", "cp1252"), ("\t", ".", "utf-16")]


@pytest.mark.parametrize(("separator", "decimal", "encoding"), DIALECTS)
def test_the_example_obeys_what_it_is_an_example_of(
    separator: str, decimal: str, encoding: str, tmp_path: Path
) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(yaml.dump({"fields": FIELDS}), encoding="utf-8")
    schema = load_schema(path)
    dialect: Any = {"separator": separator, "decimal": decimal, "encoding": encoding}
    csv = Csv(**dialect, thousands=None, missing=("", "NA"))
    (tmp_path / "example.csv").write_bytes(table(schema.fields, csv))
    rows = pl.scan_csv(
        plain(tmp_path / "example.csv", encoding), separator=separator, infer_schema=False
    )
    columns = typed_columns(schema, rows, csv)
    broken = rows.select(
        rule.broken.alias(f"{n} {rule.column.field.name} {rule.says}")
        for n, rule in enumerate(rules(columns))
    ).collect()
    assert [name for name in broken.columns if broken[name][0]] == []
    values = rows.select(column.value for column in columns).collect().row(0, named=True)
    assert None not in values.values()
    assert (values["a, b"], values["n"], values["is"], values["kind"]) == (1.25, 1234, True, "süß")
    assert str(values["day"]) == "2024-02-29"
    assert values["formed"].isoformat() == "2024-02-29T11:30:00+00:00"


WRONG = [
    ({"type": "integer", "example": 1.5}, "is no integer"),
    ({"type": "boolean", "example": "true"}, "is no boolean"),
    ({"type": "string", "example": "c", "constraints": {"enum": ["a", "b"]}}, "not in its enum"),
    ({"type": "number", "example": 3, "constraints": {"maximum": 2}}, "beyond its minimum or max"),
    ({"type": "date", "example": "29.02.2024"}, "not written as in ISO 8601"),
    (
        {"type": "date", "example": "2024-01-01", "constraints": {"minimum": "2024-02-01"}},
        "beyond its minimum",
    ),
    ({"type": "string", "example": "Ada", "private": True}, "is private: it has no example"),
    ({"type": "any", "example": "x"}, "is no any"),
]


@pytest.mark.parametrize(("keys", "says"), WRONG)
def test_an_example_that_would_be_refused_is_a_mistake(
    keys: dict[str, Any], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(yaml.dump({"fields": [{"name": "x", **keys}]}), encoding="utf-8")
    with pytest.raises(ProjectError, match=says):
        load_schema(path)


def test_without_one_it_lies_between_the_limits() -> None:
    limits: Any = {"minimum": 2, "maximum": 5}
    made = Field.model_validate({"name": "x", "type": "number", "constraints": limits})
    assert example(made) == 3.5
    assert example(Field.model_validate({"name": "x", "type": "string"})) == "text"
