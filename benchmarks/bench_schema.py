"""The proposal of a schema beside the stage `prepare` on the same table.

    python benchmarks/bench_schema.py [--rows 100000 5000000] [--columns 400]

Needs what bench_pipeline.py needs. The tables are those of bench_prepare.py, as CSV and as Parquet,
and a CSV table of many columns: numbers, dates with points, texts, and integers among which a few
are no numbers. `model schema --force` writes a schema, with which `prepare` then runs.
"""

import tempfile
from pathlib import Path

import yaml
from baked import Bench
from report import HEAD, PROJECT, Line, facts, keep, line, pairs, parser
from wide_table import ROWS

TO_CSV = """
import sys
import polars as pl
pl.scan_parquet(sys.argv[1]).sink_csv(sys.argv[2])
"""
# Runs with the project's Python: number of rows, of columns, file.
MANY = """
import sys
import numpy as np
import polars as pl

rows, columns, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
random = np.random.default_rng(0)
days = pl.date_range(pl.date(2020, 1, 1), pl.date(2025, 12, 31), eager=True)
days = days.dt.to_string("%d.%m.%Y")
kinds = [
    lambda: random.normal(size=rows).round(3),
    lambda: days.sample(rows, with_replacement=True, seed=0),
    lambda: pl.Series([f"text {n}" for n in random.integers(0, 10_000, rows)]),
    lambda: pl.Series([str(n) if n else "N/A" for n in random.integers(0, 1000, rows)]),
]
table = {f"c{n}": kinds[n % 4]() for n in range(columns)}
pl.DataFrame({**table, "target": random.integers(0, 2, rows)}).write_csv(path)
"""


def both(bench: Bench, table: Path, work: str, key: list[str], runs: int) -> Line:
    """Print the line of a table, and return it."""
    path = bench.project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["data"] |= {"path": str(table), "target": "target", "id": key}
    params["prepare"]["split"]["method"] = "random"
    params["evaluate"]["slices"] = []
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    costs = pairs(
        runs,
        lambda _: bench.run(
            bench.project, bench.python, "-m", "mlrepo.commands", "schema", "--force"
        ),
        lambda _: bench.run(bench.project, bench.python, "-m", "mlrepo", "prepare"),
    )
    table.unlink()
    return line(work, "model schema", costs[0], "prepare", costs[1])


def main() -> None:
    """Print one line per table."""
    options = parser(__doc__)
    options.add_argument("--rows", type=int, nargs="+", default=[100_000, 5_000_000])
    options.add_argument("--columns", type=int, default=400)
    options.add_argument("--runs", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), project=chosen.project)
        bench.prepare()
        about = facts(bench.python, *PROJECT)
        print(f"{'':32} {HEAD}")
        lines = []
        for rows in chosen.rows:
            parquet, csv = bench.folder / "table.parquet", bench.folder / "table.csv"
            bench.run(bench.project, bench.python, "-c", ROWS, str(rows), str(parquet))
            bench.run(bench.project, bench.python, "-c", TO_CSV, str(parquet), str(csv))
            for kind, table in (("CSV", csv), ("Parquet", parquet)):
                lines.append(both(bench, table, f"{rows:,} rows, {kind}", ["id"], chosen.runs))
        wide = bench.folder / "wide.csv"
        shape = ["20000", str(chosen.columns), str(wide)]
        bench.run(bench.project, bench.python, "-c", MANY, *shape)
        work = f"20,000 rows, {chosen.columns} columns"
        lines.append(both(bench, wide, work, [], chosen.runs))
        keep(chosen.json, bench.python, about, lines)


if __name__ == "__main__":
    main()
