"""What a model must keep to by itself, whatever the champion does: bounds of versions.yaml."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from mlrepo.core import column_params
from mlrepo.core.params import LibraryParams
from mlrepo.learning import features, metrics
from mlrepo.learning.predictions import Predictions
from mlrepo.scoring.score_report import SMALLEST_SLICE
from mlrepo.scoring.slices import slices
from mlrepo.versions.rules.policy import Gate

REPEATS = 5  # of the time that predictions take


def check(
    file: Path,
    model: Any,
    scored: Predictions,
    test: pl.DataFrame,
    metric: str,
    params: LibraryParams,
    rules: Gate,
) -> dict[str, dict[str, Any]]:
    """Return name -> value, bound, whether it holds and where it was measured, of each bound.

    ``scored`` is what ``model``, which is in ``file``, says of ``test``. A slice is scored if it
    has at least 10 rows and the metric is defined in it; where none is, the bound does not hold.
    """
    measures: dict[str, Callable[[], tuple[float | None, str]]] = {
        "worst_slice": lambda: _worst_slice(scored, test, metric, params),
        "max_size_mb": lambda: (file.stat().st_size / 1e6, file.name),
        "max_milliseconds_per_1000_rows": lambda: (_milliseconds(model, test), "this machine"),
    }
    found = {}
    for name, measure in measures.items():
        bound = getattr(rules, name)
        if bound is not None:
            value, where = measure()
            at_least = name == "worst_slice" and metric not in metrics.smaller_is_better()
            holds = value is not None and (value >= bound if at_least else value <= bound)
            found[name] = {"value": value, "bound": bound, "holds": holds, "where": where}
    return found


def describe(bounds: dict[str, dict[str, Any]], kept: bool) -> list[str]:
    """Return in words which bounds were kept to, or which were not."""
    verb = "keeps to" if kept else "breaks"
    return [
        f"{name} {number(bound['value'])} ({bound['where']}) {verb} {bound['bound']:g}"
        for name, bound in bounds.items()
        if bound["holds"] == kept
    ]


def number(value: float | None) -> str:
    """Return a value for people."""
    return "undefined" if value is None else f"{value:.4g}"


def _worst_slice(
    scored: Predictions, test: pl.DataFrame, metric: str, params: LibraryParams
) -> tuple[float | None, str]:
    column_params.refuse(column_params.of_slices(test.schema, params))
    values: dict[str, float] = {}
    for column in params.evaluate.slices:
        for value, rows in slices(test, column).items():
            found = metrics.scores(params.data.task, scored.rows(rows)).get(metric)
            if len(rows) >= SMALLEST_SLICE and found is not None:
                values[f"{column} = {value}, {len(rows)} rows"] = found
    if not values:
        return None, f"no slice of evaluate.slices has {SMALLEST_SLICE} rows and a {metric}"
    worst = (max if metric in metrics.smaller_is_better() else min)(values, key=values.__getitem__)
    return values[worst], worst


def _milliseconds(model: Any, test: pl.DataFrame) -> float:
    inputs = features.select(test, features.fitted(model, test.schema))
    rows = inputs[np.arange(1000) % test.height]
    times = []
    for _ in range(1 + REPEATS):  # the first one warms up
        start = perf_counter()
        model.predict(rows)
        times.append(1000 * (perf_counter() - start))
    return median(times[1:])
