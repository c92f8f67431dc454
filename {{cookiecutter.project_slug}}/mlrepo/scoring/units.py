"""Which rows belong together: they are one observation of scores and of comparisons."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from mlrepo.core import column_params
from mlrepo.core.params import LibraryParams
from mlrepo.learning.metrics import functions
from mlrepo.learning.metrics.aggregates import Metric, Weights
from mlrepo.learning.predictions import FloatArray, IndexArray, evenly_spread

_FEWEST = 30  # of fewer rows, groups or blocks a bootstrap, and a design effect, know too little
_LEAST = 200  # units that stand for more, so that their own spread is known to 5%
_ROOM = 5  # times as many rows as asked for, if so many units need them
_LARGEST = 10  # times the mean: too few larger units would be among these
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


@dataclass(frozen=True)
class Drawn:
    """What a resample draws: rows or, where rows belong together, their units.

    Of a large table some stand for all. These are whole units, evenly spread, as a unit that has
    lost rows varies more. Where 200 units have five times as many rows as asked for, or a unit is
    more than ten times as large as the mean, rows are left out of units: that widens intervals.
    """

    rows: IndexArray  # that stand for all
    unit: IndexArray | None  # of each of these rows, 0 to count - 1; None: each is one by itself
    count: int
    of_all: int  # as many are drawn: units of the table, where whole ones are left out

    @classmethod
    def of(cls, rows: int, unit: IndexArray | None, most: int) -> "Drawn":
        """Choose about ``most`` of a number of rows, with the unit of each (rows,), or fewer."""
        chosen = evenly_spread(rows, most)
        if unit is None:
            return cls(chosen, None, len(chosen), rows)
        sizes = np.bincount(unit)
        size = sizes[sizes > 0]
        kept = max(_LEAST, len(size) * most // rows)
        whole = rows > most and kept < len(size) and size.max() <= _LARGEST * size.mean()
        if whole:
            here = np.zeros(len(sizes), dtype=np.bool_)
            here[np.flatnonzero(sizes)[evenly_spread(len(size), kept)]] = True
            chosen = np.flatnonzero(here[unit])
            chosen = chosen[evenly_spread(len(chosen), _ROOM * most)]
        there, unit_of = np.unique(unit[chosen], return_inverse=True)
        return cls(chosen, unit_of, len(there), len(size) if whole else len(there))

    def too_few(self, metric: Metric) -> str | None:
        """Return why they say too little of a metric; None where they do not."""
        return too_few(metric, self.count, self.unit is not None)

    def weights(self, drawn: Weights) -> Weights:
        """Return the weights of the rows (b, n) for those of what is drawn (b, count)."""
        return drawn if self.unit is None else drawn[:, self.unit]

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sum over each unit (..., count) of one value per row (..., n)."""
        return values if self.unit is None else sums(values, self.unit)


def sums(values: FloatArray, unit: IndexArray) -> FloatArray:
    """Return the sum over each unit (..., m) of one value per row (..., n)."""
    found = [np.bincount(unit, row) for row in np.atleast_2d(values)]
    return np.reshape(found, (*values.shape[:-1], -1))
