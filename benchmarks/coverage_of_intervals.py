"""How often the intervals of a generated project hold the true score; writes docs/intervals.md.

    python benchmarks/coverage_of_intervals.py

Each case is a distribution of truths and predictions whose true scores are those of a million
rows. Tables of n rows are drawn from it, and each table gives the intervals that *evaluate* would
print at 0.95. The page keeps the lines of cases and sizes that are not chosen; `--check` writes
nothing. The exit status is 1 where, at 200 rows or more and by more than `--within` standard errors
of the simulation, an interval that most tables print holds the truth in fewer than 92% or more than
98% of them, or where more than 5% of all tables print one that does not hold it though most print
none.

Needs the packages of a generated project: numpy, polars and scikit-learn among them.
"""

import argparse
import math
import os
import re
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
MARK = "<!-- table -->"
Line = tuple[str, int]  # case, rows
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
    cases: list[str], sizes: list[int], count: int, workers: int | None
) -> Iterator[tuple[str, int, dict[str, Cell]]]:
    """Return of each case and size what became of `count` tables, metric by metric."""
    with ProcessPoolExecutor(workers) as pool:
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
    if rows < 200:
        return False
    if 2 * said < count:  # hits of the few would say how these few were chosen
        return (said - hits) / count > 1 - CONFIDENCE + within * math.sqrt(0.05 * 0.95 / count)
    error = within * math.sqrt(0.05 * 0.95 / said)
    return not LOWEST - error <= hits / said <= HIGHEST + error


def in_words(cell: Cell) -> str:
    """Return the share of intervals that hold the truth; how many are given where not all are."""
    count, said, hits = cell
    if 2 * said < count:
        return f"none ({said / count:.0%} given, {(said - hits) / count:.0%} wrong)"
    return f"{hits / said:.3f}" + ("" if said == count else f" ({said / count:.0%} given)")


def main() -> None:
    """Simulate, print each line, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--within", type=float, default=1, help="standard errors, 3 for few tables")
    parser.add_argument("--workers", type=int, help="processes at once; default: one for each core")
    parser.add_argument("--check", action="store_true", help="write no page")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ[FOLDER] = folder
        sys.exit(report(chosen))


def report(chosen: argparse.Namespace) -> bool:
    """Print each line, write the page, and return whether an interval is off."""
    off, made = False, dict[Line, str]()
    for case, rows, cells in simulate(chosen.cases, chosen.rows, chosen.tables, chosen.workers):
        for name, cell in cells.items():
            bad = is_off(rows, cell, chosen.within)
            off = off or bad
            print(
                f"{case}, {rows} rows, {name}: {in_words(cell)}{' OFF' if bad else ''}", flush=True
            )
        start = f"| {case} | {rows:,} | {chosen.tables:,} |"
        made[case, rows] = f"{start} {' | '.join(map(in_words, cells.values()))} |"
        if not chosen.check:
            PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    return off


def lines_of(page: str) -> dict[Line, str]:
    """Return the lines of the page's tables."""
    found = (re.fullmatch(r"\| (.+?) \| ([\d,]+) \| .*", line) for line in page.splitlines())
    return {(f[1], int(f[2].replace(",", ""))): f[0] for f in found if f}


def renewed(page: str, made: dict[Line, str]) -> str:
    """Return the page with the lines that were made now in place of, or beside, the others."""
    lines, parts = lines_of(page) | made, [page.split(MARK)[0] + MARK]
    for task in ("classification", "regression"):
        cases = [case for case, (of_task, _) in CASES.items() if of_task == task]
        names = list(true_scores(cases[0]))
        table = [
            f"| Case | Rows | Tables | {' | '.join(names)} |",
            f"| --- |{' ---: |' * (len(names) + 2)}",
            *(lines[each] for case in cases for each in sorted(lines) if each[0] == case),
        ]
        parts.append("\n".join(table))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
