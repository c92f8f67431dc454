"""The stage `train` on tables of any size: all rows at once, and the ways that need not hold them.

    python benchmarks/bench_train.py [--rows 2000000 8000000] [--trees 20] [--threads 2]

Needs what bench_pipeline.py needs. The default project is generated and set up in a temporary
folder, and gets a prepared table of 11 mixed columns with missing values: the model sees 8, or 49
when they are encoded. xgboost learns from all rows at once, from batches that it keeps as numbers
of bins in memory, and from batches that it keeps so on disk; SGDClassifier learns by partial_fit
and keeps none. Each side runs as a whole process, with pinned numerics; then the trees of the three
are compared. xgboost comes into a folder of its own, without what it needs for several GPUs.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from baked import Bench, Cost
from report import PROJECT, Line, facts, keep, parser
from wide_table import ROWS

PREPARED = """
import sys
import polars as pl

table = pl.scan_parquet(sys.argv[1]).filter(pl.col("target").is_not_null())
table = table.with_columns(target=(pl.col("target") == "yes").cast(pl.Int64))
table.sink_parquet(sys.argv[2], row_group_size=250_000, compression="zstd", compression_level=1)
"""
TREES = """
import hashlib
from pathlib import Path
from mlrepo.learning import model_file

model = model_file.load(Path("models/model.skops"))[-1]
digest = hashlib.sha256(model.get_booster().save_raw("ubj")).hexdigest()
Path("trees").write_text(digest)
"""
BATCH = 200_000
WHOLE, LEARNED = "all rows at once", "SGDClassifier, partial_fit"
# What a side keeps of the rows: train.batches.rows and on_disk.
BOOSTED: dict[str, tuple[int | None, bool]] = {
    WHOLE: (None, False),
    "batches": (BATCH, False),
    "batches, on disk": (BATCH, True),
}
XGBOOST = {"estimator": "xgboost.XGBClassifier", "arguments": {}}
SGD = {"estimator": "sklearn.linear_model.SGDClassifier", "arguments": {"loss": "log_loss"}}


class Train(Bench):
    """The project with a prepared table, and xgboost beside its environment."""

    def __init__(self, folder: Path, project: Path | None, trees: int, threads: int) -> None:
        """Generate the project, or copy one; set it up."""
        super().__init__(folder, project=project)
        self.prepare()
        self.trees = trees
        self.extra = folder / "xgboost"
        command = ["uv", "pip", "install", "--quiet", "--no-deps", "--python", self.python]
        self.run(self.project, *command, "--target", str(self.extra), "xgboost>=3.0,<3.5")
        self.variables = {"PYTHONPATH": str(self.extra), "POLARS_MAX_THREADS": str(threads)}

    def write(self, rows: int) -> None:
        """Write the table as *prepare* would, the same at each run."""
        raw, prepared = self.folder / "raw.parquet", self.project / "data/prepared/train.parquet"
        prepared.parent.mkdir(parents=True, exist_ok=True)
        prepared.unlink(missing_ok=True)  # it may be a link into the cache
        self.run(self.project, self.python, "-c", ROWS, str(rows), str(raw))
        self.run(self.project, self.python, "-c", PREPARED, str(raw), str(prepared))
        raw.unlink()

    def learn(self, knobs: dict[str, Any], rows: int | None, on_disk: bool) -> Cost:
        """Run the stage."""
        path = self.project / "params.yaml"
        params = yaml.safe_load(path.read_text(encoding="utf-8"))
        params["data"] |= {"target": "target", "id": ["id"]}
        train = params["train"]
        train |= {**knobs, "cross_validation": 0}
        if knobs is XGBOOST:
            train["arguments"] = {"n_estimators": self.trees}
        train["preprocessing"]["numbers"]["scale"] = "standard" if knobs is SGD else "none"
        train["batches"] = {"rows": rows, "passes": 1, "on_disk": on_disk}
        path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
        return self.run(self.project, self.python, "-m", "mlrepo", "train", **self.variables)

    def digest(self) -> str:
        """Return what the trees of the model hash to."""
        script = TREES.format(self.baked.name)
        self.run(self.project, self.python, "-c", script, **self.variables)
        return (self.project / "trees").read_text(encoding="utf-8")


def side_by_side(bench: Train, rows: int) -> list[Line]:
    """Print one line for each way to learn from a table, and return them."""
    bench.write(rows)
    costs: dict[str, Cost] = {}
    trees: dict[str, str] = {}
    for side, (size, on_disk) in BOOSTED.items():
        costs[side] = bench.learn(XGBOOST, size, on_disk)
        trees[side] = bench.digest()
    costs[LEARNED] = bench.learn(SGD, BATCH, on_disk=False)
    lines = []
    for side, cost in costs.items():
        cpu, memory = cost.cpu / costs[WHOLE].cpu, cost.memory / costs[WHOLE].memory
        print(f"{rows:11,}  {side:28}{cost.wall:9.1f}{cost.cpu:9.1f}{cost.memory:9,.0f}", end="")
        print(f"{cpu:9.2f}x{memory:8.2f}x", flush=True)
        known = (side, WHOLE, cost.wall, cost.cpu, cost.memory)
        lines.append(Line(f"{rows:,} rows", *known, cpu))
        lines.append(Line(f"{rows:,} rows, memory", *known, memory, "memory"))
    if rows <= 250_000 and len(set(trees.values())) > 1:
        sys.exit(f"error: the trees differ: {trees}")
    same = trees["batches"] == trees["batches, on disk"]
    print(f"{'':13}batches in memory and on disk: {'equal' if same else 'other'} trees")
    return lines


def main() -> None:
    """Print one line per table and side."""
    options = parser(__doc__)
    options.add_argument("--rows", type=int, nargs="+", default=[2_000_000, 8_000_000])
    options.add_argument("--trees", type=int, default=20)
    options.add_argument("--threads", type=int, default=2, help="of polars")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Train(Path(scratch), chosen.project, chosen.trees, chosen.threads)
        about = facts(bench.python, *PROJECT)
        head = f"{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'CPU':>10}{'memory':>9}"
        print(f"{'rows':>11}  {'':28}{head}")
        lines = [line for rows in chosen.rows for line in side_by_side(bench, rows)]
        keep(chosen.json, bench.python, about, lines)


if __name__ == "__main__":
    main()
