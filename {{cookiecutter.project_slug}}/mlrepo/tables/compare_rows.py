"""Compare the rows of two tables."""

import polars as pl


def changed_rows(before: pl.LazyFrame, after: pl.LazyFrame) -> tuple[int, int] | None:
    """Return how many rows were added and removed, over the columns that both tables have.

    A row that stands there n times is counted n times; None means that no column is in both.
    """
    names = [set(table.collect_schema().names()) for table in (before, after)]
    shared = sorted(names[0] & names[1])
    if not shared:
        return None
    counts = [
        table.select(pl.col(shared).cast(pl.String)).group_by(shared).len()
        for table in (before, after)
    ]
    both = counts[0].join(counts[1], on=shared, how="full", coalesce=True, nulls_equal=True)
    more = pl.col("len_right").fill_null(0).cast(pl.Int64) - pl.col("len").fill_null(0)
    found = both.select(
        added=more.clip(lower_bound=0).sum(), removed=(-more).clip(lower_bound=0).sum()
    ).collect(engine="streaming")
    return found["added"][0], found["removed"][0]
