"""Which rows belong together: they are one observation of scores and of comparisons."""

import numpy as np
import polars as pl

from mlrepo.core import column_params
from mlrepo.core.params import LibraryParams
from mlrepo.learning.metrics import functions
from mlrepo.learning.metrics.aggregates import Metric
from mlrepo.learning.predictions import IndexArray

_FEWEST = 30  # of fewer rows, groups or blocks a bootstrap, and a design effect, know too little
# Of groups 100: rows of other groups are what their own are ranked with.
_RANKED = (functions.average_precision, functions.average_precision_weighted)


def units(test: pl.LazyFrame, params: LibraryParams) -> IndexArray | None:
    """Return the unit of each row (n,), 0 to m - 1; None where each row is one by itself.

    The rows that the split keeps together: of a group, of equal features or of an id that repeats;
    for a split by time blocks of 2 n^(1/3) rows in a row (Hall, Horowitz and Jing, Biometrika,
    1995).
    """
    split = params.prepare.split
    if split.method == "time":
        ranks = test.select(pl.col(str(split.column)).rank("ordinal")).collect()
        order = ranks.to_series().to_numpy()
        block = round(2 * len(order) ** (1 / 3))
        blocks: IndexArray = (order.astype(np.intp) - 1) // block
        return blocks
    keys = column_params.kept_together(test.collect_schema(), params)
    if not keys or (keys == list(params.data.id) and _are_distinct(test, keys)):
        return None
    places = test.select(pl.struct(keys).rank("dense")).collect().to_series().to_numpy()
    return places.astype(np.intp) - 1


def _are_distinct(rows: pl.LazyFrame, keys: list[str]) -> bool:
    distinct = pl.struct(keys).hash().n_unique() == pl.len()
    return bool(rows.select(distinct).collect(engine="streaming").item())


def too_few(metric: Metric, drawn: int, together: bool) -> str | None:
    """Return why so many units say too little of a metric; None where they do not.

    A unit is a row or, ``together``, the rows of a group or block.
    """
    least = 100 if together and metric in _RANKED else _FEWEST
    what = "groups or blocks of rows" if together else "rows"
    return f"fewer than {least} {what}" if drawn < least else None
