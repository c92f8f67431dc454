"""What the champion has learned from is left out of the test, where no id names the rows."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from mlrepo.versions.gate.seen import by_content

from .conftest import TinyProject
from .ring import GROUPS, Ring, table
from .test_split import divided

ROWS, MORE, CELLS, TABLES = 400, 120, 200, 120


def test_a_stratified_table_that_grows_without_an_id(tiny: TinyProject) -> None:
    """The number of each row is hidden from the split and the gate, and known to the test."""
    ring, numbered = Ring(tiny), table(1300)
    stratified = {**GROUPS, "method": "stratified", "column": None}
    split = ring.set({"data.id": [], "prepare.split": stratified})

    def numbers(side: pl.DataFrame) -> set[int]:
        return set(numbered.join(side, on="amount", how="semi")["id"].to_list())

    then, _ = divided(numbered[:1000].drop("id"), split)
    today, ring.test = divided(numbered.drop("id"), split)
    learned = numbers(then) & numbers(ring.test)
    assert 1 <= len(learned) < 100
    found = by_content(ring.test, today.lazy(), then.lazy(), ring.test.columns, 0)
    assert numbers(ring.test.filter(pl.Series(found))) == learned

    ring.train, champion = tiny.folder / "today.parquet", tiny.folder / "then.parquet"
    today.write_parquet(ring.train)
    then.write_parquet(champion)
    verdict = ring.judge("good", replace(ring.champion("near"), train=champion))
    assert verdict["champion_has_seen_rows"] == verdict["rows_left_out"] == len(learned)
    assert verdict["rows"] == ring.test.height - len(learned)


@pytest.mark.parametrize("kind", ["no row moves", "a limit moves", "dealt anew"])
@pytest.mark.parametrize("once", [0.0, 0.5])
def test_what_a_coin_has_drawn_cannot_be_known(kind: str, once: float) -> None:
    """Rows repeat and labels are a coin's: a model that learns rows by heart is right in half.

    With the old rows in the test it is right more often; without all rows that look like old ones,
    those that are new included, it is right less often.
    """
    rng, right, rows, out, old = np.random.default_rng(0), [], [], 0, 0
    for seed in range(TABLES):
        count = ROWS + MORE
        cell = rng.integers(0, CELLS, count)
        cell = np.where(rng.random(count) < once, CELLS + np.arange(count), cell)
        number, label = rng.random(count), rng.integers(0, 2, count)
        then = (np.arange(count) < ROWS) & (number >= 0.2)
        moved = {"no row moves": number, "a limit moves": number - 0.05}
        test = moved.get(kind, rng.random(count)) < 0.2
        data = pl.DataFrame({"x": cell, "y": label})
        seen = by_content(
            data.filter(test), data.filter(~test).lazy(), data.filter(then).lazy(), ["x", "y"], seed
        )
        votes = np.bincount(cell[then], 2 * label[then] - 1, minlength=CELLS + count)
        agrees = votes[cell[test][~seen]] * (2 * label[test][~seen] - 1)
        right.append(float((agrees > 0).sum() + (agrees == 0).sum() / 2))
        rows.append(len(agrees))
        out, old = out + int(seen.sum()), old + int((then & test).sum())
    share = sum(right) / sum(rows)
    error = np.std(np.array(right) - share * np.array(rows)) * np.sqrt(TABLES) / sum(rows)
    assert abs(share - 0.5) < 2.5 * error, (share, error)
    assert out == pytest.approx(old, rel=0.05, abs=TABLES)


def test_what_has_left_the_table_and_what_is_absent() -> None:
    then = pl.DataFrame({"x": [None, 0.0, float("nan"), 2.0, 2.0, 2.0, 5.0]})
    test = pl.DataFrame({"x": [-0.0, None, float("nan"), 2.0, 2.0, 7.0]})
    found = by_content(test, test[:0].lazy(), then.lazy(), ["x"], 0)
    assert found.tolist() == [True, True, True, True, True, False]
