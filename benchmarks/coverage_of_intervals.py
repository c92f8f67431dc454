"""How often the intervals of a generated project hold the true score; writes docs/intervals.md.

    python benchmarks/coverage_of_intervals.py

Each case is a distribution of truths and predictions whose true scores are those of a million
rows. Tables of n rows are drawn from it, and each table gives the intervals that *evaluate* would
print at 0.95. `--check` writes nothing. The exit status is 1 where an interval that is printed in
most tables of 200 rows or more holds the truth in fewer than 92% or more than 98% of them, by more
than `--within` standard errors of the simulation.

Needs the packages of a generated project: numpy, polars and scikit-learn among them.
"""

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from bench_intervals import load_library

TEMPLATE = Path(__file__).resolve().parents[1] / "{{cookiecutter.project_slug}}"
PAGE = TEMPLATE / "docs" / "intervals.md"
FOLDER = "COVERAGE_FOLDER"  # where each process puts its copy of the owner's metrics
CONFIDENCE, RESAMPLES = 0.95, 1000
ROWS = (50, 200, 1000, 5000)
LOWEST, HIGHEST = 0.92, 0.98
WEIGHTED = ("f1_weighted", "roc_auc_weighted", "average_precision_weighted")
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


def groups(rng: np.random.Generator, rows: int) -> Drawn:
    """Groups of ten rows, of which half of the score's variance is the group's."""
    unit = np.arange(rows) // 10
    truth = rng.random(rows) < 0.5
    together = rng.normal(size=unit[-1] + 1)[unit]
    score = 1.5 * truth + math.sqrt(0.5) * (together + rng.normal(size=rows))
    second = 1 / (1 + np.exp(-(1.5 * score - 1.5**2 / 2)))
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
    "groups of ten rows": ("classification", groups),
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


@cache
def true_scores(case: str) -> dict[str, float]:
    """Return the scores of a million rows."""
    load_library(Path(tempfile.mkdtemp(prefix="owner-", dir=os.environ[FOLDER])))
    from mlrepo.core import owner
    from mlrepo.learning.metrics import functions, scores
    from mlrepo.learning.predictions import Predictions

    # Those as well that an owner may name.
    known: Any = owner.metrics()
    known.CLASSIFICATION.update({name: getattr(functions, name) for name in WEIGHTED})
    known.REGRESSION.update({"pinball(0.9)": functions.pinball(0.9), "mape": functions.mape})

    task, draw = CASES[case]
    arguments, _ = draw(np.random.default_rng(1_000_003), 1_000_000)
    return scores(task, Predictions(*arguments))


def tables(case: str, rows: int, seeds: range) -> list[dict[str, bool | None]]:
    """Return of each table and metric whether its interval holds the truth; None: none given."""
    truth = true_scores(case)
    from mlrepo.learning.predictions import Predictions
    from mlrepo.scoring.intervals import intervals

    task, draw = CASES[case]
    found = []
    for seed in seeds:
        arguments, unit = draw(np.random.default_rng(seed), rows)
        table = Predictions(*arguments)
        here = intervals(task, table, RESAMPLES, CONFIDENCE, seed + 1_000_000, unit)
        found.append(
            {
                name: None if low is None or high is None else low <= truth[name] <= high
                for name, (low, high) in ((n, (i.low, i.high)) for n, i in here.items())
            }
        )
    return found


Cell = tuple[int, int, int]  # tables, tables with an interval, intervals that hold the truth


def simulate(
    cases: list[str], sizes: list[int], count: int
) -> Iterator[tuple[str, int, dict[str, Cell]]]:
    """Return of each case and size what became of `count` tables, metric by metric."""
    with ProcessPoolExecutor() as pool:
        for case in cases:
            for rows in sizes:
                parts = [range(start, min(start + 20, count)) for start in range(0, count, 20)]
                done = pool.map(tables, [case] * len(parts), [rows] * len(parts), parts)
                found = [table for part in done for table in part]
                names = true_scores(case)  # in their order, whatever a table leaves undefined
                cells = {}
                for name in names:
                    said = [t[name] for t in found if t.get(name) is not None]
                    cells[name] = (count, len(said), sum(bool(hit) for hit in said))
                yield case, rows, cells


def is_off(rows: int, cell: Cell, within: float = 1) -> bool:
    """Return whether a printed interval keeps its promise too rarely, or too often."""
    count, said, hits = cell
    if rows < 200 or 2 * said < count:
        return False
    error = within * math.sqrt(0.05 * 0.95 / said)
    return not LOWEST - error <= hits / said <= HIGHEST + error


def in_words(cell: Cell) -> str:
    """Return the share of intervals that hold the truth; how many are given where not all are."""
    count, said, hits = cell
    if 2 * said < count:
        return f"none ({said / count:.0%} given)"
    return f"{hits / said:.3f}" + ("" if said == count else f" ({said / count:.0%} given)")


def main() -> None:
    """Simulate, print each line, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--within", type=float, default=1, help="standard errors, 3 for few tables")
    parser.add_argument("--check", action="store_true", help="write no page")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ[FOLDER] = folder
        sys.exit(report(chosen))


def report(chosen: argparse.Namespace) -> bool:
    """Print each line, write the page, and return whether an interval is off."""
    off, lines = False, dict[str, list[str]]()
    for case, rows, cells in simulate(chosen.cases, chosen.rows, chosen.tables):
        for name, cell in cells.items():
            bad = is_off(rows, cell, chosen.within)
            off = off or bad
            print(
                f"{case}, {rows} rows, {name}: {in_words(cell)}{' OFF' if bad else ''}", flush=True
            )
        task = CASES[case][0]
        head = lines.setdefault(task, [f"| Case | Rows | {' | '.join(cells)} |"])
        if len(head) == 1:
            head.append(f"| --- | ---: |{' ---: |' * len(cells)}")
        head.append(f"| {case} | {rows:,} | {' | '.join(map(in_words, cells.values()))} |")
    if not chosen.check:
        text = PAGE.read_text(encoding="utf-8")
        before, _ = text.split("<!-- table -->")
        body = "\n\n".join("\n".join(part) for part in lines.values())
        count = f"{chosen.tables:,} tables for each line."
        PAGE.write_text(f"{before}<!-- table -->\n\n{count}\n\n{body}\n", encoding="utf-8")
    return off


if __name__ == "__main__":
    main()
