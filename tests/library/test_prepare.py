"""The stage `prepare`: messy tables are read, and train and test never share what they must not."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import TEST, TRAIN
from penguins import prepare

from .conftest import CSV, TinyProject, tiny_table


def sides(params: LibraryParams) -> tuple[pl.DataFrame, pl.DataFrame]:
    prepare.main(params)
    return pl.read_parquet(TRAIN), pl.read_parquet(TEST)


def split(method: str, column: str | None = None) -> dict[str, object]:
    return {
        "method": method,
        "test_size": 0.3,
        "seed": 0,
        "column": column,
        "equal_features": "apart",
    }


def test_every_row_is_on_one_side(tiny: TinyProject) -> None:
    train, test = sides(load_params())
    assert sorted([*train["id"], *test["id"]]) == list(range(80))
    assert 14 <= test.height <= 34


def test_old_rows_keep_their_side_when_the_table_grows(tiny: TinyProject) -> None:
    _, test = sides(load_params())
    tiny_table(200).write_csv("table.csv")
    tiny.propose()
    _, larger = sides(load_params())
    assert larger["id"].filter(larger["id"] < 80).to_list() == test["id"].to_list()


def test_without_an_id_the_content_of_a_row_decides(tiny: TinyProject) -> None:
    params = tiny.set({"data.id": []})
    _, test = sides(params)
    tiny_table()[::-1].write_csv("table.csv")
    _, of_reversed = sides(params)
    assert of_reversed["id"].to_list() == test["id"].to_list()[::-1]


def test_the_seed_changes_the_sides(tiny: TinyProject) -> None:
    _, test = sides(load_params())
    _, other = sides(tiny.set({"prepare.split.seed": 1}))
    assert test["id"].to_list() != other["id"].to_list()


def test_a_stratified_split_keeps_the_shares(tiny: TinyProject) -> None:
    train, test = sides(tiny.set({"prepare.split": split("stratified")}))
    for kind in ("big", "small"):
        in_train, in_test = train.filter(kind=kind).height, test.filter(kind=kind).height
        assert in_test == round(0.3 * (in_train + in_test))


def test_a_group_is_never_on_both_sides(tiny: TinyProject) -> None:
    train, test = sides(tiny.set({"prepare.split": split("group", "herd")}))
    assert not set(train["herd"]) & set(test["herd"])
    assert {*train["herd"], *test["herd"]} == set(tiny_table()["herd"])


def test_test_rows_are_strictly_later(tiny: TinyProject) -> None:
    train, test = sides(tiny.set({"prepare.split": split("time", "seen")}))
    assert test["seen"].min() > train["seen"].max()  # type: ignore[operator]
    assert test.height == 24


def test_bytes_depend_on_content_alone(tiny: TinyProject) -> None:
    prepare.main(load_params())
    before = TRAIN.read_bytes(), TEST.read_bytes()
    prepare.main(load_params())
    assert (TRAIN.read_bytes(), TEST.read_bytes()) == before


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_folder_of_parts_is_one_table(tiny: TinyProject, kind: str) -> None:
    whole = sides(load_params())
    Path("parts/2024").mkdir(parents=True)
    for number, part in enumerate(tiny_table().iter_slices(30)):
        path = f"parts/2024/{number}.{kind}"
        part.write_csv(path) if kind == "csv" else part.write_parquet(path)
    parts = sides(tiny.set({"data.path": "parts"}))
    assert all(a.equals(b) for a, b in zip(whole, parts, strict=True))


def test_a_messy_csv_is_read(tiny: TinyProject) -> None:
    Path("table.csv").write_bytes(
        b"\xef\xbb\xbf"  # the mark that spreadsheet programs write first
        + 'the "id";"größe, in cm";note "x"";kind\r\n'.replace('the "id"', '"the ""id"""')
        .replace('note "x""', '"note ""x"""')
        .encode()
        + "".join(f'{i};" {i},5 ";"a; b\nc";{"ab"[i % 2]}\r\n' for i in range(40)).encode()
        + b"\r\n"
    )
    tiny.set({"data.csv": {**CSV, "separator": ";", "decimal": ",", "missing": [""]}})
    params = tiny.set({"data.id": ['the "id"'], "data.features": {"include": [], "exclude": []}})
    tiny.propose()
    train, test = sides(params)
    assert train.columns == ['the "id"', "größe, in cm", 'note "x"', "kind"]
    assert train.height + test.height == 40
    assert train["größe, in cm"].to_list() == [i + 0.5 for i in train['the "id"']]
    assert set(train['note "x"']) == {"a; b\nc"}


def test_a_column_of_data_py_can_be_a_feature_and_a_slice(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    heavy = (pl.col("weight") > 20).cast(pl.String)
    monkeypatch.setattr(
        f"{prepare.__name__}.add_features",
        lambda table: table.with_columns(heavy=heavy),
    )
    include = {"include": ["heavy"], "exclude": []}
    train, _ = sides(tiny.set({"data.features": include, "evaluate.slices": ["heavy"]}))
    assert set(train["heavy"]) == {"true", "false"}


def known_values(table: pl.LazyFrame) -> pl.LazyFrame:
    """Count what a row has, in all columns but the target."""
    there = pl.all().exclude("kind").is_not_null()
    return table.with_columns(known=pl.sum_horizontal(there).cast(pl.Int64))


def three_columns(table: pl.LazyFrame) -> pl.LazyFrame:
    """Leave columns out."""
    return table.select("id", "kind", twice=pl.col("weight") * 2)


@pytest.mark.parametrize("add_features", [known_values, three_columns])
@pytest.mark.parametrize("method", ["random", "stratified"])
def test_a_feature_is_the_same_as_for_a_prediction(
    tiny: TinyProject,
    monkeypatch: pytest.MonkeyPatch,
    add_features: Callable[[pl.LazyFrame], pl.LazyFrame],
    method: str,
) -> None:
    """It sees the columns of the table, and no other one that the split needs."""
    monkeypatch.setattr(f"{prepare.__name__}.add_features", add_features)
    params = tiny.set({"prepare.split": split(method), "data.features.exclude": []})
    written = pl.concat(sides(params)).sort("id")
    raw = tiny_table().lazy()
    assert_frame_equal(written, add_features(raw).collect().select(written.columns))


def test_values_that_are_equal_are_not_unique_however_they_are_written(tiny: TinyProject) -> None:
    text = Path("table.csv").read_text(encoding="utf-8")
    Path("table.csv").write_text(text.replace("\n1,", "\n+2,", 1), encoding="utf-8")
    schema = yaml.load(Path("schema.yaml"))
    schema["fields"][0]["constraints"] = {"unique": True}
    Path("schema.yaml").write_text(yaml.dump(schema), encoding="utf-8")
    with pytest.raises(ProjectError, match="'id': values occur more than once"):
        prepare.main(load_params())
