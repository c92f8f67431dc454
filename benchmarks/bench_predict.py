"""`model predict` beside a plain pandas script, on the same model and the same rows.

    python benchmarks/bench_predict.py [--rows 1000000 10000000] [--forest]

Needs what bench_pipeline.py needs. The default project is generated and set up in a temporary
folder, with a logistic regression (or its forest of 100 trees); rows are drawn at random from the
ranges of its schema, as Parquet. Both sides run as whole processes, in turn, and must say the same.
pandas comes into a folder of its own, so that it is on the path of its script alone.
"""

import tempfile
from pathlib import Path

import yaml
from baked import Bench
from report import PROJECT, Line, facts, keep, parser

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
from mlrepo.learning import model_file

model = model_file.load(Path("models/model.skops"))
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


def prepare(bench: Bench, forest: bool) -> Path:
    """Set the project up with its model; return the folder with pandas."""
    params = bench.project / "params.yaml"
    content = yaml.safe_load(params.read_text(encoding="utf-8"))
    if not forest:
        content["train"] |= LOGISTIC
        content["train"]["preprocessing"]["numbers"]["scale"] = "standard"
    params.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    bench.prepare()
    bench.run(bench.project, "dvc", "repro", "--quiet")
    extra = bench.folder / "pandas"
    command = ["uv", "pip", "install", "--quiet", "--python", bench.python, "--target", str(extra)]
    bench.run(bench.project, *command, "--no-deps", "pandas", "pyarrow", "python-dateutil", "six")
    return extra


def main() -> None:
    """Print one line per number of rows."""
    options = parser(__doc__)
    options.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    options.add_argument("--forest", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), project=chosen.project)
        extra = prepare(bench, chosen.forest)
        about = facts(bench.python, *PROJECT)
        print(f"{'':24}{'model predict':^34}{'pandas':^34}{'model predict / pandas':^24}")
        head = f"{'rows/s':>12}{'CPU s':>10}{'peak MB':>12}"
        print(f"{'rows':>12}{'':12}{head}{head}{'time':>8}{'CPU':>8}{'memory':>8}")
        lines = [compare(bench, rows, extra) for rows in chosen.rows]
        keep(chosen.json, bench.python, about, lines)


def compare(bench: Bench, rows: int, extra: Path) -> Line:
    """Let both predict for ``rows`` rows, and demand that they say the same."""
    table, ours, theirs = (
        str(bench.folder / f"{name}.parquet") for name in ("rows", "ours", "theirs")
    )
    bench.run(bench.project, bench.python, "-c", ROWS, str(rows), table)
    a = bench.run(bench.project, "model", "predict", table, "-o", ours)
    script = [bench.python, "-c", PANDAS.format(bench.baked.name), table, theirs]
    b = bench.run(bench.project, *script, PYTHONPATH=str(extra))
    bench.run(bench.project, bench.python, "-c", SAME, ours, theirs)
    columns = "".join(f"{rows / c.wall:12,.0f}{c.cpu:10.1f}{c.memory:12,.0f}" for c in (a, b))
    ratios = (a.wall / b.wall, a.cpu / b.cpu, a.memory / b.memory)
    print(f"{rows:12,}{'':12}{columns}" + "".join(f"{r:7.2f}x" for r in ratios), flush=True)
    work = f"{rows:,} rows"
    return Line(work, "model predict", "pandas", a.wall, a.cpu, a.memory, a.cpu / b.cpu)


if __name__ == "__main__":
    main()
