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
from mlrepo.learning.predictions import FloatArray, IndexArray, Predictions, evenly_spread
from mlrepo.scoring.plots import table

ROWS = 10_000  # of the table, evenly spread: the cost is columns x repeats x one prediction
LEAST = 1_000  # rows of a class, or all that it has: a metric of a few rows is chance


def importance_table(
    model: Any, path: Path, features: Features, predictions: Predictions, params: LibraryParams
) -> pl.DataFrame:
    """Return `importance` by the metric that leads, on some rows of a large prepared table."""
    lead, knobs = metrics.leading(params, predictions), params.evaluate
    metric, sign = metrics.of_task(params.data.task)[lead], metrics.sign(lead)
    some, stands_for = thinned(predictions, weighs=getattr(metric, "weighs", True))
    inputs = select(prepared.read_rows(path, features.names, some), features)
    known = predictions.rows(some)

    def score(frame: pl.DataFrame, times: FloatArray | None) -> float:
        weights = known.weights if times is None else known.once_each[0] * times
        found = Predictions.of(model, frame, known.truth, weights)
        return sign * float(metric(found, found.once_each)[0])

    if not np.isfinite(score(inputs, stands_for)):
        raise ProjectError(
            f"evaluate.metric in params.yaml: {lead} is undefined on the test rows, so that no "
            "feature can be more important than another"
        )
    return importance(score, inputs, knobs.importance_repeats, knobs.seed, stands_for)


def thinned(predictions: Predictions, weighs: bool = True) -> tuple[IndexArray, FloatArray | None]:
    """Return the numbers of about `ROWS` rows, and how many of the table each stands for.

    All rows of a table that has no more, each for itself (None). Others are spread evenly within
    each class, and a rare class keeps more than its share, so that it is seen. For a metric that
    takes no weights, as ``weighs`` says, each class keeps its share.
    """
    rows = len(predictions)
    if rows <= ROWS or predictions.classes is None:
        return evenly_spread(rows, ROWS), None
    cell, true, _ = predictions.cells
    label = true[cell]
    counts = np.bincount(label)
    # At most `ROWS` rows more, however many classes there are.
    least = max(1, min(LEAST, ROWS // int(np.count_nonzero(counts)))) if weighs else 1
    keep = np.minimum(counts, np.maximum(least, np.round(counts * (ROWS / rows))))
    of_class = np.split(np.argsort(label, kind="stable"), counts.cumsum()[:-1])
    pairs = zip(of_class, keep.astype(int).tolist(), strict=True)
    some = np.sort(np.concatenate([each[evenly_spread(len(each), n)] for each, n in pairs]))
    return some, (counts / np.maximum(1, keep))[label[some]] if weighs else None


def importance(
    score: Callable[[pl.DataFrame, FloatArray | None], float],
    features: pl.DataFrame,
    repeats: int,
    seed: int,
    stands_for: FloatArray | None = None,
) -> pl.DataFrame:
    """Return how much the score drops when one raw column is shuffled; largest first.

    The whole Pipeline predicts, so that a category counts as one column, however it is encoded.
    Numbers and random draws equal those of
    `sklearn.inspection.permutation_importance`, which would turn a polars table into an array
    without column names. Features that carry the same information hide each other.

    Args:
        score: of what the model predicts for a table, and the weights of its rows; larger is
            better.
        features: the raw columns (n rows).
        repeats: shuffles per column.
        seed: of the shuffles.
        stands_for: how many rows of a larger table each row stands for (n,); None: for itself.
    """
    baseline = score(features, stands_for)
    # One seed for all columns: a column's result does not depend on which others there are.
    column_seed = np.random.RandomState(seed).randint(np.iinfo(np.int32).max + 1)
    rows: list[tuple[object, ...]] = []
    for name in progress(features.columns, "permutation importance"):
        random = np.random.RandomState(column_seed)
        order = np.arange(features.height)
        shuffled, giver = features[name], stands_for
        drops = []
        for _ in range(repeats):
            random.shuffle(order)
            shuffled = shuffled[order]
            times = None
            if stands_for is not None and giver is not None:
                # A row and the one whose value it gets are drawn apart from each other.
                giver = giver[order]
                times = stands_for * giver
            drops.append(baseline - score(features.with_columns(shuffled), times))
        rows.append((name, float(np.mean(drops)), float(np.std(drops))))
    return table("importance", rows).sort(["mean", "feature"], descending=[True, False])
