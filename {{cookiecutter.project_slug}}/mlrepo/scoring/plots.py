"""The data behind `dvc plots`, as small tables: one CSV file each, in reports/plots/.

Every project writes every file, because dvc.yaml names them and the task is a param. A file
that does not fit the task holds its header alone, and `dvc plots` draws nothing for it.

The column `reference` is the line to compare with: chance for ROC (the diagonal) and
precision-recall (the share of the class), perfect for calibration (the diagonal).

A threshold lies midway between a score and the next lower one, so that the rows at or above the
number as it is written are those that the point counts. A score that is rounded would leave its own
rows out half of the time; one that is cut off would move where it is 0.4 but for noise.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import polars.selectors as cs
from sklearn.metrics import precision_recall_curve, roc_curve

from mlrepo.learning.predictions import Array, FloatArray, Predictions, evenly_spread

CURVE_POINTS = 1000  # per file, shared by its curves
CURVES = 20  # more colours than that cannot be told apart
LABELS = 50  # rows and columns of the confusion matrix
BINS = 10  # points of a calibration curve
POINTS = 2000  # dots of a scatter plot
DIGITS = 6  # significant; rounding keeps the noise of other processors out of diffs
_MOST_DIGITS = 17  # tell any two floats apart
OTHERS = "(all others)"

Rows = list[tuple[object, ...]]

_CURVE = {"threshold": float, "reference": float}
# File -> its columns and their types.
SCHEMAS: dict[str, dict[str, type]] = {
    "confusion": {"actual": str, "predicted": str, "rows": int, "share": float},
    "roc": {"class": str, "false_positive_rate": float, "true_positive_rate": float, **_CURVE},
    "precision_recall": {"class": str, "recall": float, "precision": float, **_CURVE},
    "calibration": {
        "class": str,
        "predicted": float,
        "observed": float,
        "rows": int,
        "reference": float,
    },
    "residuals": {"actual": float, "predicted": float, "residual": float},
    "importance": {"feature": str, "mean": float, "std": float},
}


def plot_tables(task: str, predictions: Predictions) -> dict[str, pl.DataFrame]:
    """Return a table per file but importance; those of the other task hold no rows."""
    if task == "regression":
        filled = {"residuals": residuals(predictions)}
    else:
        filled = {
            "confusion": confusion(predictions),
            "roc": roc(predictions),
            "precision_recall": precision_recall(predictions),
            "calibration": calibration(predictions),
        }
    names = [name for name in SCHEMAS if name != "importance"]
    return {name: filled.get(name, table(name, [])) for name in names}


def confusion(predictions: Predictions) -> pl.DataFrame:
    """Rows of each pair of actual and predicted label, and their share of the actual label.

    Beyond 50 labels the most frequent ones are shown and the rest is one row and column.
    """
    cell_of_row, true, guessed = predictions.cells
    counts = np.bincount(cell_of_row, minlength=len(true))
    names = [str(label) for label in predictions.labels]
    shown = np.arange(len(names))
    if len(names) > LABELS:
        size = np.bincount(true, counts, len(names)) + np.bincount(guessed, counts, len(names))
        largest = np.sort(np.argsort(-size, kind="stable")[: LABELS - 1])
        names = [*(names[label] for label in largest), OTHERS]
        shown = np.full(len(shown), LABELS - 1)
        shown[largest] = np.arange(LABELS - 1)
    matrix = np.zeros((len(names), len(names)))
    np.add.at(matrix, (shown[true], shown[guessed]), counts)
    totals = matrix.sum(axis=1)
    cells: Rows = [
        (names[row], names[column], int(rows), rows / totals[row] if totals[row] else None)
        for (row, column), rows in np.ndenumerate(matrix)
    ]
    return table("confusion", cells)


def roc(predictions: Predictions) -> pl.DataFrame:
    """Rates of false and true positives at each threshold, per class against the rest."""
    rows: Rows = []
    for name, positive, scores, points in _curves(predictions):
        found = roc_curve(positive, scores, sample_weight=predictions.weights)
        false_rate, true_rate, threshold = found
        known = np.unique(scores)
        for point in evenly_spread(len(threshold), points):
            # scikit-learn starts at the threshold infinity, which CSV readers do not know.
            limit = _below(float(threshold[point]), known) if point else None
            rows.append((name, false_rate[point], true_rate[point], limit, false_rate[point]))
    return table("roc", rows, kept=("threshold",))


def precision_recall(predictions: Predictions) -> pl.DataFrame:
    """Precision and recall at each threshold, per class against the rest."""
    rows: Rows = []
    for name, positive, scores, points in _curves(predictions):
        how = {"drop_intermediate": True, "sample_weight": predictions.weights}
        precision, recall, threshold = precision_recall_curve(positive, scores, **how)
        share = np.average(positive, weights=predictions.weights)
        known = np.unique(scores)
        for point in evenly_spread(len(recall), points):
            # At the last one no row is left.
            limit = _below(float(threshold[point]), known) if point < len(threshold) else None
            rows.append((name, recall[point], precision[point], limit, share))
    return table("precision_recall", rows, kept=("threshold",))


def calibration(predictions: Predictions) -> pl.DataFrame:
    """Mean predicted probability and observed share, in ten bins of as many rows each.

    The bins are those of scikit-learn's `calibration_curve(strategy="quantile")`.
    """
    rows: Rows = []
    for name, positive, scores, _ in _curves(predictions):
        if predictions.probabilities is None:
            break
        edges = np.quantile(scores, np.linspace(0, 1, BINS + 1))
        part_of_row = np.searchsorted(edges[1:-1], scores)
        size = np.bincount(part_of_row, minlength=BINS)
        [weights] = predictions.once_each
        weight = np.bincount(part_of_row, weights, BINS)
        predicted = np.bincount(part_of_row, weights * scores, BINS)
        observed = np.bincount(part_of_row, weights * positive, BINS)
        for part in np.flatnonzero(size):
            mean = predicted[part] / weight[part]
            rows.append((name, mean, observed[part] / weight[part], int(size[part]), mean))
    return table("calibration", rows)


def residuals(predictions: Predictions) -> pl.DataFrame:
    """Actual and predicted value and their difference, for at most 2,000 rows.

    The two have as many decimals as the difference, which may be small beside them.
    """
    chosen = evenly_spread(len(predictions), POINTS)
    columns = (predictions.truth, predictions.predicted, predictions.errors)
    *values, errors = (column[chosen].astype(float).tolist() for column in columns)
    decimals = DIGITS - 1 - _magnitude(float(np.median(np.abs(errors))))

    def rounded(value: float) -> float:
        return _rounded(value, max(DIGITS, decimals + _magnitude(value) + 1))

    rows = zip(*(map(rounded, column) for column in values), errors, strict=True)
    return table("residuals", list(rows), kept=("actual", "predicted"))


def table(name: str, rows: Rows, kept: tuple[str, ...] = ()) -> pl.DataFrame:
    """Return a table of one of the files, floats rounded but for those of the columns ``kept``."""
    frame = pl.DataFrame(rows, schema=SCHEMAS[name], orient="row")
    return frame.with_columns((cs.float() - cs.by_name(*kept)).round_sig_figs(DIGITS))


def _below(limit: float, known: FloatArray) -> float:
    """Return a number above the next lower of the ``known`` scores, and not above the limit."""
    place = int(np.searchsorted(known, limit))
    lower = float(known[place - 1]) if place else -np.inf
    middle = (limit + lower) / 2 if place else limit - abs(limit) / 10**4
    tried = (_rounded(middle, digits) for digits in range(DIGITS, _MOST_DIGITS + 1))
    return next((number for number in tried if lower < number <= limit), limit)


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{min(digits, _MOST_DIGITS)}g}")


def _magnitude(value: float) -> int:
    """Return the power of ten of a number's first digit; 0 of 0."""
    return int(np.floor(np.log10(abs(value)))) if value else 0


def _curves(predictions: Predictions) -> Iterator[tuple[str, Array, FloatArray, int]]:
    """Yield name, truth (n,), score (n,) and number of points for each class with a curve.

    A class without a row, or without a row of the rest, has none. Of many classes the most
    frequent ones are shown.
    """
    found = []
    for index, scores in predictions.class_scores():
        positive = predictions.class_index == index
        if 0 < positive.sum() < len(positive):
            found.append((index, positive, scores))
    largest = sorted(found, key=lambda curve: (-curve[1].sum(), curve[0]))[:CURVES]
    for index, positive, scores in sorted(largest, key=lambda curve: curve[0]):
        yield str(predictions.known[index]), positive, scores, CURVE_POINTS // len(largest)
