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
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from bench_intervals import load_library
from distributions import CASES

TEMPLATE = Path(__file__).resolve().parents[1] / "{{cookiecutter.project_slug}}"
PAGE = TEMPLATE / "docs" / "intervals.md"
FOLDER = "COVERAGE_FOLDER"  # where each process puts its copy of the owner's metrics
CONFIDENCE, RESAMPLES = 0.95, 1000
ROWS = (50, 200, 1000, 5000)
LOWEST, HIGHEST = 0.92, 0.98
WEIGHTED = ("f1_weighted", "roc_auc_weighted", "average_precision_weighted")
Cell = tuple[int, int, int]  # tables, tables with an interval, intervals that hold the truth


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
