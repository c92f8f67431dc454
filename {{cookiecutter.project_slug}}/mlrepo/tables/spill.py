"""Numbers of each row on disk: memory holds those of some rows, however many there are."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

AT_ONCE = 4_000_000  # rows


def write(rows: pl.LazyFrame, path: Path) -> pl.LazyFrame:
    """Return what writes ``rows`` to ``path``, once it is collected."""
    return rows.sink_parquet(path, lazy=True, compression="uncompressed", row_group_size=250_000)


def parts(rows: pl.LazyFrame, by: str, end: int, count: int) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield the rows whose number ``by`` lies in one part of 0 to ``end``, part after part.

    With each comes the part's first number, a multiple of 8. Where the ``count`` rows have
    numbers that are spread evenly, or one for each, a part has at most about ``AT_ONCE``.
    """
    size = 8 * (end // (1 + count // AT_ONCE) // 8 + 1)
    for first in range(0, end, size):
        part = pl.col(by).is_between(first, min(first + size, end) - 1)
        yield first, rows.filter(part).collect(engine="streaming")
