"""The stage `train` on a local Dask cluster beside the same stage in one process.

    python benchmarks/bench_cluster.py [--rows 200000] [--workers 2]

Needs what bench_pipeline.py needs, and Linux, to count the CPU seconds of the workers. The default
project is generated and set up in a temporary folder with the extra `cluster` (a project that is
given must have it), and its table is generated. A search of gradient boosting over eight
candidates, a forest, and one gradient boosting, which no cluster divides, are fitted in one
process, by scikit-learn's own `n_jobs`, and by workers that are processes of one thread each. One
process and the workers must end with equal bytes.
"""

import hashlib
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from baked import Bench, Cost
from report import PROJECT, Line, facts, keep, parser
from wide_table import ROWS, TYPES, schema

BOOSTING = "sklearn.ensemble.HistGradientBoostingClassifier"
GRID = {"max_leaf_nodes": [7, 15, 31, 63], "learning_rate": [0.05, 0.1]}
FITS: dict[str, tuple[str, dict[str, Any]]] = {
    "a search of 8 candidates": (
        "sklearn.model_selection.GridSearchCV",
        {"estimator": BOOSTING, "param_grid": GRID, "cv": 3},
    ),
    "a forest": (
        "sklearn.ensemble.RandomForestClassifier",
        {"n_estimators": 40, "min_samples_leaf": 20},
    ),
    "one gradient boosting": (BOOSTING, {}),
}
ONE = "one process"
WAIT = """
import sys
from distributed import Client
Client(sys.argv[1], timeout="60s").wait_for_workers(int(sys.argv[2]), timeout=60)
"""
LOOPBACK = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")


def prepare(bench: Bench, rows: int) -> None:
    """Set the project up, and make its train rows of a generated table."""
    bench.prepare()
    if Path(bench.python).is_relative_to(bench.project):  # else a project that was given has it
        bench.run(bench.project, "uv", "sync", "--quiet", "--extra", "cluster")
    table = bench.folder / "table.parquet"
    bench.run(bench.project, bench.python, "-c", ROWS, str(rows), str(table))
    path = bench.project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["data"] |= {"path": str(table), "target": "target", "id": ["id"]}
    params["evaluate"]["slices"] = []
    params["train"]["cross_validation"] = 0
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    fields = yaml.safe_dump(schema(TYPES, unique=False), sort_keys=False)
    (bench.project / "schema.yaml").write_text(fields, encoding="utf-8")
    bench.run(bench.project, bench.python, "-m", "mlrepo", "prepare")


def ask_for(bench: Bench, estimator: str, arguments: dict[str, Any]) -> None:
    """Name what is to be fitted in params.yaml."""
    path = bench.project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["train"] |= {"estimator": estimator, "arguments": arguments}
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


@contextmanager
def cluster(bench: Bench, workers: int) -> Iterator[tuple[str, list[int]]]:
    """Yield the address of a scheduler and the processes of its workers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    dask = str(Path(bench.python).with_name("dask"))
    pinned = [bench.python, "-m", "mlrepo.core.numerics"]
    options = ["--nthreads", "1", "--no-nanny", "--local-directory", str(bench.folder)]
    commands = [[dask, "scheduler", *LOOPBACK, "--port", address.rpartition(":")[2]]]
    commands += [[*pinned, dask, "worker", address, *LOOPBACK, *options]] * workers
    started = []
    try:
        for command in commands:
            started.append(
                subprocess.Popen(
                    command,
                    cwd=bench.project,
                    env=bench.environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        bench.run(bench.folder, bench.python, "-c", WAIT, address, str(workers))
        yield address, [process.pid for process in started[1:]]
    finally:
        for process in started:
            process.kill()
            process.wait()


def spent(pids: list[int]) -> float:
    """Return the CPU seconds of running processes of Linux."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def fit(bench: Bench, **variables: str) -> tuple[Cost, str]:
    """Run the stage; return its cost and the digest of the model."""
    cost = bench.run(bench.project, bench.python, "-m", "mlrepo", "train", **variables)
    model = (bench.project / "models/model.skops").read_bytes()
    return cost, hashlib.sha256(model).hexdigest()


def compare(bench: Bench, work: str, workers: int, address: str, pids: list[int]) -> list[Line]:
    """Print what a fit costs on each side."""
    estimator, arguments = FITS[work]
    ask_for(bench, estimator, arguments)
    alone, model = fit(bench)
    before = spent(pids)
    driver, same = fit(bench, DASK_SCHEDULER_ADDRESS=address)
    assert same == model, "the cluster made another model"
    spread = Cost(driver.wall, driver.cpu + spent(pids) - before, driver.memory)
    sides = {ONE: alone, f"{workers} workers": spread}
    if estimator != BOOSTING:  # which has no n_jobs
        ask_for(bench, estimator, {**arguments, "n_jobs": workers})
        sides[f"n_jobs={workers}"] = fit(bench)[0]
    lines = []
    for side, cost in sides.items():
        ratio = cost.wall / alone.wall
        print(f"{work:26}{side:14}{cost.wall:9.1f}{cost.cpu:9.1f}{ratio:9.2f}x", flush=True)
        lines.append(Line(work, side, ONE, cost.wall, cost.cpu, None, ratio, measure="time"))
    return lines


def main() -> None:
    """Print one line per fit and side."""
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=200_000)
    options.add_argument("--workers", type=int, default=2)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), project=chosen.project)
        prepare(bench, chosen.rows)
        about = facts(bench.python, *PROJECT, "distributed")
        print(f"{'':26}{'':14}{'wall s':>9}{'CPU s':>9}{'time':>10}")
        lines = []
        with cluster(bench, chosen.workers) as (address, pids):
            for work in FITS:
                lines += compare(bench, work, chosen.workers, address, pids)
        keep(chosen.json, bench.python, about, lines)


if __name__ == "__main__":
    main()
