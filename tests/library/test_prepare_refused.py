"""Tables that the stage `prepare` refuses: one message names all that is wrong, and the fix."""

from pathlib import Path

import polars as pl
import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.core.paths import TEST, TRAIN
from penguins import prepare

from .conftest import TinyProject, tiny_table
from .test_prepare import sides, split

SCHEMA = """
fields:
- {name: id, type: integer}
- {name: kind, type: string}
- {name: note, type: string, constraints: {maxMissing: 1}}
"""


def test_rows_without_a_target_are_dropped_or_refused(tiny: TinyProject) -> None:
    holes = pl.when(pl.col("id") % 10 == 0).then(None).otherwise(pl.col("kind"))
    tiny_table().with_columns(kind=holes).write_csv("table.csv")
    tiny.propose()
    train, test = sides(load_params())
    assert train.height + test.height == 72
    with pytest.raises(ProjectError, match="8 rows have no target 'kind'"):
        prepare.main(tiny.set({"prepare.drop_missing_target": False}))


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
        prepare.main(tiny.set({"prepare.split": split(method, column)}))


@pytest.mark.parametrize("method", ["random", "together", "stratified", "group", "time"])
def test_what_is_wrong_with_the_rows_is_told_first_and_nothing_is_written(
    tiny: TinyProject, method: str
) -> None:
    column = {"group": "herd", "time": "seen"}.get(method)
    divide = split("random" if method == "together" else method, column)
    equal = "together" if method == "together" else "apart"
    params = tiny.set({"prepare.split": {**divide, "equal_features": equal}})
    prepare.main(params)
    before = TRAIN.read_bytes(), TEST.read_bytes()
    table, no, wrong = tiny_table(), pl.lit(None), pl.lit("x")
    for rows, message in (
        (table.clear(), "table.csv has a header and no rows"),
        (table.with_columns(kind=no, herd=no, seen=no), "'kind': 100.00% .* missing"),
        (table.with_columns(herd=wrong, seen=wrong), "'seen': 80 of 80 .* no date"),
    ):
        rows.write_csv("table.csv")
        with pytest.raises(ProjectError, match=message):
            prepare.main(params)
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
        prepare.main(tiny.set({"data.task": task, "data.target": target}))
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
        prepare.main(params)
    assert [line.strip() for line in str(caught.value).splitlines()] == [
        "data.task is regression, but the target 'kind' is no number",
        "data.id in params.yaml names 'idd', which the table lacks: did you mean 'id'?",
        "prepare.split.method 'stratified' is for classification: use 'random'",
        "data.features.include in params.yaml names 'wait', which the table lacks: did you mean "
        "'weight'?",
        "'seen' is a date, which no estimator takes: set train.preprocessing.dates in "
        "params.yaml to parts or cyclic, or derive numbers from it in data.py",
        "evaluate.slices in params.yaml names 'color', which the table lacks: did you mean "
        "'colour'?",
    ]
    assert not Path("data").exists()


def add_twice(table: pl.LazyFrame) -> pl.LazyFrame:
    return table.with_columns(twice=pl.col("bill") * 2)


def test_columns_that_data_py_cannot_make_are_told(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        f"{prepare.__name__}.add_features",
        add_twice,
    )
    where = r"add_twice in library/test_prepare_refused\.py cannot run: .*bill"
    with pytest.raises(ProjectError, match=where):
        prepare.main(load_params())


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
            prepare.main(load_params())
        assert str(caught.value).startswith(f"table.csv: {message}")


def test_lines_with_an_empty_last_value_are_no_short_lines(tiny: TinyProject) -> None:
    rows = ['1,"a ""b"" c, d",', '2,"e\nf",', "", "3,g,x", *(f"{i},{i}," for i in range(4, 40))]
    Path("table.csv").write_text("\n".join(["id,kind,note", *rows]), encoding="utf-8")
    Path("schema.yaml").write_text(SCHEMA, encoding="utf-8")
    tiny.set({"data.task": "regression", "data.target": "id", "data.id": []})
    train, test = sides(tiny.set({"data.features.exclude": []}))
    assert train.height + test.height == 39
