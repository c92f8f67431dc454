"""Which rows of a test table a model was fitted on, where no id names them.

Rows that are equal in all columns cannot be told apart, but counted: so many were in the table
that the model was fitted on, so many are in the test today and so many in train. To leave out each
that might be an old one would leave out new rows too, and of those just what the model has right;
to leave out as few as must be would let old ones stay. How many are old ones is drawn instead.
Given the counts that is Fisher's noncentral hypergeometric distribution (Fog, Communications in
Statistics, 2008); its odds are those of an old row to be in the test today, against those of
another, as the whole table shows them. Of rows that stand once nothing is left to chance, nor of
others where no row has moved.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlrepo.learning.predictions import IndexArray

_SMALLEST, _LARGEST = 1e-300, 1e300  # odds


def by_content(
    test: pl.DataFrame, train: pl.LazyFrame | None, then: pl.LazyFrame, names: list[str], seed: int
) -> NDArray[np.bool_]:
    """Return which rows (n,) of ``test`` were in the table ``then``, by the columns ``names``.

    ``train`` is what is in train today; where that is not known, all rows that look like old ones
    are taken for them.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    content = pl.struct(names).hash().alias("content")
    rows = test.select(content).with_row_index("row")
    counts = _counts(test.lazy(), train, then, content)
    both = counts.filter((pl.col("old") > 0) & (pl.col("test") > 0)).sort("content")
    left_out = both.select("content", out=_drawn(both, _odds(counts), rng))
    # Equal in these columns they may differ in new ones: chance says which of them it is.
    order = rows[rng.permutation(test.height)]
    places = order.with_columns(place=pl.int_range(pl.len()).over("content"))
    out = places.join(left_out, on="content").filter(pl.col("place") < pl.col("out"))
    seen = np.zeros(test.height, dtype=np.bool_)
    seen[out["row"].to_numpy()] = True
    return seen


def _counts(
    test: pl.LazyFrame, train: pl.LazyFrame | None, then: pl.LazyFrame, content: pl.Expr
) -> pl.DataFrame:
    """Return for each content how many rows are in the test, in all, and old ones among these."""
    tables = {"test": test, "then": then} | ({} if train is None else {"train": train})
    rows = [table.select(content, where=pl.lit(name)) for name, table in tables.items()]
    number = {name: (pl.col("where") == name).sum().cast(pl.Int64) for name in ("test", "train")}
    grouped = pl.concat(rows).group_by("content")
    counts = grouped.agg(**number, then=(pl.col("where") == "then").sum().cast(pl.Int64))
    here = pl.col("test") + pl.col("train")
    old = pl.min_horizontal("then", here)  # some may have left the table
    return counts.select("content", "test", all=here, old=old).collect(engine="streaming")


def _odds(counts: pl.DataFrame) -> float:
    """Return the odds of an old row to be in the test, against those of another.

    Their shares are found by least squares of what is in the test, content by content.
    """
    test, old, new = pl.col("test"), pl.col("old"), pl.col("all") - pl.col("old")
    products = {
        "old_old": old * old, "old_new": old * new, "new_new": new * new,
        "old_test": old * test, "new_test": new * test,
    }  # fmt: skip
    sums = {name: (product / pl.col("all")).sum() for name, product in products.items()}
    of = counts.filter(pl.col("all") > 0).select(**sums).row(0, named=True)
    square = [[of["old_old"], of["old_new"]], [of["old_new"], of["new_new"]]]
    found = np.linalg.lstsq(np.array(square), np.array([of["old_test"], of["new_test"]]))[0]
    share, other = np.clip(found, 0, 1).tolist()
    odds = share * (1 - other) / max(_SMALLEST, other * (1 - share))
    return float(np.clip(odds, _SMALLEST, _LARGEST))


def _drawn(both: pl.DataFrame, odds: float, rng: np.random.Generator) -> pl.Series:
    """Return how many of the test rows of each content are old ones."""
    numbers = both.select("test", "all", "old").to_numpy()
    kinds, kind = np.unique(numbers, axis=0, return_inverse=True)
    drawn = np.zeros(both.height, dtype=np.int64)
    for number, (test, there, old) in enumerate(kinds.tolist()):
        places = np.flatnonzero(kind == number)
        drawn[places] = _fishers(test, there, old, odds, len(places), rng)
    return pl.Series(drawn)


def _fishers(
    test: int, there: int, old: int, odds: float, size: int, rng: np.random.Generator
) -> IndexArray:
    """Return draws (size,) of how many of ``test`` rows are among the ``old`` of those there."""
    numbers = np.arange(max(0, test + old - there), min(old, test) + 1)
    more = numbers[1:]
    steps = (old - more + 1) * (test - more + 1) / (more * (there - old - test + more))
    logs = np.cumsum([0.0, *(np.log(steps) + np.log(odds))])
    weights = np.exp(logs - logs.max())
    return rng.choice(numbers, size=size, p=weights / weights.sum())
