"""Intervals of test scores: where the score of all rows that there could be may lie.

Each metric has the method that keeps its promise in docs/intervals.md, which simulates them all:

- Shares of rows, or means of such (accuracy, recalls, F1 by way of TP / (TP + FP + FN), average
  precision, areas under the ROC curve): the score interval, whose end is the value that a test with
  the variance there does not refuse. Of one share it is Wilson's (1927), of one area Newcombe's
  method 5 (Statistics in Medicine, 2006). What is always right has a width so.
- Means of losses (log loss, Brier, MAE, RMSE, R2): the studentised bootstrap (Efron and
  Tibshirani, An Introduction to the Bootstrap, 1993, section 12.5) of the logarithm. None where so
  few rows decide the mean that its variance does not settle: a tail index below 2 (Hill, 1975).
- The median absolute error: the order statistics that a binomial names.
- A metric of the owner's: the percentile bootstrap, whose promise nobody has checked.

Rows that belong together are one unit: its design effect widens the first and the third, and the
bootstrap draws units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from statistics import NormalDist

import numpy as np

from mlrepo.learning.metrics import functions, of_task, scores
from mlrepo.learning.metrics.aggregates import Metric, Weights
from mlrepo.learning.predictions import FloatArray, IndexArray, Predictions
from mlrepo.scoring import bootstrap, losses, shares
from mlrepo.scoring.losses import Loss
from mlrepo.scoring.units import Drawn, sums, too_few

_MOST_SHARES = 2_000_000  # rows x classes at once; of more rows some stand for all
_WIDEST = 10.0  # times the loss: a wider end is what resamples without its largest rows make
_FEWEST_ROWS = 5  # of a class
_FEWEST_WEIGHTED = 200  # that rows of uneven weight must say as much as


@dataclass(frozen=True)
class Interval:
    """Where a score may lie, and by which method; without bounds the method says why."""

    low: float | None
    high: float | None
    method: str


def intervals(
    task: str,
    predictions: Predictions,
    resamples: int,
    confidence: float,
    seed: int,
    unit: IndexArray | None = None,
    memory: int = bootstrap.MEMORY,
) -> dict[str, Interval]:
    """Return the interval of each metric that is defined here; none of one row or 0 resamples.

    ``unit`` (n,) says which rows belong together, as `units` does; ``memory`` is the bytes that the
    weights of the resamples may take.
    """
    if len(predictions) < 2 or not resamples:
        return {}
    metrics, defined = of_task(task), scores(task, predictions)
    table = _Table.of(predictions, confidence, unit, bootstrap.MOST)
    many = _MOST_SHARES // max(1, len(predictions.known))
    wide = _Table.of(predictions, confidence, unit, many)
    found, lost = dict[str, Interval](), dict[str, Loss]()
    own, studentised = dict[str, bootstrap.Statistic](), dict[str, bootstrap.Statistic]()
    thin = task == "classification" and wide.fewest_of_a_class < _FEWEST_ROWS
    of = "rows" if unit is None else "groups or blocks of rows"
    for name, estimate in defined.items():
        by_class = metrics[name] is not functions.accuracy
        if thin and by_class:
            found[name] = Interval(None, None, f"a class has fewer than {_FEWEST_ROWS} {of}")
        elif unit is not None and (few := wide.drawn.too_few(metrics[name])):
            found[name] = Interval(None, None, few)
        elif (parts := shares.OF_METRIC.get(metrics[name])) is not None:
            least = wide.fewest_of_a_class if by_class else wide.drawn.count
            found[name] = wide.of_shares(parts, estimate, wide.z_of(least))
        elif metrics[name] is functions.median_absolute_error:
            found[name] = wide.of_median()
        elif few := too_few(metrics[name], table.drawn.count, False):
            found[name] = Interval(None, None, few)
        elif table.is_uneven:
            found[name] = Interval(None, None, "the weights of the rows are too uneven")
        elif (loss := Loss.of(metrics[name], predictions)) is None:
            own[name] = partial(table.by_row, metrics[name])
        elif why := loss.why_none(metrics[name]):
            found[name] = Interval(None, None, why)
        else:
            studentised[name] = partial(losses.studentised, *table.of_units(loss))
            lost[name] = loss
    knobs, of_all = (resamples, confidence, seed, memory), table.draws
    count = table.units_of_losses
    ends = bootstrap.bootstrap(studentised, count, *knobs, of_all if unit is None else None)
    found |= {name: table.of_loss(lost[name], *ends[name]) for name in ends}
    ends = bootstrap.bootstrap(own, table.drawn.count, *knobs, of_all)
    around = scores(task, table.some) if ends else {}
    for name, (low, high) in ends.items():
        by = defined[name] - around[name]
        found[name] = Interval(low + by, high + by, "percentile bootstrap")
    undefined = Interval(None, None, "most resamples leave it undefined")
    return {name: found.get(name, undefined) for name in defined}


@dataclass(frozen=True)
class _Table:
    """The rows of a table that stand for all of them, and their units."""

    all: Predictions
    unit: IndexArray | None  # of each row of `all`
    drawn: Drawn
    some: Predictions
    z: float

    @classmethod
    def of(
        cls, predictions: Predictions, confidence: float, unit: IndexArray | None, most: int
    ) -> _Table:
        drawn, some = Drawn.of(len(predictions), unit, most), predictions
        if len(drawn.rows) < len(predictions):
            some = predictions.rows(drawn.rows)
        return cls(predictions, unit, drawn, some, NormalDist().inv_cdf(0.5 + confidence / 2))

    @property
    def part(self) -> float:
        """Which part of what the table has stands for all of it, where the rest is left out."""
        return self.drawn.count / self.drawn.of_all

    @property
    def draws(self) -> int | None:
        """How many units a resample draws, where it is not as many as it draws from."""
        return self.drawn.of_all if self.part < 1 else None

    @property
    def units_of_losses(self) -> int:
        """How many there are in `of_units`."""
        if self.unit is None:
            return self.drawn.count
        return min(int(self.unit.max()) + 1, bootstrap.MOST)

    @property
    def is_uneven(self) -> bool:
        """Whether so few heavy rows count that a bootstrap does not see how the others vary."""
        weights = self.all.weights
        if weights is None or np.ptp(weights) == 0:
            return False
        return shares.effective(weights) < max(_FEWEST_WEIGHTED, len(weights) / 3)

    @cached_property
    def fewest_of_a_class(self) -> int:
        """Rows of the class that has the fewest, or units where it occurs.

        Rows of one unit say little more than one of them, and a class may stand in few units.
        """
        cell, true, _ = self.all.cells
        label, size = true[cell[self.drawn.rows]], len(self.all.labels)
        there = np.bincount(true[cell], minlength=size) > 0
        there |= np.array([each in self.all.known for each in self.all.labels])
        if self.drawn.unit is not None:
            label = np.unique(self.drawn.unit * size + label) % size
        return int(np.bincount(label, minlength=size)[there].min())

    def z_of(self, units: int) -> float:
        """Return the quantile for so many units, which say little of their own spread if few.

        That is Student's, by its expansion (Abramowitz and Stegun, 1964, 26.7.5).
        """
        few = 0 if self.unit is None else (self.z**3 + self.z) / (4 * max(1, units - 1))
        return self.z + few

    def by_row(self, metric: Metric, weights: Weights) -> FloatArray:
        """Return the values (b,) of a metric for weights of the units (b, m)."""
        return metric(self.some, self.drawn.weights(weights) * self.some.once_each)

    def wider(self, influence: FloatArray) -> FloatArray:
        """Return how often wider the variance of each estimate (k,) is by the units."""
        if self.unit is None:
            return np.ones(len(influence))
        of_rows = (influence**2).sum(axis=1)
        of_units = (self.drawn.sums(influence) ** 2).sum(axis=1)
        largest = np.full(len(influence), influence.shape[1] / self.drawn.count)
        wider: FloatArray = np.divide(of_units, of_rows, out=largest, where=of_rows > 0)
        return np.maximum(1, wider)

    def of_shares(
        self, parts: Callable[[Predictions], shares.Shares], estimate: float, z: float
    ) -> Interval:
        """Return the interval of a mean of shares; `estimate` is that of all rows."""
        made = parts(self.some)
        of_units = self.drawn.sums(made.influence)
        spread = np.sqrt((of_units**2).sum(axis=1, keepdims=True))
        spread[spread == 0] = np.inf
        correlation = np.einsum("kn,jn->kj", of_units / spread, of_units / spread)
        np.fill_diagonal(correlation, 1)
        design = self.wider(made.influence) * self.part
        low, high = made.interval(z, design, correlation)
        moved = estimate - made.mean(made.values)  # 0 where all rows are here
        return Interval(max(0.0, low + moved), min(1.0, high + moved), "score interval")

    def of_units(self, loss: Loss) -> tuple[FloatArray, FloatArray]:
        """Return value and base of a loss, unit by unit (m,), of all rows where there are units.

        Of more units than may be, several make one: their variances add up.
        """
        if self.unit is None:
            return loss.value[self.drawn.rows], loss.base[self.drawn.rows]
        merged = self.unit % bootstrap.MOST
        return sums(loss.value, merged), sums(loss.base, merged)

    def of_loss(self, loss: Loss, low: float, high: float) -> Interval:
        """Return the interval of a loss by the quantiles of its studentised logarithm."""
        error = losses.relative_error(*self.of_units(loss))
        if self.unit is None:
            error *= float(np.sqrt(self.part))
        center = float(loss.value.sum() / loss.base.sum())
        times = [float(np.exp(-t * error)) for t in (low, high)]
        if max(times) > _WIDEST:
            return Interval(None, None, "a few rows may decide it")
        ends = sorted(loss.scale(center * each) for each in times)
        return Interval(ends[0], ends[1], "studentised bootstrap")

    def of_median(self) -> Interval:
        """Return the two absolute errors between which the median of all lies."""
        order, errors = self.all.ranked_errors
        [weights], [some] = self.all.once_each, self.some.once_each
        middle = functions.median_absolute_error(self.all, self.all.once_each)[0]
        below = some * ((np.abs(self.some.errors) <= middle) - np.float64(0.5))
        rows = shares.effective(weights) / self.wider(below[np.newaxis])[0]
        share = 0.5 - self.z_of(self.drawn.count) / (2 * np.sqrt(rows))
        # So many errors, from either end, hold no more than that share of the weight.
        ends = [
            int(np.searchsorted(each.cumsum(), share * weights.sum(), side="right"))
            for each in (weights[order], weights[order][::-1])
        ]
        if min(ends) < 1:
            return Interval(None, None, "too few rows")
        low, high = errors[ends[0] - 1], errors[-ends[1]]
        return Interval(float(low), float(high), "order statistics")
