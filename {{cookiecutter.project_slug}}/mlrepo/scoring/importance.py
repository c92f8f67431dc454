"""How much the model needs each column of the table: permutation importance."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlrepo.core import prepared
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.progress import progress
from mlrepo.learning import metrics
from mlrepo.learning.features import Features, select
from mlrepo.learning.predictions import Predictions, evenly_spread
from mlrepo.scoring.plots import table

ROWS = 10_000  # of the table, evenly spread: the cost is columns x repeats x one prediction


def importance_table(
    model: Any, path: Path, features: Features, predictions: Predictions, params: LibraryParams
) -> pl.DataFrame:
    """Return `importance` by the metric that leads, on at most `ROWS` rows of a prepared table."""
    some, knobs = evenly_spread(len(predictions), ROWS), params.evaluate
    inputs = select(prepared.read_rows(path, features.names, some), features)
    known = predictions.rows(some)
    lead = metrics.leading(params, predictions)
    metric, sign = metrics.of_task(params.data.task)[lead], metrics.sign(lead)

    def score(frame: pl.DataFrame) -> float:
        found = Predictions.of(model, frame, known.truth, known.weights)
        return sign * float(metric(found, found.once_each)[0])

    if not np.isfinite(score(inputs)):
        raise ProjectError(
            f"evaluate.metric in params.yaml: {lead} is undefined on the test rows, so that no "
            "feature can be more important than another"
        )
    return importance(score, inputs, knobs.importance_repeats, knobs.seed)


def importance(
    score: Callable[[pl.DataFrame], float], features: pl.DataFrame, repeats: int, seed: int
) -> pl.DataFrame:
    """Return how much the score drops when one raw column is shuffled; largest first.

    The whole Pipeline predicts, so that a category counts as one column, however it is encoded.
    Numbers and random draws equal those of
    `sklearn.inspection.permutation_importance`, which would turn a polars table into an array
    without column names. Features that carry the same information hide each other.

    Args:
        score: of what the model predicts for a table; larger is better.
        features: the raw columns (n rows).
        repeats: shuffles per column.
        seed: of the shuffles.
    """
    baseline = score(features)
    # One seed for all columns: a column's result does not depend on which others there are.
    column_seed = np.random.RandomState(seed).randint(np.iinfo(np.int32).max + 1)
    rows: list[tuple[object, ...]] = []
    for name in progress(features.columns, "permutation importance"):
        random = np.random.RandomState(column_seed)
        order = np.arange(features.height)
        shuffled = features[name]
        drops = []
        for _ in range(repeats):
            random.shuffle(order)
            shuffled = shuffled[order]
            drops.append(baseline - score(features.with_columns(shuffled)))
        rows.append((name, float(np.mean(drops)), float(np.std(drops))))
    return table("importance", rows).sort(["mean", "feature"], descending=[True, False])
