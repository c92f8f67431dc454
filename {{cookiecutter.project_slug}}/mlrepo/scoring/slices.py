"""Scores with intervals, on all test rows and slice by slice."""

from dataclasses import asdict
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl

from mlrepo.core import column_params
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.prepared import private, scan_table
from mlrepo.learning.metrics import leading, scores, sign
from mlrepo.learning.predictions import IndexArray, Predictions
from mlrepo.scoring.constant import Constant
from mlrepo.scoring.intervals import Interval, intervals
from mlrepo.scoring.units import units

# A slice is a category; a column with more values than this is none.
_MOST_SLICES = 50


def score_table(
    predictions: Predictions, train: Path, test: Path, params: LibraryParams
) -> pl.DataFrame:
    """Return one row for each slice and metric of the test table, those of all rows first.

    The metric that leads comes first. Columns: slice and value ("" for all rows), rows, metric,
    estimate, low and high (null where there is no interval), method (of the interval, or why there
    is none), constant (what a model that knows no features scores, from the ``train`` table; null
    where it is undefined), better: "larger" or "smaller".
    """
    table, constant = scan_table(test), Constant(train, params.data)
    lead = leading(params, predictions)
    column_params.refuse(
        chain(
            column_params.of_slices(table.collect_schema(), params),
            column_params.of_private(private(test), params),
        )
    )
    unit = units(table, params)
    rows = _score_rows("", "", predictions, unit, constant, params)
    for column in params.evaluate.slices:
        for value, numbers in slices(table.select(column).collect(), column).items():
            some, of_some = predictions.rows(numbers), None if unit is None else unit[numbers]
            rows += _score_rows(column, value, some, of_some, constant, params)
    first = pl.col("metric") != lead  # false sorts before true, and the sort keeps ties in order
    places = pl.struct("slice", "value").rle_id()
    return pl.DataFrame(rows).sort(places, first, maintain_order=True)


def slices(test: pl.DataFrame, column: str) -> dict[str, IndexArray]:
    """Return the row numbers of each value of a column of ``test``, in the order of the values."""
    values = test[column].cast(pl.String).fill_null("(missing)")
    if values.n_unique() > _MOST_SLICES:
        raise ProjectError(
            f"evaluate.slices: '{column}' has {values.n_unique()} values, and slices are for at "
            f"most {_MOST_SLICES}: derive a coarser column in data.py"
        )
    return {v: np.flatnonzero((values == v).to_numpy()) for v in sorted(values.unique())}


def _score_rows(
    column: str,
    value: str,
    predictions: Predictions,
    unit: IndexArray | None,
    constant: Constant,
    params: LibraryParams,
) -> list[dict[str, object]]:
    task, seed, knobs = params.data.task, params.evaluate.seed, params.evaluate.intervals
    found = intervals(task, predictions, knobs.resamples, knobs.confidence, seed, unit)
    about = {"slice": column, "value": value, "rows": len(predictions)}
    of_constant, rows = scores(task, constant.predict(predictions)), []
    for name, estimate in scores(task, predictions).items():
        score: dict[str, object] = {**about, "metric": name, "estimate": estimate}
        score |= asdict(found.get(name, Interval(None, None, "one row")))
        score |= {"constant": of_constant.get(name)}
        rows.append(score | {"better": "larger" if sign(name) > 0 else "smaller"})
    return rows
