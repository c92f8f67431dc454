"""Distributions of truths and predictions, from which coverage_of_intervals.py draws tables."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

Drawn = tuple[tuple[Any, ...], Any]  # arguments of Predictions, unit of each row


def two_classes(share: float, distance: float, rng: np.random.Generator, rows: int) -> Drawn:
    """One score, normal in each class, `distance` apart; its probabilities are the right ones."""
    truth = rng.random(rows) < share
    score = rng.normal(size=rows) + distance * truth
    odds = distance * score - distance**2 / 2 + math.log(share / (1 - share))
    second = 1 / (1 + np.exp(-odds))
    shares = np.column_stack([1 - second, second])
    return (truth, second > 0.5, np.array([False, True]), shares), None


def ten_classes(largest: float, rng: np.random.Generator, rows: int) -> Drawn:
    """Ten scores, normal, the true class 2 higher; its probabilities are the right ones."""
    shares = np.array([largest, *[(1 - largest) / 9] * 9])
    truth = rng.choice(10, rows, p=shares)
    scores = 2 * (rng.normal(size=(rows, 10)) + 2 * np.eye(10)[truth]) + np.log(shares)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (truth, odds.argmax(axis=1), np.arange(10), odds / odds.sum(axis=1, keepdims=True)), None


def repeated(rng: np.random.Generator, rows: int) -> Drawn:
    """Eight different rows of features, so that many rows have the same score."""
    second = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])[rng.integers(0, 8, rows)]
    shares = np.column_stack([1 - second, second])
    return (rng.random(rows) < second, second > 0.5, np.array([False, True]), shares), None


def groups(size: int, rng: np.random.Generator, rows: int) -> Drawn:
    """Groups of some rows, of which half of the score's variance is the group's."""
    unit = np.arange(rows) // size
    truth = rng.random(rows) < 0.5
    together = rng.normal(size=unit[-1] + 1)[unit]
    score = 1.5 * truth + math.sqrt(0.5) * (together + rng.normal(size=rows))
    second = 1 / (1 + np.exp(-(1.5 * score - 1.5**2 / 2)))
    shares = np.column_stack([1 - second, second])
    return (truth, second > 0.5, np.array([False, True]), shares), unit


def groups_of_one_class(share: float, rng: np.random.Generator, rows: int) -> Drawn:
    """Groups of ten rows with one label each; half of the score's variance is the group's."""
    unit = np.arange(rows) // 10
    truth = (rng.random(unit[-1] + 1) < share)[unit]
    together = rng.normal(size=unit[-1] + 1)[unit]
    score = 1.5 * truth + math.sqrt(0.5) * (together + rng.normal(size=rows))
    odds = 1.5 * score - 1.5**2 / 2 + math.log(share / (1 - share))
    second = 1 / (1 + np.exp(-odds))
    shares = np.column_stack([1 - second, second])
    return (truth, second > 0.5, np.array([False, True]), shares), unit


def errors(
    draw: Callable[[np.random.Generator, int], Any], rng: np.random.Generator, rows: int
) -> Drawn:
    """A target that is 1.5 times a normal feature, which the model knows, and an error."""
    known = 1.5 * rng.normal(size=rows)
    return (known + draw(rng, rows), known), None


def groups_of_errors(rng: np.random.Generator, rows: int) -> Drawn:
    """Groups of ten rows, of which half of the error's variance is the group's."""
    unit = np.arange(rows) // 10
    error = math.sqrt(0.5) * (rng.normal(size=unit[-1] + 1)[unit] + rng.normal(size=rows))
    known = 1.5 * rng.normal(size=rows)
    return (known + error, known), unit


def series_of_errors(rng: np.random.Generator, rows: int) -> Drawn:
    """Errors that follow one another with a correlation of 0.5."""
    error, shocks = np.empty(rows), rng.normal(size=rows)
    error[0] = shocks[0]
    for row in range(1, rows):
        error[row] = 0.5 * error[row - 1] + math.sqrt(0.75) * shocks[row]
    known = 1.5 * rng.normal(size=rows)
    return (known + error, known), np.arange(rows) // round(2 * rows ** (1 / 3))


def weighted(
    draw: Callable[[np.random.Generator, int], Drawn], rng: np.random.Generator, rows: int
) -> Drawn:
    """The same with weights of the rows, some of them ten times as large as others."""
    arguments, unit = draw(rng, rows)
    weights = np.exp(0.75 * rng.normal(size=rows))
    return (*arguments, *[None] * (5 - len(arguments)), weights), unit


def balanced(rng: np.random.Generator, rows: int) -> Drawn:
    """One row of ten is of the second class, and weighs as much as nine others."""
    (truth, *others), unit = two_classes(0.1, 1.5, rng, rows)
    return (truth, *others, None, np.where(truth, 9.0, 1.0)), unit


def hard(rng: np.random.Generator, rows: int) -> Drawn:
    """One row of twenty is hard to tell, and weighs as much as five others."""
    is_hard = rng.random(rows) < 0.05
    truth = rng.random(rows) < 0.5
    distance = np.where(is_hard, 0.5, 3.0)
    score = rng.normal(size=rows) + distance * truth
    second = 1 / (1 + np.exp(-(distance * score - distance**2 / 2)))
    shares = np.column_stack([1 - second, second])
    classes = np.array([False, True])
    return (truth, second > 0.5, classes, shares, None, np.where(is_hard, 5.0, 1.0)), None


CASES: dict[str, tuple[str, Callable[[np.random.Generator, int], Drawn]]] = {
    "two classes, half each": ("classification", partial(two_classes, 0.5, 1.5)),
    "two classes, 5%": ("classification", partial(two_classes, 0.05, 1.5)),
    "two classes, 5%, a strong model": ("classification", partial(two_classes, 0.05, 3.0)),
    "ten classes, 10% each": ("classification", partial(ten_classes, 0.1)),
    "ten classes, nine of 5%": ("classification", partial(ten_classes, 0.55)),
    "rows that repeat": ("classification", repeated),
    "groups of ten rows": ("classification", partial(groups, 10)),
    "groups of forty rows": ("classification", partial(groups, 40)),
    "groups of ten rows of one class": ("classification", partial(groups_of_one_class, 0.2)),
    "rows of uneven weight": (
        "classification",
        partial(weighted, partial(two_classes, 0.2, 1.5)),
    ),
    "classes of one weight, 10%": ("classification", balanced),
    "hard rows that weigh more": ("classification", hard),
    "normal errors": ("regression", partial(errors, lambda rng, n: rng.normal(size=n))),
    "skewed errors (exponential)": (
        "regression",
        partial(errors, lambda rng, n: rng.exponential(size=n) - 1),
    ),
    "heavy tails (t, 3 degrees)": (
        "regression",
        partial(errors, lambda rng, n: rng.standard_t(3, n)),
    ),
    "groups of ten errors": ("regression", groups_of_errors),
    "errors in a series": ("regression", series_of_errors),
    "errors of uneven weight": (
        "regression",
        partial(weighted, partial(errors, lambda rng, n: rng.normal(size=n))),
    ),
}
