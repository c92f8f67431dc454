"""The metrics of the field, for one table or for many bootstrap resamples at once.

A metric takes predictions and weights of shape (b, n): how much each of the n rows counts in
each of b resamples. It returns (b,) values, NaN where a resample leaves it undefined. All ones
is the table as it is: then the values are scikit-learn's, and with data.weight those of its
`sample_weight`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlrepo.core.errors import ProjectError
from mlrepo.learning.metrics.aggregates import Metric, Weights, dot, mean, per_row, ratio, tally
from mlrepo.learning.predictions import Array, FloatArray, Predictions


def _label_counts(
    predictions: Predictions, weights: Weights
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Count, per resample and label (b, labels): correct, truly there, predicted."""
    cell_of_row, true, predicted = predictions.cells
    counts = tally(cell_of_row, weights, len(true))
    size = len(predictions.labels)
    correct = tally(true, counts * (true == predicted), size)
    return correct, tally(true, counts, size), tally(predicted, counts, size)


def _mean_of_defined(values: FloatArray) -> FloatArray:
    defined = np.isfinite(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=1), defined.sum(axis=1).astype(float))


@per_row
def accuracy(predictions: Predictions) -> Array:
    """Share of rows with the right label."""
    right: Array = predictions.truth == predictions.predicted
    return right


def balanced_accuracy(predictions: Predictions, weights: Weights) -> FloatArray:
    """Mean recall of the labels that occur in the truth."""
    correct, there, _ = _label_counts(predictions, weights)
    return _mean_of_defined(ratio(correct, there))


def f1_macro(predictions: Predictions, weights: Weights) -> FloatArray:
    """Mean F1 of the labels that occur in the truth or the predictions."""
    correct, there, predicted = _label_counts(predictions, weights)
    return _mean_of_defined(ratio(2 * correct, there + predicted))


def f1_weighted(predictions: Predictions, weights: Weights) -> FloatArray:
    """Mean F1 of the labels that occur in the truth, each by its rows."""
    correct, there, predicted = _label_counts(predictions, weights)
    f1 = ratio(2 * correct, there + predicted)
    return ratio(np.where(there > 0, f1 * there, 0.0).sum(axis=1), there.sum(axis=1))


def roc_auc(predictions: Predictions, weights: Weights) -> FloatArray:
    """Area under the ROC curve; with several classes the mean of each against the rest.

    Undefined where a class has no rows or all rows, or where a label is unknown to the model.
    """
    areas, _ = _of_classes(predictions, weights, _area)
    mean_area: FloatArray = areas.mean(axis=0)
    return mean_area


def roc_auc_weighted(predictions: Predictions, weights: Weights) -> FloatArray:
    """The same, but each class counts by its rows."""
    return _by_rows(*_of_classes(predictions, weights, _area))


def average_precision(predictions: Predictions, weights: Weights) -> FloatArray:
    """Mean precision over the rows of a class, ranked by score; with several classes their mean.

    Undefined where a class has no rows, or where a label is unknown to the model.
    """
    precisions, _ = _of_classes(predictions, weights, _precision)
    mean_precision: FloatArray = precisions.mean(axis=0)
    return mean_precision


def average_precision_weighted(predictions: Predictions, weights: Weights) -> FloatArray:
    """The same, but each class counts by its rows."""
    return _by_rows(*_of_classes(predictions, weights, _precision))


def _of_classes(
    predictions: Predictions,
    weights: Weights,
    score: Callable[[FloatArray, FloatArray], FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """Return (k, b) scores of each class against the rest, and how much its rows count."""
    if not predictions.ranks or (predictions.class_index < 0).any():
        return np.full((1, len(weights)), np.nan), np.ones((1, len(weights)))
    values, sizes = [], []
    for code, size in predictions.ranks:
        sides = tally(code, weights, 2 * size)
        rest, of_class = sides[:, :size], sides[:, size:]
        values.append(score(of_class, rest))
        sizes.append(of_class.sum(axis=1))
    return np.array(values), np.array(sizes)


def _by_rows(values: FloatArray, sizes: FloatArray) -> FloatArray:
    return ratio((values * sizes).sum(axis=0), sizes.sum(axis=0))


def _area(of_class: FloatArray, rest: FloatArray) -> FloatArray:
    # Pairs in the right order, ties counted half (Mann and Whitney, 1947).
    right = dot(of_class, np.cumsum(rest, axis=1)) - dot(of_class, rest) / 2
    return ratio(right, of_class.sum(axis=1) * rest.sum(axis=1))


def _precision(of_class: FloatArray, rest: FloatArray) -> FloatArray:
    of_class, rest = of_class[:, ::-1], rest[:, ::-1]  # the highest score first
    found = np.cumsum(of_class, axis=1)
    precision = ratio(found, found + np.cumsum(rest, axis=1))
    gained = np.where(of_class > 0, of_class * precision, 0.0).sum(axis=1)
    return ratio(gained, of_class.sum(axis=1))


@per_row
def log_loss(predictions: Predictions) -> Array | None:
    """Mean of -ln(probability of the true label); smaller is better."""
    shares, true = predictions.probabilities, predictions.class_index
    if shares is None or (true < 0).any():
        return None
    smallest = np.finfo(shares.dtype).eps  # scikit-learn's bound: a sure mistake stays finite
    share = np.clip(shares[np.arange(len(true)), true], smallest, 1 - smallest)
    loss: FloatArray = -np.log(share.astype(np.float64))
    return loss


@per_row
def brier(predictions: Predictions) -> Array | None:
    """Mean squared error of the probabilities; smaller is better.

    From 0 to 1 for two classes (the second's probability alone) and to 2 for more: as
    scikit-learn's `brier_score_loss` with its default `scale_by_half="auto"`.
    """
    shares, true = predictions.probabilities, predictions.class_index
    if shares is None or (true < 0).any():
        return None
    hit = true[:, np.newaxis] == np.arange(shares.shape[1])
    squared: FloatArray = ((hit - shares.astype(np.float64)) ** 2).sum(axis=1)
    return squared / 2 if shares.shape[1] == 2 else squared


def rmse(predictions: Predictions, weights: Weights) -> FloatArray:
    """Root of the mean squared error, in the unit of the target."""
    return np.sqrt(mean(predictions.errors**2, weights))


@per_row
def mae(predictions: Predictions) -> Array:
    """Mean absolute error, in the unit of the target."""
    return np.abs(predictions.errors)


@per_row
def mape(predictions: Predictions) -> Array:
    """Mean absolute error in parts of the true value, 0.1 for 10%; huge where that is near 0."""
    truth = np.abs(np.asarray(predictions.truth, dtype=np.float64))
    shares: FloatArray = np.abs(predictions.errors) / np.maximum(truth, np.finfo(np.float64).eps)
    return shares


def pinball(quantile: float) -> Metric:
    """Make the pinball loss of a quantile (0 to 1), smallest for who predicts that quantile.

    In the unit of the target (Koenker and Bassett, Econometrica, 1978).
    """
    if not 0 < quantile < 1:
        raise ProjectError(f"pinball({quantile}) in metrics.py: a quantile is between 0 and 1")

    @per_row
    def loss(predictions: Predictions) -> Array:
        errors = predictions.errors
        return np.maximum(quantile * errors, (quantile - 1) * errors)

    return loss


def r2(predictions: Predictions, weights: Weights) -> FloatArray:
    """Share of the target's variance that is explained; undefined where the target is constant."""
    truth = np.asarray(predictions.truth, dtype=np.float64)
    spread = (truth - mean(truth, weights)[:, np.newaxis]) ** 2
    total = (weights * spread).sum(axis=1)
    # A constant target leaves a rounding error, not 0: look at the values of the doubtful ones.
    for row in np.flatnonzero(total <= 1e-12 * np.max(truth**2) * weights.sum(axis=1)):
        if np.ptp(truth[weights[row] > 0]) == 0:
            total[row] = 0.0
    return 1 - ratio((weights * predictions.errors**2).sum(axis=1), total)


def median_absolute_error(predictions: Predictions, weights: Weights) -> FloatArray:
    """Median of the absolute errors, in the unit of the target."""
    order, errors = predictions.ranked_errors
    middles = []
    for row in np.take(weights, order, axis=1):
        there = row > 0
        reached, known = row[there].cumsum(), errors[there]
        # Where half of the weight ends between two errors it is their mean.
        first = np.searchsorted(reached, reached[-1] / 2)
        last = np.searchsorted(reached, reached[-1] / 2, side="right")
        middles.append((known[first] + known[min(last, len(known) - 1)]) / 2)
    return np.array(middles)
