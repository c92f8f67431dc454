"""The split: independent of the label, blind to the order of rows, steady as rows come and go.

Tables are drawn by kinds: texts and categories alone, with many repeats, mixed, numbers alone.
"""

import math
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.sections import parse
from mlrepo.tables import split
from penguins import data

from .conftest import template_yaml

pytestmark = pytest.mark.usefixtures("folder_of_its_own")
ROUNDS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
TEXTS = st.one_of(st.none(), st.sampled_from(["a", "b", "é ü", ""]), st.text(max_size=5))
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "kind": st.sampled_from(["x", "y", "z"]),
    "number": st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.5, 1e16]), st.floats(-9, 9)),
    "count": st.one_of(st.none(), st.integers(0, 3), st.integers(-(2**63), 2**63 - 1)),
    "flag": st.one_of(st.none(), st.booleans()),
    "day": st.one_of(st.none(), st.dates(date(1950, 1, 1), date(2050, 1, 1))),
}
TYPES = {
    "text": pl.String,
    "kind": pl.String,
    "number": pl.Float64,
    "count": pl.Int64,
    "flag": pl.Boolean,
    "day": pl.Date,
    "y": pl.String,
}
KINDS = (["kind"], ["kind", "flag"], ["text", "number", "day"], ["number", "count"], list(COLUMNS))


@st.composite
def tables(draw: st.DrawFn, least: int = 4) -> pl.DataFrame:
    """Return a table of one of the kinds, of which some rows may stand several times."""
    names = draw(st.sampled_from(KINDS))
    cells = st.tuples(*(COLUMNS[name] for name in names), st.sampled_from(["yes", "no", None]))
    rows = draw(st.lists(cells, min_size=least, max_size=40))
    rows += draw(st.lists(st.sampled_from(rows), max_size=20))
    schema = {name: TYPES[name] for name in [*names, "y"]}
    return pl.DataFrame(rows, schema=schema, orient="row")


def params(**changes: object) -> LibraryParams:
    """Return params.yaml of the template for a table whose target is `y`, with another split."""
    content = template_yaml("params.yaml")
    content["data"] |= {"target": "y", "id": changes.pop("id", [])}
    content["data"]["features"]["include"] = changes.pop("include", [])
    content["prepare"]["split"] |= {"method": "random", **changes}
    return parse(content, LibraryParams, "params.yaml")


def divided(table: pl.DataFrame, made: LibraryParams) -> tuple[pl.DataFrame, pl.DataFrame]:
    train, test = pl.collect_all(list(split.divide(table.lazy(), made)), engine="streaming")
    return train, test


def rows(table: pl.DataFrame) -> Counter[tuple[object, ...]]:
    """Return how often each row stands there; -0.0 is 0.0."""
    return Counter(tuple(v + 0.0 if isinstance(v, float) else v for v in r) for r in table.rows())


@ROUNDS
@given(tables(), st.randoms(use_true_random=False), st.integers(0, 9))
def test_every_row_is_on_one_side_whatever_the_order(
    table: pl.DataFrame, random: Any, seed: int
) -> None:
    train, test = divided(table, params(seed=seed))
    assert rows(train) + rows(test) == rows(table.drop_nulls("y"))
    order = list(range(table.height))
    random.shuffle(order)
    shuffled = divided(table[order], params(seed=seed))
    assert [rows(side) for side in shuffled] == [rows(train), rows(test)]


@ROUNDS
@given(tables(), st.data())
def test_rows_that_come_or_go_move_no_other_row(table: pl.DataFrame, data: st.DataObject) -> None:
    """Of rows that are equal any one may go: the others hold as many places on each side, or one
    place less on the side of the one that went."""
    kept = data.draw(st.lists(st.booleans(), min_size=table.height, max_size=table.height))
    fewer = table.filter(pl.Series(kept))
    some, many = divided(fewer, params()), divided(table, params())
    for before, after in zip(some, many, strict=True):
        assert not rows(before) - rows(after)


@ROUNDS
@given(tables(), st.sampled_from([0.1, 0.25, 0.5]), st.sampled_from([(), ("id",)]))
def test_the_formula_is_the_one_of_the_docs(
    table: pl.DataFrame, share: float, key: tuple[str, ...]
) -> None:
    """Written again in plain Python: docs/scale.md promises that any engine can repeat it."""
    table = table.with_row_index("id").cast({"id": pl.Int64})
    names = list(key) or sorted(table.columns)
    _, test = divided(table, params(id=list(key), test_size=share, seed=7))
    texts = [name for name in names if table.schema[name] == pl.String]
    others = [name for name in names if table.schema[name] != pl.String]
    wanted = []
    for row in table.rows(named=True):
        number = mix(8)
        if texts:
            parts = ["\x00" if row[name] is None else row[name] for name in texts]
            number = mix(zlib.crc32("\x1f".join(parts).encode()) ^ number)
        for name in others:
            number = mix(code(row[name]) ^ number)
        if row["y"] is not None and number < math.ceil(share * 2**32):
            wanted.append(row["id"])
    assert test["id"].to_list() == wanted


def mix(number: int) -> int:
    """The finalizer of MurmurHash3."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        number = (number ^ number >> shift) * factor % 2**32
    return number ^ number >> 16


def code(value: object) -> int:
    if value is None:
        return 0x9E3779B9
    if isinstance(value, date):
        value = (value - date(1970, 1, 1)).days
    packed = (
        struct.pack("<d", value + 0.0)
        if isinstance(value, float)
        else int(value).to_bytes(  # type: ignore[call-overload]
            8, "little", signed=True
        )
    )
    low, high = struct.unpack("<II", packed)
    return int(low) ^ mix(high)


def test_minus_zero_is_zero() -> None:
    values = [float(n) for n in range(50)]
    there = pl.DataFrame({"x": [0.0, *values[1:]], "y": ["yes"] * 50})
    other = pl.DataFrame({"x": [-0.0, *values[1:]], "y": ["yes"] * 50})
    for seed in range(8):
        sides = [divided(table, params(seed=seed))[1]["x"].to_list() for table in (there, other)]
        assert sides[0] == sides[1]


def test_equal_features_that_are_copies_stay_together() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame(
        {"x": rng.integers(0, 60, 400), "c": rng.choice(["a", "b"], 400), "y": ["yes", "no"] * 200}
    )
    train, test = divided(table, params(equal_features="together", seed=1))
    assert rows(train) + rows(test) == rows(table)
    assert train.join(test, on=["x", "c"], how="semi").is_empty()
    apart = divided(table, params(seed=1))
    assert not apart[0].join(apart[1], on=["x", "c"], how="semi").is_empty()
    with pytest.raises(ProjectError, match="'stratified' keeps no rows with equal features"):
        params(method="stratified", equal_features="together")


def made_of_x(table: pl.LazyFrame) -> pl.LazyFrame:
    """Add a coarser column."""
    return table.with_columns(tens=pl.col("x").round() // 10)


def rounded(table: pl.LazyFrame) -> pl.LazyFrame:
    """Overwrite a feature by a coarser one, that is absent now and then."""
    whole = pl.when(pl.col("x") < 90).then(pl.col("x").round()).otherwise(float("nan"))
    return table.with_columns(x=whole)


def left_out(table: pl.LazyFrame) -> pl.LazyFrame:
    """Leave out what tells rows apart."""
    return table.select("c", "y", day=pl.col("x").cast(pl.UInt64))


@pytest.mark.parametrize(
    ("add_features", "include", "keys"),
    [
        (made_of_x, ["tens"], ["tens"]),
        (made_of_x, ["tens", "c"], ["c", "tens"]),
        (rounded, [], ["x", "c"]),
        (left_out, [], ["c", "day"]),
    ],
)
def test_equal_features_are_those_that_the_model_sees(
    monkeypatch: pytest.MonkeyPatch,
    add_features: Callable[[pl.LazyFrame], pl.LazyFrame],
    include: list[str],
    keys: list[str],
) -> None:
    monkeypatch.setattr(data, "add_features", add_features)
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"x": rng.uniform(0, 100, 1000), "c": rng.choice(["a", "b"], 1000)})
    table = table.with_columns(y=pl.Series(["yes", "no"] * 500))
    made = params(equal_features="together", seed=1, include=include)
    raw = divided(table, made)
    assert rows(raw[0]) + rows(raw[1]) == rows(table)
    train, test = (add_features(side.lazy()).collect() for side in raw)
    assert train.join(test, on=keys, how="semi", nulls_equal=True).is_empty()
    shuffled = divided(table.sample(fraction=1, shuffle=True, seed=0), made)
    assert [rows(side) for side in shuffled] == [rows(side) for side in raw]


def test_a_row_that_data_py_makes_several_of_has_no_side(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = pl.LazyFrame({"c": ["a", "a", "b"]})
    monkeypatch.setattr(data, "add_features", lambda table: table.join(keys, on="c"))
    table = pl.DataFrame({"x": np.arange(8), "c": ["a", "b"] * 4, "y": ["yes", "no"] * 4})
    with pytest.raises(ProjectError, match=r"add_features in .*data\.py makes 12 rows of 8: "):
        divided(table, params(equal_features="together"))


@pytest.mark.parametrize("method", ["random", "stratified"])
def test_the_label_does_not_decide_the_side(method: str) -> None:
    """Eight values with 6 "yes" and 4 "no" each: no rule is right in more than 60% of the rows.

    A rule learned from train must be right in 60% of the test rows on average. Where equal rows
    move together it is right in 30% to 40%, as the test holds what train has not.
    """
    table = pl.DataFrame({"x": np.repeat(np.arange(8), 10), "y": (["yes"] * 6 + ["no"] * 4) * 8})
    right = []
    for seed in range(200):
        train, test = divided(table, params(method=method, seed=seed))
        counts = train.group_by("x").agg((pl.col("y") == "yes").mean().alias("share"))
        guess = test.join(counts, on="x", how="left").select(
            pl.when(pl.col("share") >= 0.5).then(pl.lit("yes")).otherwise(pl.lit("no"))
            == pl.col("y")
        )
        right.append(float(guess.to_series().to_numpy().mean()))
    found, error = np.mean(right), np.std(right) / math.sqrt(len(right))
    # Fewer than 60%: where train holds more "no" of a value by chance, the rule says "no".
    expected = np.mean([expected_accuracy(method, seed) for seed in range(200)])
    assert abs(found - expected) < 3 * error + 0.01


def expected_accuracy(method: str, seed: int) -> float:
    """What scikit-learn's own split gives on the same table."""
    from sklearn.model_selection import train_test_split

    x, y = np.repeat(np.arange(8), 10), np.array(([1] * 6 + [0] * 4) * 8)
    places = np.arange(80)
    train, test = train_test_split(
        places, test_size=0.25, random_state=seed, stratify=y if method == "stratified" else None
    )
    share = np.array([y[train][x[train] == value].mean() for value in range(8)])
    return float(((share[x[test]] >= 0.5) == y[test]).mean())


def test_a_stratified_split_has_exact_shares_of_repeated_rows() -> None:
    table = pl.DataFrame({"x": ["a"] * 1316, "y": ["yes"] * 900 + ["no"] * 416})
    for seed in range(5):
        _, test = divided(table, params(method="stratified", seed=seed))
        assert dict(test.group_by("y").len().iter_rows()) == {"yes": 225, "no": 104}
