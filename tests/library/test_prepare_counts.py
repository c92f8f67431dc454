"""What *prepare* says of the split, counted again by pandas on the files that it wrote."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mlrepo.core.paths import TEST, TRAIN
from mlrepo.tables import spill, write
from penguins import prepare

from .conftest import TinyProject
from .test_split import params

FEATURES = ["size", "weight", "colour"]


def counted() -> dict[str, Any]:
    """Return the split of the two files by pandas."""
    train, test = pd.read_parquet(TRAIN), pd.read_parquet(TEST)
    like = test.merge(train[FEATURES].drop_duplicates(), on=FEATURES)
    share = len(test) / (len(train) + len(test))
    return {"test_share": round(share, 4), "test_rows_like_train": len(like)}


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]


def survey(tiny: TinyProject, rows: int, kinds: int) -> None:
    """Write a table of so many different answers; whoever answers gets a number of their own."""
    numbers = range(rows)
    pl.DataFrame(
        {
            "id": list(numbers),
            "size": [float(i % kinds) for i in numbers],
            "weight": [0.5 * (i % 7 % kinds) for i in numbers],
            "colour": [("red", "green", None)[i % kinds % 3] for i in numbers],
            "herd": [f"herd {i * 7 % 3}" for i in numbers],
            "kind": ["big" if i % 5 > 2 else "small" for i in numbers],
        }
    ).write_csv("table.csv")
    tiny.propose()


@pytest.mark.parametrize(("kinds", "told"), [(4, True), (500, False)])
@pytest.mark.parametrize("method", ["random", "stratified"])
def test_test_rows_like_train_rows_are_counted_and_told(
    tiny: TinyProject, capsys: pytest.CaptureFixture[str], method: str, kinds: int, told: bool
) -> None:
    survey(tiny, 500, kinds)
    prepare.main(tiny.set({"prepare.split.method": method}))
    found = json.loads(Path("metrics/prepare.json").read_text(encoding="utf-8"))["split"]
    assert found == counted()
    test = pl.read_parquet(TEST).height
    advice = "if they are copies, set prepare.split.equal_features to together"
    advice += " and prepare.split.method to random" if method == "stratified" else ""
    words = f"warning: {found['test_rows_like_train']} of {test} test rows have the features of a"
    assert said(capsys) == ([f"{words} train row; {advice}"] if told else [])


@pytest.mark.parametrize("method", ["random", "stratified"])
def test_who_follows_the_advice_on_copies_has_none_on_both_sides(
    tiny: TinyProject, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    survey(tiny, 500, 40)
    prepare.main(tiny.set({"prepare.split.method": method}))
    _, advice = said(capsys)[0].split("if they are copies, set ")
    prepare.main(tiny.set(dict(each.split(" to ") for each in advice.split(" and "))))
    assert not [line for line in said(capsys) if "features of a train row" in line]
    assert counted()["test_rows_like_train"] == 0


def test_copies_that_stay_together_are_on_one_side(tiny: TinyProject) -> None:
    survey(tiny, 500, 40)
    prepare.main(tiny.set({"prepare.split.equal_features": "together"}))
    found = json.loads(Path("metrics/prepare.json").read_text(encoding="utf-8"))["split"]
    assert found == counted()
    assert found["test_rows_like_train"] == 0


def test_a_share_that_is_off_is_told(tiny: TinyProject, capsys: pytest.CaptureFixture[str]) -> None:
    """Three herds: a third of the rows is the nearest to a half that whole herds come to."""
    survey(tiny, 600, 600)
    by_herd = {"method": "group", "column": "herd", "test_size": 0.5}
    prepare.main(tiny.set({f"prepare.split.{key}": value for key, value in by_herd.items()}))
    found = json.loads(Path("metrics/prepare.json").read_text(encoding="utf-8"))["split"]
    assert found == counted()
    assert abs(found["test_share"] - 0.5) > 0.1
    share = f"{found['test_share']:.1%}"
    assert said(capsys)[0].startswith(f"warning: the test has {share} of the rows, and 50.0% were")


@pytest.mark.parametrize(
    ("asked", "rows", "told"),
    [
        (0.25, 26_500, "26.5% of the rows, and 25.0% were"),
        (0.25, 24_500, None),
        (0.01, 100, "0.1% of the rows, and 1.0% were"),
        (0.01, 1_900, "1.9% of the rows, and 1.0% were"),
        (0.01, 1_090, None),
        (0.002, 120, "0.120% of the rows, and 0.200% were"),
        (0.99, 98_000, "98.0% of the rows, and 99.0% were"),
    ],
)
def test_how_far_a_share_may_be_off_is_a_share_of_it(
    capsys: pytest.CaptureFixture[str], asked: float, rows: int, told: str | None
) -> None:
    asked_for = params(test_size=asked).prepare.split
    counts = {"train": 100_000 - rows, "test": rows}
    write._warn({"test_share": rows / 1e5, "test_rows_like_train": 0}, counts, asked_for, 2)
    start = f"warning: the test has {told} asked for: rows that stay together are many"
    lines = said(capsys)
    assert [line[: len(start)] for line in lines] == ([] if told is None else [start])


@pytest.mark.parametrize(
    ("method", "test", "told"),
    [
        ("random", 50, False),
        ("stratified", 50, True),
        ("stratified", 80, False),
        ("stratified", 82, True),
        ("time", 50, True),
        ("time", 72, False),
        ("time", 70, True),
    ],
)
def test_a_method_that_tosses_no_coin_has_no_luck(
    capsys: pytest.CaptureFixture[str], method: str, test: int, told: bool
) -> None:
    column = {"column": "day"} if method == "time" else {}
    split = params(method=method, test_size=0.25, **column).prepare.split
    counts, classes = {"train": 300 - test, "test": test}, 0 if method == "time" else 2
    write._warn({"test_rows_like_train": 0}, counts, split, classes)
    assert bool(said(capsys)) == told


def test_a_class_without_a_test_row_is_told(
    tiny: TinyProject, capsys: pytest.CaptureFixture[str]
) -> None:
    """All rows of a class in one id: a side of its own is what the id asks for."""
    of_kinds = [*["a"] * 60, *["b"] * 60, *["c"] * 3]
    ids = [*range(120), *[120] * 3]
    size = [float(i) for i in range(len(ids))]
    table = {"id": ids, "size": size, "herd": ids, "kind": of_kinds}
    pl.DataFrame(table).write_csv("table.csv")
    tiny.propose()
    prepare.main(tiny.set({"prepare.split.method": "stratified", "data.id": ["id"]}))
    told = "warning: no test row has the class 'c' of 'kind': no score tells how well a model "
    assert said(capsys) == [f"{told}knows it"]


@pytest.mark.parametrize("at_once", [3, 50, 10_000])
def test_what_is_in_both_is_counted_in_parts_as_well(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(spill, "AT_ONCE", at_once)
    rng = np.random.default_rng(at_once)
    for most in (3, 60, 2**63 - 1):
        for sizes in ((0, 5), (5, 0), (1, 1), (40, 70)):
            # Even ones: the lowest bit is not looked at.
            few, many = (2 * rng.integers(0, most, size, dtype=np.uint64) for size in sizes)
            tables = (pl.LazyFrame({"hash": hashes}) for hashes in (few, many))
            assert write._in_both(*tables) == np.isin(few, many).sum()
