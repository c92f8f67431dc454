"""The schema: what is proposed fits the data, and what breaks a rule is named."""

from pathlib import Path

import polars as pl
import pytest

from mlrepo.adoption.fields import infer
from mlrepo.commands.project import schema
from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.core.paths import TEST, TRAIN
from mlrepo.tables.schema import load_schema
from penguins import prepare

from .conftest import TinyProject, tiny_table


def test_a_proposal_names_types_ranges_values_and_holes(tiny: TinyProject) -> None:
    fields = {field["name"]: field for field in infer(load_params()).fields}
    assert {name: field["type"] for name, field in fields.items()} == {
        "id": "integer",
        "size": "number",
        "weight": "number",
        "colour": "string",
        "herd": "string",
        "seen": "date",
        "kind": "string",
    }
    assert fields["colour"]["constraints"] == {"enum": ["blue", "green", "red"], "maxMissing": 0.09}
    assert fields["seen"]["constraints"] == {"minimum": "2024-01-01", "maximum": "2024-02-09"}


def test_codes_with_leading_zeros_stay_texts(tiny: TinyProject) -> None:
    Path("table.csv").write_text("zip,flag,empty\n01234,true,\n99999,false,\n", encoding="utf-8")
    kinds = [field["type"] for field in infer(load_params()).fields]
    assert kinds == ["string", "boolean", "string"]


def test_a_parquet_table_has_the_same_proposal(tiny: TinyProject) -> None:
    of_csv = infer(load_params()).fields
    tiny_table().write_parquet("table.parquet")
    assert infer(tiny.set({"data.path": "table.parquet"})).fields == of_csv


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": pl.col("weight") - 100}, "'weight': 80 of 80 values are below 0.0, such as"),
        ({"weight": pl.col("weight") + 100}, "'weight': 80 of 80 values are above 49.0, such as"),
        ({"weight": pl.col("weight") / 0}, "values are infinite, such as"),
        ({"colour": pl.lit("pink")}, "'colour': 80 of 80 values are not one of the allowed values"),
        ({"weight": pl.lit(None, pl.Float64)}, "'weight': 100.00% (80 of 80 rows) are missing"),
        ({"seen": pl.col("seen").dt.offset_by("1y")}, "'seen': 80 of 80 values are above"),
        ({"extra": pl.lit(1)}, "the table has ['extra'], which the schema lacks"),
    ],
)
def test_a_broken_rule_is_named(
    tiny: TinyProject, suffix: str, change: dict[str, pl.Expr], message: str
) -> None:
    table = tiny_table().with_columns(**change)
    table.write_csv("table.csv") if suffix == "csv" else table.write_parquet("table.parquet")
    with pytest.raises(ProjectError) as caught:
        prepare.main(tiny.set({"data.path": f"table.{suffix}"}))
    assert message in str(caught.value)
    assert not Path("data").exists() or not any(Path("data").rglob("*.parquet"))


def test_a_renamed_column_is_guessed(tiny: TinyProject) -> None:
    tiny_table().rename({"weight": "wieght"}).write_csv("table.csv")
    with pytest.raises(ProjectError, match="'wieght' in the table: did you mean 'weight'"):
        prepare.main(load_params())


def test_texts_in_a_number_column_are_named(tiny: TinyProject) -> None:
    text = Path("table.csv").read_text(encoding="utf-8").replace("\n1,37.0,", "\n1,many,")
    Path("table.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match="'size': 1 of 80 values are no number, such as 'many'"):
        prepare.main(load_params())


@pytest.mark.parametrize("rule", ["unique", "primaryKey"])
def test_a_repeated_key_is_refused(tiny: TinyProject, rule: str) -> None:
    schema = yaml.load(Path("schema.yaml"))
    if rule == "unique":
        schema["fields"][0]["constraints"] = {"unique": True}
    else:
        schema["primaryKey"] = ["id"]
    Path("schema.yaml").write_text(yaml.dump(schema), encoding="utf-8")
    prepare.main(load_params())
    tiny_table().with_columns(id=pl.col("id") // 2).write_csv("table.csv")
    with pytest.raises(ProjectError, match=r"occur more than once|40 rows repeat a key"):
        prepare.main(load_params())


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"name": "a", "type": "float"}, "fields.0.type must be"),
        ({"name": "a", "type": "number", "constraints": {"minimum": "1"}}, "must be a number"),
        ({"name": "a", "type": "date", "constraints": {"minimum": 1}}, "must be a text in quotes"),
        ({"name": "a", "type": "string", "constraints": {"maximum": "b"}}, "has no minimum or"),
        ({"name": "a", "type": "string", "constraints": {"mxMissing": 1}}, "no key of this file"),
    ],
)
def test_a_mistake_in_the_schema_is_told(tmp_path: Path, field: object, message: str) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(yaml.dump({"fields": [field]}), encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        load_schema(path)
    assert message in str(caught.value)


def test_a_schema_that_is_there_is_not_replaced(tiny: TinyProject) -> None:
    Path("schema.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(ProjectError, match="--force replaces it"):
        schema()
    assert Path("schema.yaml").read_text(encoding="utf-8") == "mine"
    schema(force=True)
    assert load_schema(Path("schema.yaml")).names[0] == "id"


def test_a_proposal_reads_texts_that_look_like_numbers_as_texts(tiny: TinyProject) -> None:
    """YAML 1.2 takes 0o17 for a number, and YAML 1.1 does not."""
    texts = ["1e3", "0o17", "no", "1_000", "ab"]
    table = pl.DataFrame({"1e3": texts * 4, "kind": ["big", "small"] * 10})
    table.write_csv("table.csv")
    params = tiny.set({"data.target": "kind", "data.id": [], "data.features.exclude": []})
    schema(force=True)
    [field] = [each for each in load_schema(Path("schema.yaml")).fields if each.name == "1e3"]
    assert field.type == "string"
    assert set(field.constraints.enum or texts) == set(texts)
    prepare.main(params)
    kept = pl.concat([pl.read_parquet(path) for path in (TRAIN, TEST)])
    assert set(kept["1e3"]) == set(texts)
