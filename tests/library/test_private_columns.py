"""A column that the schema marks as private: none of its values is printed, logged or sent.

Each cell of two columns holds a secret. Whatever is said is looked through, and said once more
without the mark: then it must tell the secret, or the look would find nothing.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlrepo.core import prepared, yaml
from mlrepo.core.errors import PRIVATE, ProjectError, first_line, listed, shown
from mlrepo.core.owner import load_params
from mlrepo.core.paths import TEST, TRAIN
from mlrepo.learning.estimator import explained
from mlrepo.prediction import write
from mlrepo.prediction.predictor import Predictor
from mlrepo.serving.document import document
from mlrepo.serving.request_rows import Rows
from penguins import card, data, evaluate, prepare

from .conftest import TinyProject, tiny_table
from .serving import running, served, settings
from .test_card import ENVIRONMENT
from .test_prediction import chosen
from .test_stages import run

SECRET, PIN = "Mrs. Hush", 77310
NAMES = [f"{SECRET} {i}" for i in range(80)]
PINS = [PIN * 1000 + i for i in range(80)]


def table() -> pl.DataFrame:
    return tiny_table().with_columns(pl.Series("name", NAMES), pl.Series("pin", PINS))


def declare(private: bool, **limits: dict[str, Any]) -> None:
    """Mark both columns, or not, and give columns other constraints."""
    schema = yaml.load(Path("schema.yaml"))
    for field in schema["fields"]:
        if field["name"] in ("name", "pin"):
            field["private"] = private
            field["constraints"] = {}
        field["constraints"] = limits.get(field["name"], field.get("constraints", {}))
    Path("schema.yaml").write_text(yaml.dump(schema), encoding="utf-8")


@pytest.fixture(autouse=True)
def secrets(tiny: TinyProject) -> TinyProject:
    """The tiny project with both columns, which are features."""
    table().write_csv("table.csv")
    tiny.propose()
    tiny.set({"data.features.exclude": ["herd"]})
    return tiny


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(ProjectError) as error:
        act()
    return str(error.value)


def refused_prepare() -> str:
    return refusal(lambda: prepare.main(load_params()))


def refused_predict(by: Predictor) -> str:
    return refusal(lambda: write.predict(by, Path("new.csv"), Path("o.csv"), False, print))


def other_names(private: bool) -> str:
    declare(private, name={"enum": ["Mrs. Hush of the schema", "b"]})
    return refused_prepare()


def lower_pins(private: bool) -> str:
    declare(private, pin={"maximum": PIN})
    return refused_prepare()


def higher_pins(private: bool) -> str:
    declare(private, pin={"minimum": PIN * 2000})
    return refused_prepare()


def pins_of_text(private: bool) -> str:
    declare(private)
    table().with_columns(pin=pl.col("name")).write_csv("table.csv")
    return refused_prepare()


def fitted(private: bool) -> str:
    declare(private)
    prepare.main(load_params())

    def fit() -> None:
        with explained(object()):
            raise ValueError(f"could not convert string to float: '{NAMES[0]}'")

    return refusal(fit)


def predicted(private: bool, set_aside: bool = False) -> str:
    """Predict rows whose names, pins and types are not those of the schema."""
    declare(private, name={"enum": ["Mrs. Hush of the schema", "b"]}, pin={"maximum": PIN})
    wrong = table().with_columns(pl.col("pin").cast(pl.String))
    wrong[:2].with_columns(pin=pl.lit(f"{SECRET} 5")).extend(wrong[2:5]).write_csv("new.csv")
    if not set_aside:
        return refused_predict(chosen())
    table()[5:6].with_columns(name=pl.lit("b"), pin=1).write_csv("good.csv")
    rows = Path("good.csv").read_text(encoding="utf-8").splitlines()[1:]
    with Path("new.csv").open("a", encoding="utf-8") as file:
        file.write("\n".join([*rows, ""]))
    write.predict(chosen(), Path("new.csv"), Path("o.csv"), True, print)
    return "\n".join(pl.read_csv("o.bad.csv")["why"])


def set_aside(private: bool) -> str:
    return predicted(private, set_aside=True)


def by_code(by: Predictor) -> Predictor:
    """A model whose data.py cannot use the names."""
    return replace(by, add_features=lambda rows: rows.with_columns(pl.col("name").cast(pl.Int64)))


SAID = [other_names, lower_pins, higher_pins, pins_of_text, fitted, predicted, set_aside]


def tells(said: str) -> bool:
    return SECRET in said or str(PIN) in said


@pytest.mark.parametrize("say", SAID)
def test_a_refusal_tells_row_and_rule_and_no_value(say: Callable[[bool], str]) -> None:
    assert tells(say(False))
    said = say(True)
    assert not tells(said), said
    if say in (other_names, lower_pins, higher_pins, pins_of_text, predicted):
        assert f"such as {PRIVATE} in row 1" in said


def test_code_that_fails_on_values_tells_none(
    secrets: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether private or not: it is polars that lists them."""
    declare(private=True)
    table()[:5].write_csv("new.csv")
    by = by_code(chosen())
    said = refused_predict(by)
    monkeypatch.setattr(prepare, "add_features", by.add_features)
    said += refused_prepare()
    monkeypatch.setattr(prepare, "add_features", data.add_features)
    monkeypatch.setattr(data, "target", lambda: pl.col("name").str.to_date("%Y"))
    secrets.set({"data.features.exclude": ["herd", "name"]})
    said += refused_prepare()
    assert said.count("penguins/data.py cannot make its columns of some rows: conversion from") == 3
    assert not tells(said), said


def outputs() -> str:
    """Return all that a run writes, but for the tables and the model."""
    files = [path for path in Path().rglob("*") if path.suffix in (".csv", ".json", ".md")]
    return "".join(f.read_text(encoding="utf-8") for f in files if "table" not in f.name)


def test_a_run_tells_none(capsys: pytest.CaptureFixture[str]) -> None:
    Path("env.json").write_text(json.dumps(ENVIRONMENT), encoding="utf-8")
    said = {}
    for private in (False, True):
        declare(private)
        run(load_params())
        card.main(load_params())
        caught = capsys.readouterr()
        said[private] = caught.out + caught.err + outputs()
    assert tells(said[False])
    five = ", ".join(f"'{name}'" for name in sorted(pl.read_parquet(TEST)["name"])[:5])
    assert f"32 test rows have a 'name' that no train row has ({five} and 27 more)" in said[False]
    assert not tells(said[True])
    assert "(not told, as some are private): the model treats it as a rare category" in said[True]
    assert "warning: the private texts 'name' are features, so the model file" in said[True]


@pytest.mark.parametrize("key", ["evaluate.slices", "data.target"])
def test_what_would_tell_all_is_refused(secrets: TinyProject, key: str) -> None:
    value: Any = ["name"] if key == "evaluate.slices" else "name"
    declare(private=True)
    prepare.main(load_params())
    secrets.set({key: value})
    said = refused_prepare()
    assert f"{key} in params.yaml names 'name', which is private in the schema" in said
    assert "in data.py" in said
    if key == "evaluate.slices":  # *evaluate* alone runs where only this changed
        secrets.set({"evaluate.slices": []})
        run(load_params())
        changed = secrets.set({"evaluate.slices": ["name"]})
        assert refusal(lambda: evaluate.main(changed)) == said


def test_the_mark_is_in_the_tables_and_costs_others_no_byte() -> None:
    declare(private=False)
    prepare.main(load_params())
    before = TRAIN.read_bytes()
    assert prepared.private(TEST) == []
    declare(private=True)
    prepare.main(load_params())
    assert prepared.private(TRAIN) == prepared.private(TEST) == ["name", "pin"]
    assert TRAIN.read_bytes() != before
    assert prepared.what_it_says(ValueError("x"), Path("never"), TEST) != "x"


GOOD = {"size": 50.0, "weight": 20.0, "colour": "red"}


@pytest.mark.parametrize("private", [False, True])
def test_the_service_tells_none(private: bool, capsys: pytest.CaptureFixture[str]) -> None:
    allowed = ["Mrs. Hush of the schema", *"bcdefgh"]
    limits = {"minimum": PIN, "maximum": PIN * 2}
    declare(private, name={"enum": allowed, "maxMissing": 1}, pin={**limits, "maxMissing": 1})
    by = chosen()
    rows = Rows(by, 5)
    assert rows.one(json.dumps(rows.example()).encode())[0]["name"] == allowed[0]
    said = json.dumps(document(settings(), by, rows, (rows.example(public=True), None)))
    with running(served(by), log_values=True) as service:
        for row in ({"name": NAMES[0]}, {"name": 5}, {"pin": 5}, {"pin": NAMES[0]}):
            answer = service.ask("/predict", GOOD | row)
            assert answer.status == 422
            said += answer.body.decode()
        assert service.ask("/predict", GOOD | {"name": allowed[0], "pin": PIN}).status == 200
    with running(served(by_code(by))) as service:
        answer = service.ask("/predict", GOOD | {"name": allowed[0]})
        assert answer.status == 422
        said += answer.body.decode()
    caught = capsys.readouterr()
    said += caught.out + caught.err
    assert "model refuses these values" in said
    assert tells(said) is not private
    assert ("must be one of 'Mrs. Hush of the schema', 'b', 'c', 'd', 'e' and 3 more" in said) is (
        not private
    )
    assert ("must be as the schema says (a private value)" in said) is private


@pytest.mark.parametrize("read", ["cast", "to_integer", "to_date", "enum"])
def test_what_polars_says_of_values_ends_before_them(read: str) -> None:
    names = pl.col("name")
    how = {
        "cast": names.cast(pl.Int64),
        "to_integer": names.str.to_integer(),
        "to_date": names.str.to_date("%Y"),
        "enum": names.cast(pl.Enum(["a"])),
    }
    with pytest.raises(pl.exceptions.PolarsError) as error:
        table().select(how[read])
    assert tells(str(error.value))
    assert not tells(first_line(error.value)), first_line(error.value)
    assert "fail" in first_line(error.value)


def test_lists_and_values_have_an_end() -> None:
    assert listed([1, "b", 3, 4, 5]) == "1, 'b', 3, 4, 5"
    assert listed(list(range(8))) == "0, 1, 2, 3, 4 and 3 more"
    assert shown("x" * 10_000) == f"'{'x' * 59}..."
