"""A target that data.py makes: the table need not have it, and nothing that gives it away helps."""

import re
from pathlib import Path

import polars as pl
import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.core.files import read_json
from mlrepo.core.owner import load_params
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import MODEL, ROWS, TEST, TRAIN
from mlrepo.learning import model_file
from mlrepo.learning.features import Features, select
from mlrepo.prediction import write
from mlrepo.prediction.predictor import Predictor
from mlrepo.tables.schema import load_schema
from penguins import data, prepare

from .conftest import TinyProject, tiny_table
from .test_stages import run

LATE = pl.col("delay") > 15
OWN = {
    "data.target": "late",
    "data.features": {"include": [], "exclude": ["herd", "kind", "delay"]},
    "prepare.split.method": "stratified",
}


def flights() -> pl.DataFrame:
    """The tiny table with delays of 0 to 39 minutes, of which some are unknown."""
    rows = range(80)
    delay = [None if i % 16 == 3 else i * 29 % 40 for i in rows]
    price = [f"${i * 13 % 70 + 1},000" if i % 20 else "sold" for i in rows]
    return tiny_table().with_columns(pl.Series("delay", delay), pl.Series("price", price))


@pytest.fixture
def late(tiny: TinyProject, monkeypatch: pytest.MonkeyPatch) -> TinyProject:
    """A project whose data.py makes `late` of `delay`."""
    flights().write_csv("table.csv")
    tiny.propose()
    make(monkeypatch, LATE)
    tiny.set(OWN)
    return tiny


def make(monkeypatch: pytest.MonkeyPatch, target: object) -> None:
    monkeypatch.setattr(data, "target", lambda: target)


def prepared(params: LibraryParams | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    prepare.main(params or load_params())
    return pl.read_parquet(TRAIN), pl.read_parquet(TEST)


def test_it_is_made_checked_and_divided(late: TinyProject) -> None:
    train, test = prepared()
    known = flights().to_pandas().dropna(subset=["delay"])
    truth = dict(zip(known["id"], known["delay"] > 15, strict=True))
    both = pl.concat([train, test])
    assert dict(zip(both["id"], both["late"], strict=True)) == truth
    for value in (True, False):
        of_class = sum(each == value for each in truth.values())
        assert test["late"].to_list().count(value) == round(0.3 * of_class)
    assert read_json(ROWS)["rows"]["no_target"] == 5


@pytest.mark.parametrize("method", ["random", "stratified"])
@pytest.mark.parametrize("ids", [["id"], []])
def test_another_threshold_moves_a_row_by_the_shares_alone(
    late: TinyProject, monkeypatch: pytest.MonkeyPatch, method: str, ids: list[str]
) -> None:
    sides = []
    for limit in (15, 20):
        make(monkeypatch, pl.col("delay") > limit)
        _, test = prepared(late.set({"prepare.split.method": method, "data.id": ids}))
        sides.append(set(test["id"]))
    moved = len(sides[0] ^ sides[1])
    assert moved == 0 if method == "random" else moved < 12


def test_text_becomes_the_number_that_it_stands_for(
    late: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = pl.col("price").str.strip_chars("$").str.replace(",", "")
    make(monkeypatch, bare.cast(pl.Float64, strict=False))
    of_price = {"data.target": "price", "data.task": "regression"}
    params = late.set(of_price | {"prepare.split.method": "random"})
    both = pl.concat(prepared(params))
    known = flights().to_pandas().query("price != 'sold'")
    truth = known["price"].str.replace(r"[$,]", "", regex=True).astype(float)
    assert dict(both.select("id", "price").iter_rows()) == dict(
        zip(known["id"], truth, strict=True)
    )
    with pytest.raises(ProjectError, match="4 rows have no target 'price'"):
        prepare.main(late.set({"prepare.drop_missing_target": False}))
    make(monkeypatch, bare.cast(pl.Float64))
    with pytest.raises(ProjectError) as refused:
        prepare.main(load_params())
    assert "penguins/data.py cannot make its columns of some rows" in str(refused.value)
    assert "strict=False" in str(refused.value)
    assert "sold" not in str(refused.value)


def test_a_model_of_it_predicts_without_what_it_is_made_of(late: TinyProject) -> None:
    params = load_params()
    run(params)
    model = model_file.load(MODEL)
    assert not {"delay", "late"} & set(model.feature_names_in_)
    new = flights().drop("delay")
    new.write_csv("new.csv")
    schema = load_schema(Path("schema.yaml"))
    by = Predictor(model, "v1.0.0", "", params.data, schema, data.add_features)
    write.predict(by, Path("new.csv"), Path("out.csv"), set_aside=False, tell=print)
    twin = model.predict(select(new, Features(("size", "weight"), ("colour", "price"))))
    assert pl.read_csv("out.csv")["prediction"].to_list() == twin.tolist()


@pytest.mark.parametrize(
    ("exclude", "features"),
    [([], "['delay', 'slow']"), (["delay"], "['slow']")],
)
def test_a_feature_that_gives_it_away_is_refused(
    late: TinyProject,
    monkeypatch: pytest.MonkeyPatch,
    exclude: list[str],
    features: str,
) -> None:
    monkeypatch.setattr(prepare, "add_features", with_slow)
    with pytest.raises(ProjectError) as refused:
        prepare.main(late.set({"data.features.exclude": ["herd", "kind", *exclude]}))
    says = str(refused.value)
    assert f"the target 'late' of ['delay'], and the features {features} are made of" in says
    assert "Add them to data.features.exclude in params.yaml" in says


def test_a_feature_that_is_named_is_meant(
    late: TinyProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prepare, "add_features", with_slow)
    train, _ = prepared(late.set({"data.features": {"include": ["size", "slow"], "exclude": []}}))
    assert "slow" in train
    warned = capsys.readouterr().err
    assert warned.startswith("warning: data.py makes the target 'late' of ['delay']")
    assert "['slow']" in warned


def with_slow(table: pl.LazyFrame) -> pl.LazyFrame:
    return table.with_columns(slow=pl.col("delay") / 2)


@pytest.mark.parametrize(
    ("target", "changes", "says"),
    [
        (None, {}, "names 'late', which the table lacks; `target` in data.py can make it"),
        (pl.col("dely") > 1, {}, "target in penguins/data.py cannot run: unable to find column"),
        ("delay", {}, "returns str: it must be an expression of polars"),
        (LATE, {"data.task": "regression"}, "the target 'late' is no number"),
        (pl.lit(value=True), {}, "the target 'late' is the same in every row"),
        (pl.when(pl.col("id") == 3).then(1).otherwise(0), {}, "has one row"),
    ],
)
def test_what_is_wrong_with_it_is_told(
    late: TinyProject,
    monkeypatch: pytest.MonkeyPatch,
    target: object,
    changes: dict[str, object],
    says: str,
) -> None:
    make(monkeypatch, target)
    with pytest.raises(ProjectError, match=re.escape(says)):
        prepare.main(late.set({"prepare.split.method": "random", **changes}))
    assert not TRAIN.exists()


def test_rows_without_it_need_no_weight(late: TinyProject) -> None:
    table = flights().with_columns(counts=pl.col("delay") * 0 + 2)
    table.write_csv("table.csv")
    late.propose()
    train, _ = prepared(late.set({"data.weight": "counts"}))
    assert train["counts"].to_list() == [2] * train.height


def test_an_older_data_py_has_no_such_function(
    late: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(data, "target")
    train, _ = prepared(late.set({"data.target": "kind", "data.features.exclude": ["herd"]}))
    assert "late" not in train
