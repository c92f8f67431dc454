"""Intervals of a generated project beside a bootstrap by scikit-learn and by SciPy.

    python benchmarks/bench_intervals.py

Needs what the library imports, and vl-convert-python for `--json`: the Python of a generated
project has them. All three give 95 % intervals of all metrics of the
task, the project by the methods of docs/intervals.md, the two rivals by the percentile bootstrap,
which is what scikit-learn's users write. The rivals run fewer resamples, and their CPU time, which
grows with the number of resamples alone, is scaled up. Labels are integers, which scikit-learn
handles fastest. The benchmark checks that the intervals of both overlap.
"""

import argparse
import importlib
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

# One thread each, as in the project; numpy reads this when it is imported.
os.environ.update({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"})

import numpy as np
from report import Line, facts, keep, parser
from scipy import stats
from sklearn import metrics as sk

PROJECT = Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}"
CONFIDENCE = 0.95
Score = Callable[[Any], float]  # row numbers -> value
Task = Callable[[int], tuple[Any, dict[str, Score]]]  # rows -> predictions, metrics
LOOP, SCIPY = "loop over sklearn", "scipy"


def load_library(folder: Path) -> None:
    """Let the library be imported from the template's own folder.

    Its metrics are those of the owner's metrics.py, which is copied to ``folder``.
    """
    sys.dont_write_bytecode = True  # a cache in the template would be copied into projects
    sys.path[:0] = [str(PROJECT), str(folder)]
    shutil.copytree(PROJECT / "{{cookiecutter.__package_name}}", folder / "penguins")
    owner = importlib.import_module("mlrepo.core.owner")
    owner.__dict__["name"] = lambda: "penguins"  # which pyproject.toml says in a project


def classification(rows: int) -> tuple[Any, dict[str, Score]]:
    """Return predictions of two classes, and scikit-learn's metrics of chosen rows."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, rows)
    share = np.clip(0.5 + 0.2 * (2 * truth - 1) + 0.2 * rng.normal(size=rows), 0.01, 0.99)
    shares = np.column_stack([1 - share, share])
    said = shares.argmax(axis=1)
    return (truth, said, np.array([0, 1]), shares), {
        "accuracy": lambda at: sk.accuracy_score(truth[at], said[at]),
        "balanced_accuracy": lambda at: sk.balanced_accuracy_score(truth[at], said[at]),
        "f1_macro": lambda at: sk.f1_score(truth[at], said[at], average="macro"),
        "roc_auc": lambda at: sk.roc_auc_score(truth[at], share[at]),
        "average_precision": lambda at: sk.average_precision_score(truth[at], share[at]),
        "log_loss": lambda at: sk.log_loss(truth[at], shares[at], labels=[0, 1]),
        "brier": lambda at: sk.brier_score_loss(truth[at], share[at]),
    }


def regression(rows: int) -> tuple[Any, dict[str, Score]]:
    """Return predictions of a number, and scikit-learn's metrics of chosen rows."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=rows)
    said = truth + rng.normal(size=rows)
    return (truth, said), {
        "rmse": lambda at: sk.root_mean_squared_error(truth[at], said[at]),
        "mae": lambda at: sk.mean_absolute_error(truth[at], said[at]),
        "r2": lambda at: sk.r2_score(truth[at], said[at]),
        "median_absolute_error": lambda at: sk.median_absolute_error(truth[at], said[at]),
    }


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return CPU seconds, which are those of the clock too, as all runs in one thread."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def by_loop(rows: int, scores: dict[str, Score], resamples: int) -> dict[str, tuple[float, float]]:
    """Draw rows and call scikit-learn, again and again."""
    rng = np.random.Generator(np.random.PCG64(0))
    values: dict[str, list[float]] = {name: [] for name in scores}
    for _ in range(resamples):
        at = rng.integers(0, rows, size=rows)
        for name, score in scores.items():
            values[name].append(score(at))
    tail = (1 - CONFIDENCE) / 2
    return {name: tuple(np.quantile(found, [tail, 1 - tail])) for name, found in values.items()}


def by_scipy(rows: int, scores: dict[str, Score], resamples: int) -> None:
    """Call scipy.stats.bootstrap once per metric."""
    for score in scores.values():
        stats.bootstrap(
            (np.arange(rows),),
            score,
            n_resamples=resamples,
            confidence_level=CONFIDENCE,
            method="percentile",
            vectorized=False,
            batch=10,
            rng=np.random.default_rng(0),
        )


def main() -> None:
    """Print one line per task and number of rows."""
    options = parser(__doc__, project=False)
    options.add_argument("--resamples", type=int, default=1000)
    options.add_argument("--rival-resamples", type=int, default=20)
    options.add_argument("--rows", type=int, nargs="+", default=[300, 3_000, 30_000, 100_000])
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        load_library(Path(folder))
        _main(chosen)


def _main(chosen: argparse.Namespace) -> None:
    warnings.simplefilter("error")  # a rival that warns does other work than a rival that does not
    about = facts(sys.executable, "numpy", "scikit-learn", "scipy")
    print(f"CPU seconds for {chosen.resamples} resamples; in brackets: times the project's")
    print(f"{'task':15} {'rows':>7} {'project':>8} {LOOP:>18} {SCIPY:>18}")
    lines = []
    for name, task in (("classification", classification), ("regression", regression)):
        for rows in chosen.rows:
            lines += compare(name, task, rows, chosen.resamples, chosen.rival_resamples)
    keep(chosen.json, sys.executable, about, lines)


def compare(name: str, task: Task, rows: int, resamples: int, few: int) -> list[Line]:
    """Print what all three cost, and demand that the intervals overlap."""
    intervals = importlib.import_module("mlrepo.scoring.intervals").intervals
    predictions = importlib.import_module("mlrepo.learning.predictions").Predictions
    arrays, scores = task(rows)
    data = predictions(*arrays)
    ours, made = cpu(lambda: intervals(name, data, resamples, CONFIDENCE, 0))
    loop, found = cpu(lambda: by_loop(rows, scores, few))
    scipy, _ = cpu(lambda: by_scipy(rows, scores, few))
    for metric, bounds in found.items():
        assert max(made[metric].low, bounds[0]) <= min(made[metric].high, bounds[1]), metric
    rivals = {LOOP: loop * resamples / few, SCIPY: scipy * resamples / few}
    text = "".join(f" {took:9.2f} ({took / ours:5.0f}x)" for took in rivals.values())
    print(f"{name:15} {rows:7} {ours:8.2f}{text}", flush=True)
    work = f"{name}, {rows:,} rows"
    return [
        Line(work, f"ours, {resamples} resamples", side, ours, ours, None, ours / took)
        for side, took in rivals.items()
    ]


if __name__ == "__main__":
    main()
