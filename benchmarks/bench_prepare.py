"""The stage `prepare` beside bare polars, DuckDB, pandas and Dask, on tables of any size.

    python benchmarks/bench_prepare.py [--rows 1000000 10000000] [--threads 2] [--peers]

Needs what bench_pipeline.py needs. The default project is generated and set up in a temporary
folder, and is pointed at a table of 11 mixed columns with missing values, as Parquet. Each side
runs as a whole process. Bare polars reads the table and writes it again, in one file: no check, no
split, and its default level of zstd, where ours takes level 1. The others divide it into train and
test by our rule, must end with the same rows, and check nothing. Ours runs with a schema of types
alone and a random or stratified split, with bounds, allowed values and shares of missing values,
and with a unique key as well; and without an id, where the content of each row decides. Then our
outputs are compared at 1, 2 and 8 threads.
"""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

import yaml
from baked import Bench, Cost
from prepare_peers import BARE, IDS, PACKAGES, PEERS
from report import PROJECT, Line, facts, keep, parser
from wide_table import ROWS, RULES, TYPES, schema

OUTPUT = "data/prepared/test.parquet"
PANDAS_MOST = 10_000_000  # rows; more need more memory than most machines have
# What ours runs with: the schema, the method of the split, and what names a row.
OURS = {
    "ours, types alone": (schema(TYPES, unique=False), "random", ["id"]),
    "ours, stratified": (schema(TYPES, unique=False), "stratified", ["id"]),
    "ours, with checks": (schema(RULES, unique=False), "stratified", ["id"]),
    "ours, checks and key": (schema(RULES, unique=True), "stratified", ["id"]),
    "ours, checks, no id": (schema(RULES, unique=False), "stratified", []),
}


def ours(bench: Bench, table: Path, side: str, threads: int) -> Cost:
    """Run the stage on a table."""
    fields, method, key = OURS[side]
    path = bench.project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["data"] |= {"path": str(table), "target": "target", "id": key}
    params["prepare"]["split"]["method"] = method
    params["evaluate"]["slices"] = []
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    text = yaml.safe_dump(fields, sort_keys=False)
    (bench.project / "schema.yaml").write_text(text, encoding="utf-8")
    variables = {"POLARS_MAX_THREADS": str(threads)}
    return bench.run(bench.project, bench.python, "-m", "mlrepo", "prepare", **variables)


def peer(bench: Bench, name: str, table: Path, threads: int) -> Cost:
    """Let another prepare the table, in an empty folder."""
    target = bench.folder / "peer"
    shutil.rmtree(target, ignore_errors=True)  # where one writes a file, another has a folder
    target.mkdir()
    variables = {"POLARS_MAX_THREADS": str(threads)}
    if name != BARE:
        variables["PYTHONPATH"] = str(bench.folder / "peers")
    command = [bench.python, "-c", PEERS[name], str(table), f"{target}/out"]
    return bench.run(bench.project, *command, **variables)


def write(bench: Bench, rows: int) -> Path:
    """Write the table, the same at each run."""
    table = bench.folder / f"{rows}.parquet"
    bench.run(bench.project, bench.python, "-c", ROWS, str(rows), str(table))
    return table


def rows_in(bench: Bench, table: Path) -> str:
    """Return a digest of the ids in a table, whatever their order."""
    said = bench.folder / "ids"
    bench.run(bench.project, bench.python, "-c", IDS, str(table), str(said))
    return said.read_text(encoding="utf-8")


def digests(bench: Bench) -> list[str]:
    """Return the SHA-256 of what the stage wrote."""
    folder = bench.project / "data/prepared"
    found = []
    for name in ("train", "test"):
        with (folder / f"{name}.parquet").open("rb") as file:
            found.append(hashlib.file_digest(file, "sha256").hexdigest())
    return found


def side_by_side(
    bench: Bench, rows: int, threads: int, start: float, peers: list[str], runs: int
) -> list[Line]:
    """Print one line for each way to prepare ``rows`` rows, and return them: medians of the runs.

    ``start`` is the CPU seconds that ours takes on a table of a few rows.
    """
    table = write(bench, rows)
    costs: dict[str, list[Cost]] = {}
    test: set[str] = set()
    sides = [BARE, *OURS, *(name for name in peers if name != "pandas" or rows <= PANDAS_MOST)]
    for _ in range(runs):  # in turn, so that a busy minute of the machine meets all sides
        for side in sides:
            if side in OURS:
                cost, out = ours(bench, table, side, threads), bench.project / OUTPUT
            else:
                cost, out = peer(bench, side, table, threads), bench.folder / "peer/out.test"
            costs.setdefault(side, []).append(cost)
            if side != BARE and OURS.get(side, ("", "random"))[1] == "random":
                test.add(rows_in(bench, out))
    table.unlink()
    if len(test) > 1:
        sys.exit("error: the engines divide the rows in other ways")
    lines = []
    for side in sides:
        ratios = [
            (own.cpu - (start if side in OURS else 0)) / bare.cpu
            for own, bare in zip(costs[side], costs[BARE], strict=True)
        ]
        wall, cpu, memory = (
            median(getattr(cost, kind) for cost in costs[side])
            for kind in ("wall", "cpu", "memory")
        )
        ratio = median(ratios)
        print(f"{rows:11,}  {side:22}{rows / wall:12,.0f}", end="")
        print(f"{cpu:9.1f}{ratio:9.2f}{memory:9,.0f}", flush=True)
        lines.append(Line(f"{rows:,} rows", side, BARE, wall, cpu, memory, ratio))
    return lines


def main() -> None:
    """Print one line per table and side."""
    options = parser(__doc__)
    options.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--threads", type=int, default=2, help="of polars")
    options.add_argument("--peers", nargs="*", choices=list(PACKAGES), default=list(PACKAGES))
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), project=chosen.project)
        bench.prepare()
        packages = [package for name in chosen.peers for package in PACKAGES[name]]
        if packages:
            command = ["uv", "pip", "install", "--quiet", "--python", bench.python, "--target"]
            bench.run(bench.project, *command, str(bench.folder / "peers"), *packages)
        about = facts(bench.python, *PROJECT)
        small = write(bench, 1000)
        start = min(ours(bench, small, "ours, with checks", 1).cpu for _ in range(3))
        print(f"the fixed start of ours: {start:.2f} CPU s; polars with {chosen.threads} threads")
        print(f"{'rows':>11}  {'':22}{'rows/s':>12}{'CPU s':>9}{'ratio':>9}{'peak MB':>9}")
        lines = []
        for rows in chosen.rows:
            lines += side_by_side(bench, rows, chosen.threads, start, chosen.peers, chosen.runs)
        refuse_other_bytes(bench, write(bench, min(*chosen.rows, 1_000_000)))
        keep(chosen.json, bench.python, about | {"start_cpu_seconds": start}, lines)


def refuse_other_bytes(bench: Bench, table: Path) -> None:
    """Compare the outputs at 1, 2 and 8 threads."""
    outputs = set()
    for threads in (1, 2, 8):
        ours(bench, table, "ours, checks and key", threads)
        outputs.add(tuple(digests(bench)))
    if len(outputs) > 1:
        sys.exit("error: the outputs differ at 1, 2 and 8 threads")
    print("outputs at 1, 2 and 8 threads: equal bytes")


if __name__ == "__main__":
    main()
