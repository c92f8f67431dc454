"""xgboost on tables larger than memory: what all rows at once give, from batches, under a cap."""

import runpy

import pytest
import yaml
from conftest import TEMPLATE, Project
from dask_cluster import with_packages
from helpers import OWN_CARD, QUICK, Copy, in_long_form

WIDE = runpy.run_path(str(TEMPLATE / "benchmarks/wide_table.py"))
ROWS = 4_000_000
CAP = 3_000_000  # kB of address space
THREADS = "2"
NUMBERED = """
import sys
import polars as pl
table = pl.scan_parquet(sys.argv[1])
table.with_columns(target=(pl.col("target") == "yes").cast(pl.Int64)).sink_parquet(sys.argv[2])
"""
BOOSTED = {
    "train.estimator": "xgboost.XGBClassifier",
    "train.arguments": {"n_estimators": 10},
    "train.cross_validation": 0,
}


@pytest.fixture(scope="module")
def copy(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The default project with xgboost, also as its estimator."""
    copy = with_packages(project, tmp_path_factory.mktemp("boosted") / "penguins", "xgboost")
    copy.set_params({**QUICK, **BOOSTED})
    return copy


def batches(rows: int | None, on_disk: bool = False) -> dict[str, object]:
    return {"train.batches": {"rows": rows, "passes": 1, "on_disk": on_disk}}


def test_its_own_tests_leave_nothing_out(copy: Copy) -> None:
    said = copy.run("pytest", "-rs", "tests/test_hygiene.py").stdout
    assert "skipped" not in said
    copy.run("mypy")


@in_long_form
def test_texts_as_classes_are_refused_and_the_fix_works(copy: Copy) -> None:
    done = copy.run("dvc", "repro", check=False)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "those of 'sex' are ['female', 'male']: number them" in said
    assert "Traceback" not in said
    begin, end = said.index('    if "sex" in'), said.index("    return table") + 16
    data = copy.path / "penguins/data.py"
    text = data.read_text(encoding="utf-8")
    before, after = text.split("    return table\n")
    data.write_text(f"{before}{said[begin:end]}\n{after}", encoding="utf-8")
    copy.run("dvc", "repro")
    assert copy.read("metrics/evaluate.json")["test"]["accuracy"] > 0.8
    at_once = copy.outputs()
    for on_disk in (False, True):
        copy.set_params(batches(50, on_disk))
        copy.repro("--force")
        here = copy.outputs()
        scores = [path for path in here if path.startswith(("metrics/e", "reports"))]
        assert {path: here[path] for path in scores} == {path: at_once[path] for path in scores}
    copy.run("model", "predict", "data/raw/penguins.csv", "-o", "said.csv")
    assert copy.lines("said.csv")[0].split(",")[1:4] == [
        "prediction",
        "probability_0",
        "probability_1",
    ]


@in_long_form
def test_batches_end_well_where_all_rows_at_once_are_refused(copy: Copy) -> None:
    copy.run("python", "-c", WIDE["ROWS"], str(ROWS), "wide.parquet")
    copy.run("python", "-c", NUMBERED, "wide.parquet", "data/raw/wide.parquet")
    copy.run("dvc", "add", "--quiet", "data/raw/wide.parquet")
    types = {**WIDE["TYPES"], "target": ("integer", {"maxMissing": 1})}
    schema = yaml.safe_dump(WIDE["schema"](types, unique=False), sort_keys=False)
    (copy.path / "schema.yaml").write_text(schema, encoding="utf-8")
    copy.git("checkout", "--", "penguins/data.py")
    table = {"data.path": "data/raw/wide.parquet", "data.target": "target", "data.id": ["id"]}
    copy.set_params({**table, **OWN_CARD, "evaluate.slices": [], **batches(None)})
    command = ["bash", "-c", f"ulimit -v {CAP} && exec dvc repro"]
    done = copy.run(*command, check=False, POLARS_MAX_THREADS=THREADS)
    assert done.returncode != 0
    assert "XGBClassifier cannot be fitted here: 29" in done.stdout + done.stderr
    models = []
    for on_disk in (False, True):
        copy.set_params(batches(200_000, on_disk))
        copy.run(*command, POLARS_MAX_THREADS=THREADS)
        assert copy.read("metrics/evaluate.json")["test"]["accuracy"] > 0.74
        models.append((copy.path / "models/model.skops").read_bytes())
    assert models[0] == models[1]
    assert not [path.name for path in (copy.path / ".dvc/tmp").glob("boosting-*")]
