"""Metrics that are shares of rows, or means of such: estimates, variances and influences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mlrepo.learning.metrics import functions
from mlrepo.learning.metrics.aggregates import Metric
from mlrepo.learning.predictions import FloatArray, IndexArray, Predictions

_MODEL = 20  # rows that a model of the variance counts for

Variance = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Shares:
    """k shares, 0 to 1, whose mean is the metric once each has gone through `scale`.

    Attributes:
        values: (k,) estimates.
        sizes: (k,) rows that each rests on; of weighted rows as many as would say as much.
        variance: of each estimate (k,), if its true value were what is given.
        influence: (k, n) how much each row moves each estimate.
        scale: of a share, and its slope there.
    """

    values: FloatArray
    sizes: FloatArray
    variance: Variance
    influence: FloatArray
    scale: Callable[[FloatArray], FloatArray] = lambda share: share
    slope: Callable[[FloatArray], FloatArray] = np.ones_like

    def mean(self, shares: FloatArray) -> float:
        """Return the metric of k shares."""
        return float(self.scale(shares).mean())

    def interval(
        self, z: float, design: FloatArray, correlation: FloatArray
    ) -> tuple[float, float]:
        """Return the means, below and above, that a test at `z` standard errors does not refuse.

        For other means than the estimate the shares move as is least surprising: their logits by
        steps that are inverse to their rows (Miettinen and Nurminen, Statistics in Medicine, 1985,
        on two shares). Of one share this is Wilson's interval. Half a row is added on each side
        first, since a share of 0 or 1 would not move. ``design`` (k,) multiplies the variances;
        ``correlation`` (k, k) is that of the estimates.
        """
        # What the influences sum up to is how much too high the estimate is in the mean, negative.
        values = np.clip(self.values + self.influence.sum(axis=1), 0, 1)
        added = (values * self.sizes + 0.5) / (self.sizes + 1)
        logits, estimate = np.log(added / (1 - added)), self.mean(values)
        steps = self.sizes.min() / self.sizes

        def at(shifts: FloatArray) -> tuple[FloatArray, FloatArray]:
            moved = 1 / (1 + np.exp(-np.clip(logits + shifts[:, np.newaxis] * steps, -700, 700)))
            errors = self.slope(moved) * np.sqrt(design * self.variance(moved))
            variance = np.einsum("sk,kj,sj->s", errors, correlation, errors) / len(steps) ** 2
            return self.scale(moved).mean(axis=1), z * np.sqrt(np.maximum(0.0, variance))

        ends = []
        for sign in (-1, 1):
            kept, refused = -60.0 * sign / steps.min(), 60.0 * sign / steps.min()
            for _ in range(15):  # each divides what lies between by 16, in one call of numpy
                shifts = np.linspace(kept, refused, 17)
                means, errors = at(shifts)
                first = int((sign * (means - estimate) > errors).argmax()) or 16
                kept, refused = shifts[first - 1], shifts[first]
            ends.append(float(at(np.array([kept]))[0][0]))
        return ends[0], ends[1]


def effective(weights: FloatArray) -> float:
    """Return how many rows of one weight say as much as these (Kish, Survey Sampling, 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _shares(hits: FloatArray, among: FloatArray, weights: FloatArray) -> Shares:
    """Return the mean of `hits` (k, n) over the rows of each line of the mask `among` (k, n)."""
    weighted = among * weights
    sizes, sums = np.array([effective(each) for each in weighted]), weighted.sum(axis=1)
    values = (hits * weighted).sum(axis=1) / sums
    influence = weighted * (hits - values[:, np.newaxis]) / sums[:, np.newaxis]
    made = Shares(values, sizes, lambda p: p * (1 - p) / sizes, influence)
    # Uneven weights may go with what is hit, which no model of the variance knows.
    return made if np.ptp(weights) == 0 else _as_shown(made)


def _accuracy(predictions: Predictions) -> Shares:
    right = (predictions.truth == predictions.predicted)[np.newaxis].astype(float)
    return _shares(right, np.ones_like(right), predictions.once_each)


def _labels(predictions: Predictions) -> tuple[FloatArray, FloatArray]:
    """Return for each label, true or predicted, the rows that have it and that get it (k, n)."""
    cell, true, predicted = predictions.cells
    labels = np.union1d(true, predicted)[:, np.newaxis]
    return (true[cell] == labels).astype(float), (predicted[cell] == labels).astype(float)


def _recalls(predictions: Predictions) -> Shares:
    there, said = _labels(predictions)
    occurs = there.any(axis=1)
    return _shares(said[occurs], there[occurs], predictions.once_each)


def _f1(predictions: Predictions) -> Shares:
    there, said = _labels(predictions)
    hits = _shares(there * said, np.maximum(there, said), predictions.once_each)
    return replace(hits, scale=lambda p: 2 * p / (1 + p), slope=lambda p: 2 / (1 + p) ** 2)


def _f1_by_rows(predictions: Predictions) -> Shares:
    there, _ = _labels(predictions)
    return _by_rows(_f1(predictions), there, predictions.once_each)


def _by_rows(made: Shares, members: FloatArray, weights: FloatArray) -> Shares:
    """Return the mean in which each share counts by the rows of its class (k, n), as one share."""
    if len(members) == 1:  # of two classes only the second has an area
        return made
    rows, values, size = members * weights, made.scale(made.values), effective(weights[0])
    parts = rows.sum(axis=1) / rows.sum()
    influence = (parts * made.slope(made.values)) @ made.influence
    # Other rows would have other parts as well.
    influence += values @ (rows - np.outer(parts, rows.sum(axis=0))) / rows.sum()
    mean, sizes = np.array([parts @ values]), np.array([size])
    return _as_shown(Shares(mean, sizes, lambda p: p * (1 - p) / sizes, influence[np.newaxis]))


def _precisions(predictions: Predictions) -> Shares:
    """Return average precisions; an influence is what leaving the row out changes.

    So (Efron and Stein, Annals of Statistics, 1981) it shows that a row counts itself as a hit.
    """
    values, influence, sizes, [weights] = [], [], [], predictions.once_each
    for code, size in predictions.ranks:
        of_class, rank = code >= size, code % size
        own = weights * of_class
        total, sums = own.sum(), partial(_sums, rank, size)
        found, ranked = sums(own, -1), sums(weights, -1)  # with this score or a higher one
        sizes.append(effective(own))
        values.append((own * found / ranked).sum() / total)
        # What another row, as heavy as this one, moves the precision at this row of the class.
        step = own / np.where(ranked > weights, ranked * (ranked - weights), np.inf)
        hit, miss = sums(step * (ranked - found)) - step * (ranked - found), sums(step * found)
        gained = (found / ranked - values[-1] + hit) / (total - own)
        influence.append(weights * np.where(of_class, gained, -miss / total))
    m = np.array(sizes)
    made = Shares(np.array(values), m, lambda p: p * (1 - p) / m, np.array(influence))
    return _as_shown(made, _MODEL / 4)  # by the model too wide where the precision is high


def _sums(rank: IndexArray, size: int, counts: FloatArray, step: int = 1) -> FloatArray:
    """Return the sum of the counts (n,) up to the rank of each row, or down to it by step -1."""
    sums: FloatArray = np.bincount(rank, counts, size)[::step].cumsum()[::step][rank]
    return sums


def _areas(predictions: Predictions) -> Shares:
    values, influence, sizes, [weights] = [], [], [], predictions.once_each
    for code, size in predictions.ranks:
        of_class, rank = code >= size, code % size
        # Of each row the share of the other side that it is ranked right against; ties half.
        rest, many = np.bincount(code, weights, 2 * size).reshape(2, size)
        above = (np.cumsum(rest) - rest / 2)[rank] / rest.sum()
        below = 1 - (np.cumsum(many) - many / 2)[rank] / many.sum()
        right = np.where(of_class, above, below)
        values.append(np.average(above, weights=weights * of_class))
        sums = np.where(of_class, many.sum(), rest.sum())
        influence.append(weights * (right - values[-1]) / sums)
        sizes.append((effective(weights * of_class), effective(weights * ~of_class)))
    (m, n), found = np.array(sizes).T, np.array(values)

    def model(p: FloatArray) -> FloatArray:
        pairs = 1 + ((m + n) / 2 - 1) * ((1 - p) / (2 - p) + p / (1 + p))
        variance: FloatArray = p * (1 - p) * pairs / (m * n)
        return variance

    return _as_shown(Shares(found, np.minimum(m, n), model, np.array(influence)))


def _as_shown(made: Shares, model: float = _MODEL) -> Shares:
    """Return the same with variances that go over from a model's to what the rows show.

    Which is DeLong's for the areas (DeLong, DeLong and Clarke-Pearson, Biometrics, 1988).
    """
    shown, supposed = (made.influence**2).sum(axis=1), made.variance(made.values)
    times = np.divide(shown, supposed, out=np.ones(len(shown)), where=supposed > 0)
    times = (made.sizes * times + model) / (made.sizes + model)
    return replace(made, variance=lambda p: times * made.variance(p))


def _of_rows(parts: Callable[[Predictions], Shares], predictions: Predictions) -> Shares:
    members = np.array([code >= size for code, size in predictions.ranks], dtype=float)
    return _by_rows(parts(predictions), members, predictions.once_each)


OF_METRIC: dict[Metric, Callable[[Predictions], Shares]] = {
    functions.accuracy: _accuracy,
    functions.balanced_accuracy: _recalls,
    functions.f1_macro: _f1,
    functions.f1_weighted: _f1_by_rows,
    functions.average_precision: _precisions,
    functions.average_precision_weighted: partial(_of_rows, _precisions),
    functions.roc_auc: _areas,
    functions.roc_auc_weighted: partial(_of_rows, _areas),
}
