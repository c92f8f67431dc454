"""Small versions of benchmarks: no ratio is twice what it was, and seconds do not matter.

LONG=1 runs all of them.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TEMPLATE, Project
from helpers import LONG, Copy

pytestmark = pytest.mark.slow

# Far off is more than this, as a busy machine and small works both blur.
FACTOR = 2.0


Ratios = dict[tuple[str, str], float]  # work, and the side or that beside it -> measured


SMALL: list[tuple[str, Ratios]] = [
    (
        "bench_prepare.py --rows 500000 --runs 1 --peers",
        {
            ("500,000 rows", "ours, types alone"): 1.0,
            ("500,000 rows", "ours, stratified"): 1.2,
            ("500,000 rows", "ours, with checks"): 1.3,
            ("500,000 rows", "ours, checks and key"): 1.5,
        },
    ),
    (
        "bench_intervals.py --rows 3000 --rival-resamples 10",
        {
            ("classification, 3,000 rows", "loop over sklearn"): 0.01,
            ("classification, 3,000 rows", "scipy"): 0.01,
            ("regression, 3,000 rows", "loop over sklearn"): 0.05,
            ("regression, 3,000 rows", "scipy"): 0.04,
        },
    ),
    (
        "bench_versions.py --versions 100 --assignments 200 --runs 1",
        {
            ("show", "gto"): 0.15,
            ("history", "gto"): 0.3,
            ("at", "gto"): 0.25,
            ("verify", "gto"): 0.75,
        },
    ),
    (
        "bench_schema.py --rows 100000 --columns 40 --runs 1",
        {
            ("100,000 rows, CSV", "model schema"): 1.0,
            ("100,000 rows, Parquet", "model schema"): 1.0,
            ("20,000 rows, 40 columns", "model schema"): 1.2,
        },
    ),
]
# Most run DVC again and again.
LONGER: list[tuple[str, Ratios]] = [
    ("bench_predict.py --rows 300000", {("300,000 rows", "pandas"): 1.0}),
    (
        "bench_train.py --rows 200000",
        {
            ("200,000 rows", "batches"): 1.1,
            ("200,000 rows", "batches, on disk"): 1.2,
            ("200,000 rows", "SGDClassifier, partial_fit"): 0.7,
        },
    ),
    (
        "bench_serve.py --seconds 3 --clients 16 --peers pandas",
        {("a request of 16 clients", "FastAPI + pandas"): 0.2},
    ),
    (
        "bench_links.py --files 200 --gigabytes 0.2",
        {("checkout, 200 of 5 kB", "hardlink"): 0.8, ("checkout, 1 of 0.2 GB", "hardlink"): 0.9},
    ),
    (
        "bench_pipeline.py --runs 1",
        {
            ("nothing changed", "dvc status"): 1.4,
            ("everything", "three processes"): 1.4,
            ("everything, again", "all in one process"): 1.8,
            ("one param of train", "all in one process"): 1.5,
        },
    ),
    (
        "bench_sweep.py --trials 8 --peers 3",
        {
            ("a trial, model sweep beside dvc exp run, in a loop", "model sweep"): 0.3,
            ("a trial, model sweep beside dvc queue, 2 workers", "model sweep"): 0.3,
        },
    ),
    (
        "bench_transfer.py --runs 1 --files 200 --megabytes 100",
        {("push 1 of 100 MB", "dvc push"): 6.0, ("pull 1 of 100 MB", "dvc pull"): 8.0},
    ),
    (
        "bench_page.py --versions 200 --runs 1",
        {("write the page", "50 versions"): 1.2, ("list of versions", "50 versions"): 2.0},
    ),
    (
        "bench_cluster.py --rows 40000",
        {("a search of 8 candidates", "2 workers"): 0.8, ("a forest", "2 workers"): 1.0},
    ),
]


def set_up_for(script: str, request: pytest.FixtureRequest) -> Project:
    """Return a project with what the benchmark needs."""
    if script == "bench_cluster.py":
        copy: Copy = request.getfixturevalue("clustered")
        return copy.project
    if script == "bench_serve.py":
        request.getfixturevalue("tool")("wrk", "apt-get install wrk")
    names = {"bench_serve.py": "mlflow_project", "bench_transfer.py": "s3_project"}
    name = names.get(script, "project")
    project: Project = request.getfixturevalue(name)
    return project


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "expected"),
    [*SMALL, *(LONGER if LONG else [])],
    ids=lambda value: value.split(".")[0] if isinstance(value, str) else "",
)
def test_no_ratio_is_far_off(
    request: pytest.FixtureRequest, tmp_path: Path, command: str, expected: Ratios
) -> None:
    script, *options = command.split()
    project = set_up_for(script, request)
    path = tmp_path / "results.json"
    options += ["--json", str(path)]
    program = sys.executable
    if script == "bench_intervals.py":  # calls the package itself, which needs its packages
        program = str(shutil.which("python", path=project.active()["PATH"]))
    else:
        options += ["--project", str(project.path)]
    done = subprocess.run(
        [program, str(TEMPLATE / "benchmarks" / script), *options],
        env={**project.environment, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = json.loads(path.read_text(encoding="utf-8"))["lines"]
    found = {(each["work"], each[kind]): each for each in lines for kind in ("side", "beside")}
    assert expected.keys() <= found.keys()
    far = {
        key: found[key]["ratio"]
        for key, ratio in expected.items()
        if found[key]["ratio"] > FACTOR * ratio
    }
    assert far == {}, done.stdout
    assert path.with_suffix(".svg").read_text(encoding="utf-8").startswith("<svg")


def test_each_benchmark_is_in_a_list_and_starts() -> None:
    scripts = sorted(path.name for path in (TEMPLATE / "benchmarks").glob("bench_*.py"))
    assert sorted(command.split()[0] for command, _ in (*SMALL, *LONGER)) == scripts
    for script in scripts:
        command = [sys.executable, str(TEMPLATE / "benchmarks" / script), "--help"]
        help_ = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "--json" in help_
