"""What a model would score that knows no features, so that a high score is seen to be nothing."""

from pathlib import Path

import numpy as np
import polars as pl

from mlrepo.core import prepared
from mlrepo.core.params import Data
from mlrepo.learning.predictions import Array, Predictions


class Constant:
    """The most frequent class of the train rows with the share of each, or their mean target.

    As `sklearn.dummy.DummyClassifier` with `strategy="prior"` and `DummyRegressor` predict.
    """

    def __init__(self, train: Path, data: Data) -> None:
        """Count the target of the prepared table ``train``; its rows are not kept."""
        table, self.task = prepared.scan_table(train), data.task
        if data.task == "regression":
            mean = pl.col(data.target).cast(pl.Float64).mean()
            self.mean = float(table.select(mean).collect(engine="streaming").item())
            return
        counts = table.group_by(data.target).len().collect(engine="streaming").sort(data.target)
        self.classes = prepared.target(counts, data)
        rows = counts["len"].to_numpy()
        self.shares = rows / rows.sum()

    def predict(self, truth: Array) -> Predictions:
        """Return the same for each row of ``truth`` (n,)."""
        if self.task == "regression":
            return Predictions(truth, np.full(len(truth), self.mean))
        predicted = np.repeat(self.classes[[self.shares.argmax()]], len(truth))
        return Predictions(truth, predicted, self.classes, np.tile(self.shares, (len(truth), 1)))
