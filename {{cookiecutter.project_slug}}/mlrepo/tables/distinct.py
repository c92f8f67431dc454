"""Count distinct values, however many: memory does not grow with the rows."""

import polars as pl

# Values that are in memory at once: some 100 bytes for each.
REMEMBERED = 2_000_000


def passes(rows: int) -> int:
    """Return how often the values of so many rows are read, so that each time these fit memory."""
    return max(1, -(-rows // REMEMBERED))


def count(table: pl.LazyFrame, values: pl.Expr, rows: int) -> int:
    """Return how many distinct values there are, without missing ones.

    Each of the passes over the table's ``rows`` counts those with one remainder of their hash.
    """
    of = passes(rows)
    keys = table.select(values.alias("key")).drop_nulls()
    parts = (keys.filter(pl.col("key").hash() % of == part) for part in range(of))
    distinct = pl.col("key").n_unique()
    return sum(part.select(distinct).collect(engine="streaming").item() for part in parts)
