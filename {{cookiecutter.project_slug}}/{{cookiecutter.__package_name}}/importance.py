"""How much the model needs each column of the table: permutation importance."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from .plot_data import table, thin
from .predictions import Array
from .progress import progress

ROWS = 10_000  # of the table, evenly spread: the cost is columns x repeats x one prediction


def importance(
    model: Any,
    features: pl.DataFrame,
    truth: Array,
    repeats: int,
    seed: int,
) -> pl.DataFrame:
    """Return how much the score drops when one raw column is shuffled; largest first.

    The score is the estimator's own: accuracy or R2. The whole Pipeline predicts, so that a
    category counts as one column, however it is encoded. Numbers and random draws equal those of
    `sklearn.inspection.permutation_importance`, which would turn a polars table into an array
    without column names. Features that carry the same information hide each other.

    Args:
        model: a fitted Pipeline or estimator that reads a polars table.
        features: the raw columns (n rows).
        truth: (n,) target values.
        repeats: shuffles per column.
        seed: of the shuffles.
    """
    chosen = thin(len(truth), ROWS)
    features, truth = features[chosen], truth[chosen]
    baseline = model.score(features, truth)
    # One seed for all columns: a column's result does not depend on which others there are.
    column_seed = np.random.RandomState(seed).randint(np.iinfo(np.int32).max + 1)
    rows: list[tuple[object, ...]] = []
    for name in progress(features.columns, "permutation importance"):
        random = np.random.RandomState(column_seed)
        order = np.arange(len(truth))
        shuffled = features[name]
        drops = []
        for _ in range(repeats):
            random.shuffle(order)
            shuffled = shuffled[order]
            drops.append(baseline - model.score(features.with_columns(shuffled), truth))
        rows.append((name, float(np.mean(drops)), float(np.std(drops))))
    return table("importance", rows).sort(["mean", "feature"], descending=[True, False])
