"""By how much one model is better than another on the same rows, with intervals.

The paired bootstrap (Koehn, Statistical Significance Tests for Machine Translation Evaluation,
2004): each resample scores both models on one draw, so that rows which are hard for both cancel
out. Rows that belong together are drawn together, as for the intervals of the scores.
"""

import numpy as np

from mlrepo.core.params import LibraryParams
from mlrepo.learning import metrics
from mlrepo.learning.metrics.aggregates import Metric, Weights
from mlrepo.learning.predictions import FloatArray, Predictions
from mlrepo.scoring import bootstrap
from mlrepo.scoring.bootstrap import Statistic
from mlrepo.scoring.units import Drawn


def paired(
    scored: Predictions, rival: Predictions, drawn: Drawn, params: LibraryParams
) -> dict[str, dict[str, float]]:
    """Return metric -> by how much the first is better, with its interval, where it has one."""
    few, few_rival = scored.rows(drawn.rows), rival.rows(drawn.rows)

    def gain(score: Metric, sign: float, one: Predictions, other: Predictions) -> Statistic:
        def difference(weights: Weights) -> FloatArray:
            weights = weights * one.once_each
            return sign * (score(one, weights) - score(other, weights))

        return difference

    def of_draws(difference: Statistic) -> Statistic:
        return lambda weights: difference(drawn.weights(weights))

    scores = metrics.of_task(params.data.task)
    scores = {name: score for name, score in scores.items() if not drawn.too_few(score)}
    signs = {name: metrics.sign(name) for name in scores}
    gains = {
        name: of_draws(gain(score, signs[name], few, few_rival)) for name, score in scores.items()
    }
    knobs = params.evaluate
    sizes = (drawn.count, knobs.intervals.resamples, knobs.intervals.confidence, knobs.seed)
    # What it may take is for the weights of rows, of which there are more than of their groups.
    memory = bootstrap.MEMORY * drawn.count // len(drawn.rows)
    draws = drawn.of_all if drawn.count < drawn.of_all else None
    found = {}
    for name, (low, high) in bootstrap.bootstrap(gains, *sizes, memory, draws).items():
        of_all = gain(scores[name], signs[name], scored, rival)
        difference = float(of_all(np.ones((1, len(scored))))[0])
        moved = difference - float(gains[name](np.ones((1, drawn.count)))[0])
        if np.isfinite(difference + moved):
            found[name] = {"difference": difference, "low": low + moved, "high": high + moved}
    return found
