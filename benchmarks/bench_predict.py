"""`model predict` beside a plain pandas script, on the same model and the same rows.

    python benchmarks/bench_predict.py [--rows 1000000 10000000] [--forest]

Needs what bench_pipeline.py needs. The default project is generated and set up in a temporary
folder, with a logistic regression (or its forest of 100 trees); rows are drawn at random from the
ranges of its schema, as Parquet. Both sides run as whole processes, in turn, and must say the same.
pandas comes into a folder of its own, so that it is on the path of its script alone.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from bench_pipeline import Bench, facts

ROWS = """
import sys
import numpy as np
import polars as pl

count, random = int(sys.argv[1]), np.random.default_rng(0)
columns = {
    "species": random.choice(["Adelie", "Chinstrap", "Gentoo"], count),
    "island": random.choice(["Biscoe", "Dream", "Torgersen"], count),
    "bill_length_mm": random.uniform(30, 60, count).round(1),
    "bill_depth_mm": random.uniform(13, 21, count).round(1),
    "flipper_length_mm": random.integers(170, 230, count),
    "body_mass_g": random.integers(2700, 6300, count),
    "year": random.integers(2007, 2010, count),
}
pl.DataFrame(columns).write_parquet(sys.argv[2])
"""
PANDAS = """
import sys
from pathlib import Path
import pandas as pd
from {0} import persist

model = persist.load(Path("models/model.skops"))
table = pd.read_parquet(sys.argv[1])
x = table[list(model.feature_names_in_)]
out = pd.DataFrame(model.predict_proba(x), columns=[f"probability_{{c}}" for c in model.classes_])
out.insert(0, "prediction", model.predict(x))
out.insert(0, "row", range(1, len(out) + 1))
out.to_parquet(sys.argv[2])
"""
SAME = """
import sys
import polars as pl

ours, theirs = (pl.scan_parquet(path) for path in sys.argv[1:])
names = theirs.collect_schema().names()
pairs = ours.select(names).collect(), theirs.collect()
labels = (pairs[0]["prediction"] == pairs[1]["prediction"]).all()
far = [(pairs[0][n] - pairs[1][n]).abs().max() for n in names if n.startswith("probability")]
assert labels and max(far) < 1e-9, (labels, far)
"""
LOGISTIC = {
    "estimator": "sklearn.linear_model.LogisticRegression",
    "arguments": {"max_iter": 1000},
}


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds, CPU seconds and its largest memory in MB."""

    wall: float
    cpu: float
    memory: float


def cost(bench: Bench, *command: str, **variables: str) -> Cost:
    """Run a command in the project to its end."""
    scripts = str(bench.project / ".venv/bin")
    path = os.pathsep.join([scripts, bench.environment["PATH"]])
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=bench.project,
        env={**bench.environment, "PATH": path, **variables},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"error: {command} ended with {process.returncode}")
    # ru_maxrss is in kB on Linux, in bytes on macOS.
    memory = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return Cost(time.perf_counter() - begun, used.ru_utime + used.ru_stime, memory)


def prepare(bench: Bench, forest: bool) -> Path:
    """Set the project up with its model; return the folder with pandas."""
    params = bench.project / "params.yaml"
    content = yaml.safe_load(params.read_text(encoding="utf-8"))
    if not forest:
        content["train"] |= LOGISTIC
        content["train"]["preprocessing"]["numbers"]["scale"] = "standard"
    params.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    bench.set_up(bench.project)
    extra = bench.folder / "pandas"
    command = ["uv", "pip", "install", "--quiet", "--python", bench.python, "--target", str(extra)]
    bench.run(bench.project, *command, "--no-deps", "pandas", "pyarrow", "python-dateutil", "six")
    return extra


def main() -> None:
    """Print one line per number of rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--forest", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch))
        extra = prepare(bench, options.forest)
        facts(bench)
        print(f"{'':24}{'model predict':^34}{'pandas':^34}{'pandas / ours':^24}")
        head = f"{'rows/s':>12}{'CPU s':>10}{'peak MB':>12}"
        print(f"{'rows':>12}{'':12}{head}{head}{'time':>8}{'CPU':>8}{'memory':>8}")
        for rows in options.rows:
            table, ours, theirs = (
                str(bench.folder / f"{name}.parquet") for name in ("rows", "ours", "theirs")
            )
            bench.run(bench.project, bench.python, "-c", ROWS, str(rows), table)
            a = cost(bench, "model", "predict", table, "-o", ours)
            script = PANDAS.format(bench.baked.name)
            b = cost(bench, bench.python, "-c", script, table, theirs, PYTHONPATH=str(extra))
            bench.run(bench.project, bench.python, "-c", SAME, ours, theirs)
            columns = "".join(
                f"{rows / c.wall:12,.0f}{c.cpu:10.1f}{c.memory:12,.0f}" for c in (a, b)
            )
            ratios = (b.wall / a.wall, b.cpu / a.cpu, b.memory / a.memory)
            print(f"{rows:12,}{'':12}{columns}" + "".join(f"{r:7.2f}x" for r in ratios), flush=True)


if __name__ == "__main__":
    main()
