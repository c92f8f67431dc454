"""Predictions for tables: right, in order, checked row by row, written whole or not at all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.learning.features import Features, select
from mlrepo.prediction import write
from mlrepo.prediction.batches import Input
from mlrepo.prediction.predictor import Predictor
from mlrepo.tables.schema import load_schema
from penguins.model import build as tiny_model

from .conftest import TinyProject, tiny_table

NUMBERS = ("size", "weight")


def chosen(
    estimator: Any = None, add: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None
) -> Predictor:
    """Return a model that was fitted on the tiny table."""
    params, table = load_params(), tiny_table()
    features = Features(tuple(n for n in NUMBERS if n != params.data.target), ("colour",))
    whole = (add(table.lazy()) if add else table.lazy()).collect()
    if add:
        features = Features((*NUMBERS, "ratio"), ("colour",))
    fitted = tiny_model(params, features)
    if estimator is not None:
        fitted = fitted.set_params(**{fitted.steps[-1][0]: estimator})
    target = whole[params.data.target]
    fitted.fit(select(whole, features), np.asarray(target.to_list()))
    schema = load_schema(Path(params.data.table_schema))
    return Predictor(fitted, "v1.0.0", "ab" * 32, params.data, schema, add or (lambda rows: rows))


def told(
    source: Path, output: Path, set_aside: bool = False, by: Predictor | None = None
) -> list[str]:
    said: list[str] = []
    write.predict(by or chosen(), source, output, set_aside, said.append)
    return said


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch, tiny: TinyProject) -> None:
    monkeypatch.setattr(write, "BATCH", 7)


@pytest.mark.parametrize(
    "estimator", [ExtraTreesClassifier(3), LogisticRegression(), LinearSVC()], ids=type
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_they_are_scikit_learns_own(estimator: Any, suffix: str) -> None:
    tiny_table().write_parquet("new.parquet")
    by, output = chosen(estimator), Path(f"out{suffix}")
    told(Path("new.parquet"), output, by=by)
    read = pl.read_csv if suffix == ".csv" else pl.read_parquet
    found = read(output)
    x = select(tiny_table(), Features(NUMBERS, ("colour",)))
    assert found["prediction"].to_list() == by.model.predict(x).tolist()
    has = hasattr(by.model, "predict_proba")
    names = [f"probability_{label}" for label in ("big", "small")] if has else []
    assert found.columns == ["id", "prediction", *names, "model_version", "model_sha256"]
    if has:
        assert np.allclose(found.select(names).to_numpy(), by.model.predict_proba(x), atol=1e-12)
    assert found["id"].to_list() == list(range(80))
    assert set(found["model_version"]) == {"v1.0.0"}
    assert set(found["model_sha256"]) == {"ab" * 32}


def test_numbers_are_predicted(tiny: TinyProject) -> None:
    tiny.set({"data.task": "regression", "data.target": "weight"})
    tiny.set({"train.estimator": "sklearn.linear_model.LinearRegression", "train.arguments": {}})
    by = chosen(LinearRegression())
    told(Path("table.csv"), Path("out.parquet"), by=by)
    found = pl.read_parquet("out.parquet")
    assert found.columns == ["id", "prediction", "model_version", "model_sha256"]
    assert found["prediction"].dtype == pl.Float64


def test_parts_are_read_in_the_order_of_their_names_and_rows_without_a_key_are_numbered(
    tiny: TinyProject,
) -> None:
    tiny.set({"data.id": []})
    Path("parts").mkdir()
    for number in range(4):
        tiny_table()[number * 20 : number * 20 + 20].write_csv(f"parts/{number}.csv")
    told(Path("parts"), Path("of_parts.parquet"))
    told(Path("table.csv"), Path("of_file.parquet"))
    found = pl.read_parquet("of_parts.parquet")
    assert found["row"].to_list() == list(range(1, 81))
    assert found.equals(pl.read_parquet("of_file.parquet"))


def test_the_target_may_be_there_and_other_columns_are_told() -> None:
    tiny_table().drop("kind").with_columns(note=pl.lit("x")).write_csv("new.csv")
    assert told(Path("new.csv"), Path("out.csv")) == ["not read, as the schema lacks them: note"]
    told(Path("table.csv"), Path("with_target.csv"))
    assert Path("out.csv").read_bytes() == Path("with_target.csv").read_bytes()


def test_columns_of_data_py_are_made_here_as_well() -> None:
    def add(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.with_columns(ratio=pl.col("size") / (pl.col("weight") + 1))

    told(Path("table.csv"), Path("out.parquet"), by=chosen(add=add))
    assert pl.read_parquet("out.parquet").height == 80
    tiny_table().drop("weight").write_csv("new.csv")
    with pytest.raises(ProjectError, match=r"lacks \['weight'\]: data.py cannot run"):
        told(Path("new.csv"), Path("never.csv"), by=chosen(add=add))
    assert not Path("never.csv").exists()


def test_what_a_table_lacks_is_named_once() -> None:
    tiny_table().drop("weight").rename({"size": "sise"}).write_csv("new.csv")
    with pytest.raises(ProjectError) as refused:
        told(Path("new.csv"), Path("never.csv"))
    lacks = "new.csv lacks ['size', 'weight'], which the model reads; it has 'sise'"
    assert str(refused.value).startswith(lacks)
    assert str(refused.value).count("weight") == 1


NOT_ALLOWED = "not one of the allowed values ['blue', 'green', 'red']"
BAD = [
    ("size", "huge", "'size' is no number: 'huge'"),
    ("size", "-1", "'size' is below 0: '-1'"),
    ("size", "1e9", "'size' is above 100: '1e9'"),
    ("size", "inf", "'size' is infinite: 'inf'; 'size' is above 100: 'inf'"),
    ("colour", "pink", f"'colour' is {NOT_ALLOWED}: 'pink'"),
    ("weight", "", "'weight' is missing"),
    ("id", "", "'id' is missing"),
]


@pytest.fixture
def spoilt() -> list[int]:
    """Write new.csv with a row for each mistake; return the numbers of those rows, from 1."""
    lines = Path("table.csv").read_text(encoding="utf-8").splitlines()
    names, spoilt = lines[0].split(","), []
    for number, (column, value, _) in enumerate(BAD):
        row = 10 * number + 3
        cells = lines[row].split(",")
        cells[names.index("size")] = "50.0"
        cells[names.index("colour")] = "red"
        cells[names.index(column)] = value
        lines[row] = ",".join(cells)
        spoilt.append(row)
    Path("new.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    fields = load_schema(Path("schema.yaml")).model_dump(mode="json", exclude_none=True)
    for field in fields["fields"]:
        if field["name"] == "size":
            field["constraints"] |= {"minimum": 0, "maximum": 100, "maxMissing": 0.5}
        if field["name"] == "colour":
            field["constraints"] |= {"enum": ["blue", "green", "red"], "maxMissing": 0.5}
    Path("schema.yaml").write_text(yaml.dump(fields), encoding="utf-8")
    return spoilt


def test_bad_rows_are_all_told_and_nothing_is_written(spoilt: list[int]) -> None:
    Path("out.csv").write_text("before", encoding="utf-8")
    with pytest.raises(ProjectError) as error:
        told(Path("new.csv"), Path("out.csv"))
    for line in (
        "'size': 1 of 80 values are below 0, such as '-1' in row 13",
        "'size': 2 of 80 values are above 100, such as '1e9' in row 23",
        f"'colour': 1 of 80 values are {NOT_ALLOWED}, such as 'pink' in row 43",
        "'id': 1 of 80 values are missing, the first in row 63",
    ):
        assert line in str(error.value)
    assert "--bad-rows set-aside" in str(error.value)
    assert Path("out.csv").read_text(encoding="utf-8") == "before"
    assert not list(Path().glob("*.bad.csv")) + list(Path().glob(".*partial"))


def test_bad_rows_are_set_aside_as_they_were_with_what_is_wrong(spoilt: list[int]) -> None:
    counts = write.predict(chosen(), Path("new.csv"), Path("out.csv"), True, print)
    assert (counts.predicted, counts.bad) == (80 - len(BAD), len(BAD))
    bad = pl.read_csv("out.bad.csv", infer_schema=False)
    assert bad["row"].to_list() == [str(row) for row in spoilt]
    assert bad["why"].to_list() == [says for _, _, says in BAD]
    assert [
        row[column] for row, (column, _, _) in zip(bad.iter_rows(named=True), BAD, strict=True)
    ] == [value or None for _, value, _ in BAD]
    kept = [number for number in range(1, 81) if number not in spoilt]
    assert pl.read_csv("out.csv")["id"].to_list() == [number - 1 for number in kept]

    told(Path("table.csv"), Path("out.csv"), set_aside=True)
    assert not Path("out.bad.csv").exists()  # of the run before


def test_of_bad_rows_alone_nothing_is_written(spoilt: list[int]) -> None:
    table = pl.read_csv("new.csv", infer_schema=False)
    table.filter(pl.int_range(1, pl.len() + 1).is_in(spoilt)).write_csv("bad.csv")
    with pytest.raises(ProjectError, match="No row obeys the schema, so nothing is predicted"):
        told(Path("bad.csv"), Path("out.csv"), set_aside=True)
    assert not Path("out.csv").exists()


def test_corrected_rows_that_are_predicted_for_stay(spoilt: list[int]) -> None:
    told(Path("new.csv"), Path("out.csv"), set_aside=True)
    tiny_table().write_csv("out.bad.csv")  # corrected in place
    before = Path("out.bad.csv").read_bytes()
    told(Path("out.bad.csv"), Path("out.csv"))
    with pytest.raises(ProjectError, match=r"bad rows would replace the input out\.bad\.csv"):
        told(Path("out.bad.csv"), Path("out.csv"), set_aside=True)
    assert Path("out.bad.csv").read_bytes() == before
    assert pl.read_csv("out.csv").height == 80


@pytest.mark.parametrize("source", ["table.csv", "new.csv"])
def test_a_file_of_somebody_else_is_neither_replaced_nor_removed(
    spoilt: list[int], source: str
) -> None:
    Path("out.bad.csv").write_text("mine\n", encoding="utf-8")
    if source == "table.csv":
        told(Path(source), Path("out.csv"))
        Path("out.csv").unlink()
    with pytest.raises(ProjectError, match=r"out\.bad\.csv, which no earlier run wrote"):
        told(Path(source), Path("out.csv"), set_aside=True)
    assert Path("out.bad.csv").read_text(encoding="utf-8") == "mine\n"
    assert not Path("out.csv").exists()


def test_a_pipeline_of_one_step_predicts(tiny: TinyProject) -> None:
    table = tiny_table().select(NUMBERS)
    model = Pipeline([("tree", DecisionTreeClassifier(max_depth=3))])
    model.fit(table, tiny_table()["kind"].to_list())
    told(Path("table.csv"), Path("out.parquet"), by=replace(chosen(), model=model))
    found = pl.read_parquet("out.parquet")
    assert found["prediction"].to_list() == model.predict(table).tolist()
    names = ["probability_big", "probability_small"]
    assert (found[names].to_numpy() == model.predict_proba(table)).all()


@pytest.mark.parametrize("estimator", [LinearSVC(), LogisticRegression()], ids=type)
def test_sparse_columns_are_predicted_for(estimator: Any) -> None:
    table = tiny_table().select("colour").fill_null("none")
    model = make_pipeline(OneHotEncoder(sparse_output=True), estimator)
    model.fit(table, tiny_table()["kind"].to_list())

    def add(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.with_columns(pl.col("colour").fill_null("none"))

    by = replace(chosen(), model=model, add_features=add)
    told(Path("table.csv"), Path("out.parquet"), by=by)
    assert pl.read_parquet("out.parquet")["prediction"].to_list() == model.predict(table).tolist()


def test_a_column_that_no_table_has_is_told_alone() -> None:
    def add(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.rename({"weight": "heavy"})

    with pytest.raises(ProjectError) as error:
        told(Path("table.csv"), Path("out.csv"), by=replace(chosen(), add_features=add))
    assert str(error.value).startswith("table.csv: the model reads ['weight'], which the table")


def test_a_table_of_bad_rows_alone_gives_nothing() -> None:
    tiny_table().with_columns(weight=pl.lit("x")).write_csv("new.csv")
    with pytest.raises(ProjectError, match="80 of 80 values are no number"):
        told(Path("new.csv"), Path("out.csv"), set_aside=True)
    assert not list(Path().glob("out*"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "does not exist"),
        ("", "is empty"),
        ("id,size,weight,colour,herd,seen\n", "has a header and no rows"),
        ("id,size,weight,colour,herd,seen\n1,2\n", "line 2"),
        ("id,size,weight,colour,herd,seen\n1,2,3,red,h,2024-01-01,7\n", "line 2"),
        ("id,size,wieght,colour,herd,seen\n1,2,3,red,h,2024-01-01\n", "did you mean 'weight'"),
        ("id;size;weight;colour\n1;2;3;red\n", "separated by a semicolon"),
    ],
)
def test_what_is_no_table_for_this_model_is_refused(content: str | None, says: str) -> None:
    if content is not None:
        Path("new.csv").write_text(content, encoding="utf-8")
    with pytest.raises(ProjectError, match=says):
        told(Path("new.csv"), Path("out.csv"))
    assert not list(Path().glob("out*")) + list(Path().glob(".*partial"))


@pytest.mark.parametrize("output", ["out.txt", "table.csv"])
def test_a_wrong_place_is_refused(output: str) -> None:
    before = Path("table.csv").read_bytes()
    with pytest.raises(ProjectError):
        told(Path("table.csv"), Path(output))
    assert Path("table.csv").read_bytes() == before


def test_a_key_with_the_name_of_an_own_column_is_refused(tiny: TinyProject) -> None:
    tiny_table().rename({"id": "model_version"}).write_csv("table.csv")
    tiny.set({"data.id": ["model_version"]})
    tiny.propose()
    by = Predictor(**{**vars(chosen()), "data": load_params().data})
    with pytest.raises(ProjectError, match="model_version"):
        Input.open(Path("table.csv"), by)


def test_a_mistake_while_predicting_ends_it_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Input.predicted
    calls: list[int] = []

    def sometimes(self: Input, rows: pl.DataFrame, numbers: pl.Series) -> pl.DataFrame:
        calls.append(rows.height)
        if len(calls) > 3:
            raise ProjectError("the model broke")
        return before(self, rows, numbers)

    monkeypatch.setattr(Input, "predicted", sometimes)
    for name in ("out.csv", "out.parquet"):
        calls.clear()
        with pytest.raises(ProjectError, match="the model broke"):
            told(Path("table.csv"), Path(name))
    assert not list(Path().glob("out*")) + list(Path().glob(".*partial"))
