"""A table larger than the memory that the pipeline may take: learned in batches, or refused."""

import runpy

import pytest
import yaml
from conftest import TEMPLATE, Project
from helpers import OWN_CARD, Copy, copy_project, in_long_form

ROWS = 10_000_000
# Address space in kB: 3 GB. It grows with polars' threads, so these are fixed as well.
CAP = 3_000_000
THREADS = "2"

WIDE = runpy.run_path(str(TEMPLATE / "benchmarks/wide_table.py"))
LEARNS = {
    "train.estimator": "sklearn.linear_model.SGDClassifier",
    "train.arguments": {"loss": "log_loss"},
    "train.preprocessing.numbers.scale": "standard",
    "train.batches.rows": 200_000,
}


@pytest.fixture(scope="module")
def wide(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A project with the large table, its schema with a unique key, and the default forest."""
    copy = copy_project(project, tmp_path_factory.mktemp("wide") / "penguins")
    copy.run("python", "-c", WIDE["ROWS"], str(ROWS), "data/raw/wide.parquet")
    copy.run("dvc", "add", "--quiet", "data/raw/wide.parquet")
    schema = yaml.safe_dump(WIDE["schema"](WIDE["RULES"], unique=True), sort_keys=False)
    (copy.path / "schema.yaml").write_text(schema, encoding="utf-8")
    copy.set_params(
        {
            **OWN_CARD,
            "data.path": "data/raw/wide.parquet",
            "data.target": "target",
            "data.id": ["id"],
            "evaluate.slices": ["plan"],
            "train.cross_validation": 0,
        }
    )
    return copy


def repro(copy: Copy, check: bool) -> tuple[int, str]:
    """Run the pipeline under the cap; return its exit code and what it said."""
    script = f"ulimit -v {CAP} && exec dvc repro"
    done = copy.run("bash", "-c", script, check=check, POLARS_MAX_THREADS=THREADS)
    return done.returncode, done.stdout + done.stderr


def test_what_needs_all_rows_at_once_is_refused_before_it_is_killed(wide: Copy) -> None:
    model = wide.outputs()["models/model.skops"]
    code, said = repro(wide, check=False)
    assert code != 0, said
    assert "RandomForestClassifier cannot be fitted here: 74" in said
    assert "GB of memory at once, and the address space (ulimit -v) leaves" in said
    assert "Set train.batches.rows in params.yaml" in said
    assert "Killed" not in said
    assert wide.outputs()["models/model.skops"] == model


@in_long_form
def test_batches_end_well_under_the_same_cap(wide: Copy) -> None:
    wide.set_params(LEARNS)
    repro(wide, check=True)
    results = wide.read("metrics/evaluate.json")
    assert results["test"]["accuracy"] > 0.74
    assert abs(results["test"]["accuracy"] - results["train"]["accuracy"]) < 0.01
    rows = wide.read("metrics/prepare.json")["rows"]
    assert rows["raw"] == ROWS
    assert rows["train"] + rows["test"] + rows["no_target"] == ROWS
    assert (wide.path / "models/model.skops").stat().st_size < 10**6
