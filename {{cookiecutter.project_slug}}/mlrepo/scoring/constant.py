"""What a model would score that knows no features, so that a high score is seen to be nothing.

It is one model for all metrics: by the mean absolute error a median, and by a pinball loss a
quantile, would be better than the mean.
"""

from pathlib import Path

import numpy as np
import polars as pl

from mlrepo.core import column_params, prepared
from mlrepo.core.params import Data
from mlrepo.learning.predictions import Predictions

_WEIGHT = f"{column_params.OURS}weight"


class Constant:
    """The most frequent class of the train rows with the share of each, or their mean target.

    As `sklearn.dummy.DummyClassifier` with `strategy="prior"` and `DummyRegressor` predict, which
    learn with the weights of data.weight.
    """

    def __init__(self, train: Path, data: Data) -> None:
        """Count the target of the prepared table ``train``; its rows are not kept."""
        y, self.task = pl.col(data.target), data.task
        w = pl.lit(1.0) if data.weight is None else pl.col(data.weight).cast(pl.Float64)
        table = prepared.scan_table(train).select(y, w.alias(_WEIGHT))
        weight = pl.col(_WEIGHT).sum()
        if data.task == "regression":
            mean = (y.cast(pl.Float64) * pl.col(_WEIGHT)).sum() / weight
            self.mean = float(table.select(mean).collect(engine="streaming").item())
            return
        counts = table.group_by(y).agg(weight).sort(y).collect(engine="streaming")
        self.classes = prepared.target(counts, data)
        self.shares = (counts[_WEIGHT] / counts[_WEIGHT].sum()).to_numpy()

    def predict(self, scored: Predictions) -> Predictions:
        """Return the same for each row that is scored (n,)."""
        rows, truth, weights = len(scored), scored.truth, scored.weights
        if self.task == "regression":
            return Predictions(truth, np.full(rows, self.mean), weights=weights)
        predicted = np.repeat(self.classes[[self.shares.argmax()]], rows)
        shares = np.tile(self.shares, (rows, 1))
        return Predictions(truth, predicted, self.classes, shares, weights=weights)
