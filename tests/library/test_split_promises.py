"""What docs/data.md promises of each method as rows are shuffled, come and go; for all of them."""

import os
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlrepo.tables import spill
from mlrepo.tables import split as divide

from .test_split import divided, params

pytestmark = pytest.mark.usefixtures("folder_of_its_own")
Split = dict[str, Any]
FEATURES = ["herd", "day", "x", "c"]
ROWS = 400
ROUNDS = settings(
    max_examples=100 if os.environ.get("LONG") else 12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# Method, with or without an id: those whose sides are for ever, and those with a limit that moves.
FOR_EVER: dict[str, Split] = {
    "random by id": {"id": ["id"]},
    "random by content": {},
    "copies together": {"equal_features": "together"},
    "groups": {"method": "group", "column": "herd"},
    "ids that repeat": {"id": ["herd", "day"]},
}
WITH_LIMITS: dict[str, Split] = {
    "stratified by id": {"method": "stratified", "id": ["id"]},
    "stratified by content": {"method": "stratified"},
    "stratified, ids that repeat": {"method": "stratified", "id": ["herd", "day"]},
    "time": {"method": "time", "column": "day"},
}
ALL = FOR_EVER | WITH_LIMITS


# Columns that stand in several rows, which are then on one side; with stratified those of a class.
ONE_SIDE = {
    "copies together": FEATURES,
    "groups": ["herd"],
    "ids that repeat": ["herd", "day"],
    "stratified, ids that repeat": ["herd", "day"],
}


def table(seed: int, rows: int, start: int = 0, repeats: bool = False) -> pl.DataFrame:
    """Return rows with ids from ``start`` on; with repeats, few different ones but for the id."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": np.arange(start, start + rows),
            "herd": rng.integers(0, 40, rows),
            "day": start // 4 + np.arange(rows) // 4,
            "x": rng.integers(0, 5, rows) if repeats else rng.normal(size=rows),
            "c": rng.choice(["a", "b"], rows),
            "y": rng.choice(["yes", "no"], rows),
        }
    )


def drawn(name: str, seed: int, rows: int = ROWS) -> pl.DataFrame:
    """Return rows of which a third has what another row has in the columns of `ONE_SIDE`."""
    made, rng = table(seed, rows), np.random.default_rng(seed)
    keys = ONE_SIDE.get(name, [])
    like = np.where(rng.random(rows) < 1 / 3, rng.integers(0, rows, rows), np.arange(rows))
    return made.with_columns(made[like].select(keys))


def ids_of_test(rows: pl.DataFrame, split: Split, seed: int) -> set[int]:
    """Return which rows are the test; by content, the id says which it was and decides nothing."""
    made = params(**{**split, "seed": seed})
    if "id" in split or split.get("method") == "time":
        _, test = divided(rows, made)
        return set(test["id"].to_list())
    # The id is no column of the table that is divided: each row is found again by its content.
    bare = rows.drop("id") if split.get("method") != "group" else rows
    _, test = divided(bare, made)
    return set(rows.join(test, on=bare.columns, how="semi")["id"].to_list())


@pytest.mark.parametrize("name", ALL)
@ROUNDS
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_rows_plays_no_part(name: str, seed: int) -> None:
    split, rows = ALL[name], drawn(name, seed)
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=seed)
    assert ids_of_test(shuffled, split, seed) == ids_of_test(rows, split, seed)


def test_the_label_decides_where_it_tells_rows_apart() -> None:
    """Of rows without an id a corrected label may move its own, and a new column all of them."""
    rows = table(0, ROWS)
    other = rows.with_columns(y=pl.col("y").replace({"yes": "no", "no": "yes"}))
    by_id, by_content = FOR_EVER["random by id"], FOR_EVER["random by content"]
    assert ids_of_test(rows, by_id, 0) == ids_of_test(other, by_id, 0)
    one = rows.with_columns(y=pl.when(pl.col("id") == 7).then(other["y"]).otherwise(rows["y"]))
    before = ids_of_test(rows, by_content, 0)
    assert before ^ ids_of_test(one, by_content, 0) <= {7}
    more = ids_of_test(rows.with_columns(z=pl.lit(1)), by_content, 0)
    assert len(before - more) > len(before) / 2
    assert ids_of_test(rows.with_columns(z=pl.lit(1)), by_id, 0) == ids_of_test(rows, by_id, 0)


@pytest.mark.parametrize("name", FOR_EVER)
@ROUNDS
@given(seed=st.integers(0, 10_000))
def test_rows_that_come_or_go_move_no_other(name: str, seed: int) -> None:
    split, grown = FOR_EVER[name], drawn(name, seed, 13 * ROWS // 10)
    rows = grown.head(ROWS)
    test = ids_of_test(rows, split, seed)
    assert {row for row in ids_of_test(grown, split, seed) if row < ROWS} == test
    fewer = rows.sample(fraction=0.9, seed=seed)
    assert ids_of_test(fewer, split, seed) == test & set(fewer["id"].to_list())


@pytest.mark.parametrize("name", WITH_LIMITS)
@ROUNDS
@given(seed=st.integers(0, 10_000))
def test_where_a_limit_moves_rows_cross_it_in_one_direction(name: str, seed: int) -> None:
    """Of each class, and of all days, the rows that change sides all come or all go."""
    split, grown = WITH_LIMITS[name], drawn(name, seed, 13 * ROWS // 10)
    rows = grown.head(ROWS)
    before = ids_of_test(rows, split, seed)
    for other in (grown, rows.sample(fraction=0.9, seed=seed)):
        after = ids_of_test(other, split, seed)
        kept = rows.join(other, on="id", how="semi")
        for part in [kept] if name == "time" else [part for _, part in kept.group_by("y")]:
            ids = set(part["id"].to_list())
            assert not (before - after) & ids or not (after - before) & ids


@pytest.mark.parametrize("name", ONE_SIDE)
@ROUNDS
@given(seed=st.integers(0, 10_000))
def test_rows_that_belong_together_are_on_one_side(name: str, seed: int) -> None:
    split, rows = ALL[name], drawn(name, seed)
    keys = [*ONE_SIDE[name], *(["y"] if split.get("method") == "stratified" else [])]
    in_test = pl.col("id").is_in(list(ids_of_test(rows, split, seed)))
    sides = rows.group_by(keys).agg(in_test.n_unique().alias("sides"), pl.len())
    assert sides["sides"].max() == 1
    assert sides.filter(pl.col("len") > 1).height > 30


@pytest.mark.parametrize("size", [0.1, 0.25, 0.5])
def test_a_test_by_time_has_the_share_but_for_equal_times(size: float) -> None:
    for seed in range(5):
        rows = table(seed, ROWS + seed)
        train, test = divided(rows, params(**WITH_LIMITS["time"], test_size=size))
        assert train["day"].max() < test["day"].min()  # type: ignore[operator]
        assert size * rows.height - 4 < test.height < size * rows.height + 1


def test_a_stratified_test_has_the_shares_that_were_asked() -> None:
    """But for rows at the limit whose hashes share 16 bits: of 1,000 rows one, now and then."""
    lacking = []
    for seed in range(30):
        rows = table(seed, 1000, repeats=True)
        for split in (WITH_LIMITS["stratified by id"], WITH_LIMITS["stratified by content"]):
            _, test = divided(rows, params(**{**split, "seed": seed}))
            for (value,), part in rows.group_by("y"):
                there = test.filter(pl.col("y") == value).height
                lacking.append(round(0.25 * part.height) - there)
    assert set(lacking) <= {0, 1}
    assert sum(lacking) <= 3


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize(
    "split",
    [FOR_EVER["random by content"], FOR_EVER["copies together"], *WITH_LIMITS.values()],
)
def test_rows_that_memory_cannot_hold_at_once_are_on_the_same_sides(
    monkeypatch: pytest.MonkeyPatch, split: Split, repeats: bool
) -> None:
    rows = table(3, ROWS, repeats=repeats)
    whole = divided(rows, params(**split))
    for at_once in (7, 64, 399):
        monkeypatch.setattr(spill, "AT_ONCE", at_once)
        for side, same in zip(divided(rows, params(**split)), whole, strict=True):
            assert side.equals(same)


@settings(ROUNDS, max_examples=25)
@given(st.integers(0, 99), st.integers(2, 300), st.sampled_from([0.01, 0.25, 0.5, 0.9]))
def test_of_each_class_the_smallest_numbers_are_the_test(
    seed: int, count: int, share: float
) -> None:
    """The rule in Python, with all rows at hand: equal numbers at the limit are not divided."""
    rng = np.random.default_rng(seed)
    few = rng.integers(0, 2**32, 5)  # numbers that meet
    numbers = np.where(
        rng.random(count) < 0.3, rng.choice(few, count), rng.integers(0, 2**32, count)
    )
    hashes = np.array([3, 2**63, 2**64 - 1], dtype=np.uint64)
    classes = rng.choice(hashes, count, p=[0.7, 0.25, 0.05])
    rows = pl.LazyFrame({"number": numbers.astype(np.uint32), "class": classes})
    found = dict(divide._limits(rows, share).collect().rows())
    for each in set(classes.tolist()):
        own = sorted(numbers[classes == each].tolist())
        limit = own[min(max(round(len(own) * share), 1), len(own) - 1)]
        above = [number for number in own if number > limit]
        assert found[each] == (above[0] if above and limit == own[0] else limit)


@pytest.mark.parametrize("large", range(11))
def test_an_id_with_most_rows_of_a_class_leaves_no_side_without_it(large: int) -> None:
    """Whatever its hash; so for each of eleven ids of the class, one is of the smallest hash."""
    ids = [*range(11), *[large] * 89, *range(100, 300)]
    rows = pl.DataFrame({"id": ids, "y": ["no"] * 100 + ["yes"] * 200})
    train, test = divided(rows, params(method="stratified", id=["id"]))
    for side in (train, test):
        assert set(side["y"]) == {"yes", "no"}
    assert not set(train["id"]) & set(test["id"])
