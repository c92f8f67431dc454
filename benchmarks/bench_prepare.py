"""The stage `prepare` beside bare polars, DuckDB, pandas and Dask, on tables of any size.

    python benchmarks/bench_prepare.py [--rows 1000000 10000000] [--threads 2] [--json FILE]

Needs what bench_pipeline.py needs. The default project is generated and set up in a temporary
folder, and is pointed at a table of 11 mixed columns with missing values, as Parquet. Each side
runs as a whole process. Bare polars reads the table and writes it again, in one file and with the
same compression: no check, no split. The others divide it into train and test by their own hash
of the id, and check nothing. Ours runs three times: with a schema of types alone, with bounds,
allowed values and shares of missing values, and with a unique key as well. Then our outputs are
compared at 1, 2 and 8 threads.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from bench_pipeline import Bench, facts
from bench_predict import Cost, cost
from wide_table import ROWS, RULES, TYPES, schema

PEERS = {
    "bare polars": """
import sys
import polars as pl
table = pl.scan_parquet(sys.argv[1])
table.sink_parquet(sys.argv[2] + ".whole", row_group_size=250_000, compression="zstd")
""",
    "duckdb": """
import sys
import duckdb
db = duckdb.connect()
db.sql("set preserve_insertion_order = false")
for side, sign in (("train", ">="), ("test", "<")):
    rows = f"select * from '{sys.argv[1]}' where target is not null and hash(id) % 100 {sign} 25"
    db.sql(f"copy ({rows}) to '{sys.argv[2]}.{side}' (format parquet, compression zstd)")
""",
    "dask": """
import sys
import dask.dataframe as dd
table = dd.read_parquet(sys.argv[1], split_row_groups=4)
table = table[table["target"].notnull()]
in_test = table["id"] * 2654435761 % 2**32 < 2**30
for side, rows in (("train", table[~in_test]), ("test", table[in_test])):
    rows.to_parquet(f"{sys.argv[2]}.{side}", compression="zstd", write_index=False)
""",
    "pandas": """
import sys
import pandas as pd
table = pd.read_parquet(sys.argv[1])
table = table[table["target"].notnull()]
in_test = table["id"] * 2654435761 % 2**32 < 2**30
for side, rows in (("train", table[~in_test]), ("test", table[in_test])):
    rows.to_parquet(f"{sys.argv[2]}.{side}", compression="zstd", index=False)
""",
}
PACKAGES = {"duckdb": ["duckdb"], "pandas": ["pandas", "pyarrow"], "dask": ["dask[dataframe]"]}
PANDAS_MOST = 10_000_000  # rows; more need more memory than most machines have
SCHEMAS = {
    "ours, types alone": schema(TYPES, unique=False),
    "ours, with checks": schema(RULES, unique=False),
    "ours, checks and key": schema(RULES, unique=True),
}


def point_at(bench: Bench, table: Path) -> None:
    """Make params.yaml of the project read ``table``."""
    path = bench.project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["data"] |= {"path": str(table), "target": "target", "id": ["id"]}
    params["evaluate"]["slices"] = []
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def ours(bench: Bench, fields: dict[str, Any], threads: int) -> Cost:
    """Run the stage with a schema."""
    text = yaml.safe_dump(fields, sort_keys=False)
    (bench.project / "schema.yaml").write_text(text, encoding="utf-8")
    module = f"{bench.baked.name}.prepare"
    return cost(bench, bench.python, "-m", module, POLARS_MAX_THREADS=str(threads))


def digests(bench: Bench) -> list[str]:
    """Return the SHA-256 of what the stage wrote."""
    folder = bench.project / "data/prepared"
    found = []
    for name in ("train", "test"):
        with (folder / f"{name}.parquet").open("rb") as file:
            found.append(hashlib.file_digest(file, "sha256").hexdigest())
    return found


def side_by_side(bench: Bench, rows: int, threads: int, start: float) -> list[dict[str, Any]]:
    """Print one line for each way to prepare ``rows`` rows, and return them.

    ``start`` is the CPU seconds that ours takes on a table of a few rows.
    """
    table = bench.folder / f"{rows}.parquet"
    bench.run(bench.project, bench.python, "-c", ROWS, str(rows), str(table))
    point_at(bench, table)
    found: list[dict[str, Any]] = []
    # Bare polars first and last: the ratio is to the mean of both, as the machine may get busier.
    first = _peer(bench, "bare polars", table, threads)
    costs = {name: ours(bench, fields, threads) for name, fields in SCHEMAS.items()}
    last = _peer(bench, "bare polars", table, threads)
    bare = (first.cpu + last.cpu) / 2
    costs = {"bare polars": first, **costs}
    for name in ("duckdb", "dask", "pandas"):
        if name != "pandas" or rows <= PANDAS_MOST:
            costs[name] = _peer(bench, name, table, threads)
    for name, found_cost in costs.items():
        used = bare if name == "bare polars" else found_cost.cpu
        ratio = (used - start) / bare if name.startswith("ours") else used / bare
        found.append(
            {
                "rows": rows,
                "side": name,
                "rows_per_second": round(rows / found_cost.wall),
                "cpu_seconds": round(used, 2),
                "cpu_ratio": round(ratio, 2),
                "peak_mb": round(found_cost.memory),
            }
        )
        print("{rows:11,}  {side:22}{rows_per_second:12,}".format(**found[-1]), end="")
        print("{cpu_seconds:9.1f}{cpu_ratio:9.2f}{peak_mb:9,}".format(**found[-1]), flush=True)
    table.unlink()
    return found


def _peer(bench: Bench, name: str, table: Path, threads: int) -> Cost:
    target = bench.folder / "peer"
    shutil.rmtree(target, ignore_errors=True)  # where one writes a file, another has a folder
    target.mkdir()
    extra = str(bench.folder / "peers")
    variables = {"POLARS_MAX_THREADS": str(threads)}
    if name != "bare polars":
        variables["PYTHONPATH"] = extra
    return cost(bench, bench.python, "-c", PEERS[name], str(table), f"{target}/out", **variables)


def main() -> None:
    """Print one line per table and side."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--threads", type=int, default=2, help="of polars")
    parser.add_argument("--json", type=Path, help="write the lines here, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch))
        bench.set_up(bench.project)
        command = ["uv", "pip", "install", "--quiet", "--python", bench.python, "--target"]
        packages = [package for names in PACKAGES.values() for package in names]
        bench.run(bench.project, *command, str(bench.folder / "peers"), *packages)
        facts(bench)
        small = bench.folder / "small.parquet"
        bench.run(bench.project, bench.python, "-c", ROWS, "1000", str(small))
        point_at(bench, small)
        start = min(ours(bench, SCHEMAS["ours, with checks"], 1).cpu for _ in range(3))
        print(f"the fixed start of ours: {start:.2f} CPU s; polars with {options.threads} threads")
        print(f"{'rows':>11}  {'':22}{'rows/s':>12}{'CPU s':>9}{'ratio':>9}{'peak MB':>9}")
        lines = [
            line
            for rows in options.rows
            for line in side_by_side(bench, rows, options.threads, start)
        ]
        table = bench.folder / "threads.parquet"
        bench.run(bench.project, bench.python, "-c", ROWS, "1000000", str(table))
        point_at(bench, table)
        outputs = set()
        for threads in (1, 2, 8):
            ours(bench, SCHEMAS["ours, checks and key"], threads)
            outputs.add(tuple(digests(bench)))
        if len(outputs) > 1:
            sys.exit("error: the outputs differ at 1, 2 and 8 threads")
        print("outputs at 1, 2 and 8 threads: equal bytes")
    if options.json:
        content = json.dumps({"fixed_start_cpu_seconds": start, "lines": lines}, indent=2)
        options.json.write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
