"""The stage `prepare`: messy tables are read, and train and test never share what they must not."""

from pathlib import Path

import polars as pl
import pytest

from {{ cookiecutter.__package_name }}.artifacts import TEST, TRAIN
from {{ cookiecutter.__package_name }}.errors import ProjectError
from {{ cookiecutter.__package_name }}.params import Params, load_params
from {{ cookiecutter.__package_name }}.partition import partition

from .conftest import TinyProject, tiny_table

SCHEMA = """
fields:
- {name: id, type: integer}
- {name: kind, type: string}
- {name: note, type: string, constraints: {maxMissing: 1}}
"""


def sides(params: Params) -> tuple[pl.DataFrame, pl.DataFrame]:
    partition(params)
    return pl.read_parquet(TRAIN), pl.read_parquet(TEST)


def split(method: str, column: str | None = None) -> dict[str, object]:
    return {"method": method, "test_size": 0.3, "seed": 0, "column": column}


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
    partition(load_params())
    before = TRAIN.read_bytes(), TEST.read_bytes()
    partition(load_params())
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
    tiny.set({"data.csv": {"separator": ";", "decimal": ",", "missing": [""]}})
    params = tiny.set({"data.id": ['the "id"'], "data.features": {"include": [], "exclude": []}})
    tiny.propose()
    train, test = sides(params)
    assert train.columns == ['the "id"', "größe, in cm", 'note "x"', "kind"]
    assert train.height + test.height == 40
    assert train["größe, in cm"].to_list() == [i + 0.5 for i in train['the "id"']]
    assert set(train['note "x"']) == {"a; b\nc"}


def test_rows_without_a_target_are_dropped_or_refused(tiny: TinyProject) -> None:
    holes = pl.when(pl.col("id") % 10 == 0).then(None).otherwise(pl.col("kind"))
    tiny_table().with_columns(kind=holes).write_csv("table.csv")
    tiny.propose()
    train, test = sides(load_params())
    assert train.height + test.height == 72
    with pytest.raises(ProjectError, match="8 rows have no target 'kind'"):
        partition(tiny.set({"prepare.drop_missing_target": False}))


@pytest.mark.parametrize(
    ("method", "column", "message"),
    [
        ("group", "hurd", "column in params.yaml names 'hurd', which the table lacks: did you"),
        ("time", "when", "column in params.yaml names 'when', which the table lacks"),
        ("time", "colour", "'colour' is no date, time or number"),
        ("group", "colour", "'colour' splits the rows, but 7 rows have no value there"),
    ],
)
def test_a_column_that_cannot_split_is_named(
    tiny: TinyProject, method: str, column: str, message: str
) -> None:
    with pytest.raises(ProjectError, match=message):
        partition(tiny.set({"prepare.split": split(method, column)}))


@pytest.mark.parametrize("method", ["random", "stratified", "group", "time"])
def test_what_is_wrong_with_the_rows_is_told_first_and_nothing_is_written(
    tiny: TinyProject, method: str
) -> None:
    column = {"group": "herd", "time": "seen"}.get(method)
    params = tiny.set({"prepare.split": split(method, column)})
    partition(params)
    before = TRAIN.read_bytes(), TEST.read_bytes()
    table, no, wrong = tiny_table(), pl.lit(None), pl.lit("x")
    for rows, message in (
        (table.clear(), "table.csv has a header and no rows"),
        (table.with_columns(kind=no, herd=no, seen=no), "'kind': 100.00% .* missing"),
        (table.with_columns(herd=wrong, seen=wrong), "'seen': 80 of 80 .* no date"),
    ):
        rows.write_csv("table.csv")
        with pytest.raises(ProjectError, match=message):
            partition(params)
        assert (TRAIN.read_bytes(), TEST.read_bytes()) == before
        assert {path.name for path in TRAIN.parent.iterdir()} == {TRAIN.name, TEST.name}


@pytest.mark.parametrize(
    ("task", "target", "value"), [("classification", "kind", "big"), ("regression", "weight", 1.5)]
)
def test_a_target_that_never_changes_is_refused(
    tiny: TinyProject, task: str, target: str, value: object
) -> None:
    tiny_table().with_columns(pl.lit(value).alias(target)).write_csv("table.csv")
    with pytest.raises(ProjectError, match=f"the target '{target}' is the same in every row"):
        partition(tiny.set({"data.task": task, "data.target": target}))
    assert not TRAIN.exists()
    assert not TEST.exists()


def test_all_wrong_names_are_told_before_any_stage_needs_them(tiny: TinyProject) -> None:
    params = tiny.set(
        {
            "data.task": "regression",
            "data.id": ["idd"],
            "data.features": {"include": ["wait", "seen"], "exclude": []},
            "evaluate.slices": ["color"],
            "prepare.split": split("stratified"),
        }
    )
    with pytest.raises(ProjectError) as caught:
        partition(params)
    assert [line.strip() for line in str(caught.value).splitlines()] == [
        "data.task is regression, but the target 'kind' is no number",
        "data.id in params.yaml names 'idd', which the table lacks: did you mean 'id'?",
        "prepare.split.method 'stratified' is for classification: use 'random'",
        "data.features.include in params.yaml names 'wait', which the table lacks: did you mean "
        "'weight'?",
        "'seen' is a date, which no estimator takes: derive numbers from it in data.py",
        "evaluate.slices in params.yaml names 'color', which the table lacks: did you mean "
        "'colour'?",
    ]
    assert not Path("data").exists()


def test_a_column_of_data_py_can_be_a_feature_and_a_slice(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    heavy = (pl.col("weight") > 20).cast(pl.String)
    monkeypatch.setattr(
        f"{partition.__module__}.add_features",
        lambda table: table.with_columns(heavy=heavy),
    )
    include = {"include": ["heavy"], "exclude": []}
    train, _ = sides(tiny.set({"data.features": include, "evaluate.slices": ["heavy"]}))
    assert set(train["heavy"]) == {"true", "false"}


def test_columns_that_data_py_cannot_make_are_told(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        f"{partition.__module__}.add_features",
        lambda table: table.with_columns(twice=pl.col("bill") * 2),
    )
    with pytest.raises(ProjectError, match=r"\w+/data\.py cannot run: .*bill"):
        partition(load_params())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1,a,", "2,b"], "line 3 has 2 values, the header 3: complete it"),
        (["1,a,x", '2,"b, c"', "3,d,"], "line 3 has 2 values, the header 3: complete it"),
        (['1,"a', 'b",', "2,c"], "line 4 has 2 values, the header 3: complete it"),
        (["1,a,", "2,b,x,y"], "line 3 has 4 values, the header 3: look for ',' in a text"),
        (["1,a,", '2,"b,x', "3,c,"], "line 3 has a text in quotes that never ends"),
    ],
)
def test_a_line_that_does_not_fit_the_header_is_named(
    tiny: TinyProject, lines: list[str], message: str
) -> None:
    text = "\n".join(["id,kind,note", *lines, *(f"{i},b," for i in range(9, 20))])
    tiny.set({"data.id": [], "data.features": {"include": [], "exclude": []}})
    for ends in ("\n", "\r\n"):
        Path("table.csv").write_bytes(text.replace("\n", ends).encode())
        Path("schema.yaml").write_text(SCHEMA, encoding="utf-8")
        with pytest.raises(ProjectError) as caught:
            partition(load_params())
        assert str(caught.value).startswith(f"table.csv: {message}")


def test_lines_with_an_empty_last_value_are_no_short_lines(tiny: TinyProject) -> None:
    rows = ['1,"a ""b"" c, d",', '2,"e\nf",', "", "3,g,x", *(f"{i},{i}," for i in range(4, 40))]
    Path("table.csv").write_text("\n".join(["id,kind,note", *rows]), encoding="utf-8")
    Path("schema.yaml").write_text(SCHEMA, encoding="utf-8")
    tiny.set({"data.task": "regression", "data.target": "id", "data.id": []})
    train, test = sides(tiny.set({"data.features.exclude": []}))
    assert train.height + test.height == 39
