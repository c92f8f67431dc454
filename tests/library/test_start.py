"""What `model start` finds in a table and what it asks; it changes nothing before it knows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlrepo.adoption import start as adoption
from mlrepo.adoption.dialect import sniff
from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.tables.raw import RawTable

from .conftest import TinyProject

SAID: dict[str, Any] = {"purpose": "Why", "source": "Where", "licence": "MIT"}
ROWS = range(200)


def nobody(option: str, choices: list[str]) -> str:
    raise ProjectError(f"ask {option}: {choices}")


def table(**columns: list[Any]) -> Path:
    """Write a table of 200 rows with an id, a number and a category."""
    first = {"row_id": [f"r{n}" for n in ROWS], "size": [n / 7 for n in ROWS]}
    colours = {"colour": ["red" if n % 3 else "blue" for n in ROWS]}
    pl.DataFrame({**first, **colours, **columns}).write_csv("new.csv")
    return Path("new.csv")


def found(path: Path, ask: adoption.Ask = nobody, **given: Any) -> dict[str, Any]:
    """Return the changes of params.yaml."""
    return adoption.start(path, adoption.Given(**SAID, **given), load_params(), ask).changes


@pytest.mark.parametrize(
    ("target", "task", "method", "estimator"),
    [
        (["a" if n % 2 else "b" for n in ROWS], "classification", "stratified", "Classifier"),
        ([n % 20 for n in ROWS], "classification", "stratified", "Classifier"),
        ([n % 21 for n in ROWS], "regression", "random", "Regressor"),
        ([n / 3 for n in ROWS], "regression", "random", "Regressor"),
        ([float(n % 2) for n in ROWS], "classification", "stratified", "Classifier"),
        (["a" if n else "b" for n in ROWS], "classification", "random", "Classifier"),
    ],
    ids=["texts", "few integers", "many integers", "floats", "two floats", "a class of one row"],
)
def test_task_split_id_and_estimator_follow_from_the_table(
    tiny: TinyProject, target: list[Any], task: str, method: str, estimator: str
) -> None:
    changes = found(table(y=target), target="y")
    assert changes["data.task"] == task
    assert changes["prepare.split.method"] == method
    assert changes["train.estimator"] == f"sklearn.ensemble.RandomForest{estimator}"
    assert changes["data.id"] == ["row_id"]
    assert changes["data.path"] == "data/raw/new.csv"


@pytest.mark.parametrize(("rare", "folds"), [(1, 0), (2, 0), (3, 2), (5, 3), (7, 4), (60, 5)])
def test_there_are_no_more_folds_than_a_class_has_train_rows(
    tiny: TinyProject, rare: int, folds: int
) -> None:
    tiny.set({"train.cross_validation": 5})
    changes = found(table(y=["rare"] * rare + ["often"] * (200 - rare)), target="y")
    assert changes["train.cross_validation"] == folds


def test_what_is_said_counts_and_is_checked(tiny: TinyProject) -> None:
    path = table(y=[n % 2 for n in ROWS])
    changes = found(path, target="size", task="classification", id=["colour"])
    assert (changes["data.task"], changes["data.id"]) == ("classification", ["colour"])
    with pytest.raises(ProjectError, match=r"--target: the table has no column 'siz': did"):
        found(path, target="siz")
    with pytest.raises(ProjectError, match=r"--id: the table has no column 'nr'"):
        found(path, target="y", id=["nr"])


def test_of_many_rows_a_boosting_learns(tiny: TinyProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "_MANY_ROWS", 100)
    changes = found(table(y=[n / 3 for n in ROWS]), target="y")
    assert changes["train.estimator"] == "sklearn.ensemble.HistGradientBoostingRegressor"
    assert changes["train.arguments"] == {}


def test_columns_that_tell_nothing_are_no_features(tiny: TinyProject) -> None:
    path = table(name=[f"n {n}" for n in ROWS], one=[1] * 200, y=[n % 2 for n in ROWS])
    assert found(path, target="y")["data.features.exclude"] == ["name", "one"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize(("decimal", "thousands"), [(".", None), (",", "."), (".", ",")])
def test_how_a_file_is_written_is_found(
    tiny: TinyProject, separator: str, encoding: str, decimal: str, thousands: str | None
) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(0, 100_000, 50).round(2)
    shown = (f"{n:,.2f}" if thousands else f"{n:.2f}" for n in numbers)
    texts = [text.translate({44: thousands or "", 46: decimal}) for text in shown]
    lines = [f'"{text}"{separator}Größe {n}' for n, text in enumerate(texts)]
    text = "\n".join([f"a{separator}b", *lines, ""])
    Path("t.csv").write_bytes(text.encode(encoding))
    dialect = sniff(Path("t.csv"), ("",))
    assert (dialect.separator, dialect.encoding) == (separator, encoding)
    data = tiny.set({"data.path": "t.csv", "data.csv": dialect.model_dump(mode="json")}).data
    schema = {"fields": [{"name": "a", "type": "number"}, {"name": "b", "type": "string"}]}
    Path("schema.yaml").write_text(yaml.dump(schema), encoding="utf-8")
    assert RawTable.open(data).rows.collect()["a"].to_list() == numbers.tolist()


def test_what_means_no_value_becomes_missing(tiny: TinyProject) -> None:
    numbers: list[Any] = ["N/A", *map(str, range(1, 199)), "-"]
    changes = found(table(y=numbers), target="y")
    assert changes["data.csv.missing"] == ["", "NA", "-", "N/A"]
    assert changes["data.task"] == "regression"


def test_questions_are_asked_and_their_answers_count(tiny: TinyProject) -> None:
    path = table(day=["11/2/2024"] * 199 + ["3/4/2024"], y=[n % 2 for n in ROWS])
    asked = []

    def ask(option: str, choices: list[str]) -> str:
        asked.append(option)
        return {"--format day=": "%m/%d/%Y", "--target": "y"}.get(option, f"said {option}")

    changed = adoption.start(path, adoption.Given(), load_params(), ask)
    assert asked == ["--format day=", "--target", "--purpose", "--source", "--licence"]
    assert changed.changes["card.data.licence"] == "said --licence"
    [day] = [field for field in changed.proposal.fields if field["name"] == "day"]
    assert day == {"name": "day", "type": "date", "format": "%m/%d/%Y"}
    said = changed.as_text()
    assert "dates: day (no features unless train.preprocessing.dates encodes them)\n" in said
    for ids, left_out, line in (
        ([], [], "no column is an id (--id)"),
        (["n"], ["a", "b"], "id: n (--id); left out of the features: a, b"),
    ):
        more = {"data.id": ids, "data.features.exclude": left_out}
        assert f"\n{line}\n" in replace(changed, changes=changed.changes | more).as_text()


@pytest.mark.parametrize("lacks", ["target", "purpose", "source", "licence"])
def test_nothing_changes_without_an_answer(tiny: TinyProject, lacks: str) -> None:
    path = table(y=[n % 2 for n in ROWS])
    before = {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()}
    given = {**SAID, "target": "y", lacks: None}
    with pytest.raises(ProjectError, match=f"ask --{lacks}"):
        adoption.start(path, adoption.Given(**given), load_params(), nobody)
    assert {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()} == before


def test_a_table_that_dvc_does_not_take_leaves_nothing(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: str) -> None:
        raise ProjectError("no")

    Path("data/raw").mkdir(parents=True)
    monkeypatch.setattr(adoption, "dvc_in_silence", refuse)
    taken = adoption.start(
        table(y=[n % 2 for n in ROWS]), adoption.Given(**SAID, target="y"), load_params(), nobody
    )
    before = Path("params.yaml").read_bytes(), Path("schema.yaml").read_bytes()
    with pytest.raises(ProjectError, match="no"):
        taken.write(load_params())
    assert (Path("params.yaml").read_bytes(), Path("schema.yaml").read_bytes()) == before
    assert list(Path("data/raw").iterdir()) == []


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Path("none.csv"), "none.csv does not exist"),
        (lambda: Path("schema.yaml"), "schema.yaml is no table"),
    ],
)
def test_what_is_no_table_is_refused(
    tiny: TinyProject, make: Callable[[], Path], says: str
) -> None:
    with pytest.raises(ProjectError, match=says):
        found(make(), target="y")


def test_a_table_of_that_name_is_not_replaced(tiny: TinyProject) -> None:
    Path("data/raw").mkdir(parents=True)
    Path("data/raw/new.csv").write_text("a\n1\n", encoding="utf-8")
    path = table(y=[n % 2 for n in ROWS])
    with pytest.raises(ProjectError, match=r"data/raw/new\.csv is there already"):
        found(path, target="y")
    Path("data/raw/new.csv").write_bytes(path.read_bytes())  # as an earlier try left it
    assert found(path, target="y")["data.path"] == "data/raw/new.csv"


def test_other_values_leave_comments_and_layout(tiny: TinyProject) -> None:
    text = "# one\na: {b: [], c: 1}\n# two\nd:\n- x\n# three\ne: 'y'\n"
    changes = {"a.b": ["p q"], "d": [], "e": "01"}
    assert yaml.edited(text, {}) == text
    mapping = "a:\n  b: 1\n# two\nc: 2\n"
    assert yaml.edited(mapping, {"a": {}}) == "a: {}\n# two\nc: 2\n"
    assert yaml.edited(mapping, {"a": {"x": 1, "y": 2}}) == "a:\n  x: 1\n  y: 2\n# two\nc: 2\n"
    assert yaml.edited(text, {"d": ["y", "z"]}) == text.replace("- x", "- y\n- z")
    changed = yaml.edited(text, changes)
    assert changed == "# one\na: {b: [p q], c: 1}\n# two\nd: []\n# three\ne: '01'\n"
