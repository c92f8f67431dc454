"""Boosting by xgboost.dask: the same bytes again, a plain model, a clean end on a lost worker."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Project
from dask_cluster import Cluster, cluster, wait_for, with_packages
from helpers import OWN_CARD, QUICK, Copy, in_long_form

TABLE = """
import numpy as np, polars as pl
rng = np.random.default_rng(0)
x = rng.normal(size=(20_000, 5))
noisy = x[:, 0] * x[:, 1] + rng.normal(size=len(x)) > 0
table = pl.DataFrame({f"x{number}": x[:, number] for number in range(5)})
table = table.with_columns(kind=pl.Series(rng.choice(["a", "b"], len(x))), y=noisy.astype(int))
table = table.with_columns(w=pl.when(pl.col("y") == 1).then(5.0).otherwise(1.0))
table.write_parquet("data/raw/rows.parquet")
"""
SHARES = """
import polars as pl
from pathlib import Path
from mlrepo.learning.model_file import load
rows = pl.read_parquet("data/prepared/test.parquet")
print(load(Path("models/model.skops")).predict_proba(rows)[:, 1].mean())
"""
PACKAGES = ("xgboost", "dask[dataframe]", "distributed")
ARGUMENTS = {"n_estimators": 20, "workers": 2}


@pytest.fixture(scope="module")
def copy(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A project with the packages and a table of 20,000 rows; tests set its params."""
    folder = tmp_path_factory.mktemp("boosted") / "penguins"
    copy = with_packages(project, folder, *PACKAGES)
    copy.run("python", "-c", TABLE)
    copy.run("dvc", "add", "--quiet", "data/raw/rows.parquet")
    copy.set_params(
        {
            **QUICK,
            **OWN_CARD,
            "data.path": "data/raw/rows.parquet",
            "data.target": "y",
            "data.features.exclude": ["w"],
            "evaluate.slices": [],
            "train.estimator": "xgboost.dask.DaskXGBClassifier",
            "train.arguments": ARGUMENTS,
            "train.batches.rows": 1000,
        }
    )
    copy.run("model", "schema", "--force")
    return copy


@pytest.fixture
def three(copy: Copy, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(copy, tmp_path / "cluster") as made:
        made.workers(3)
        yield made


def test_it_repeats_itself_and_the_model_needs_no_dask(copy: Copy, three: Cluster) -> None:
    copy.set_params({"train.arguments": ARGUMENTS})
    copy.run("dvc", "repro", DASK_SCHEDULER_ADDRESS=three.address)
    first = copy.outputs()
    # Another order of sets, and one more worker than it takes.
    copy.run(*("dvc", "repro", "--force"), DASK_SCHEDULER_ADDRESS=three.address, PYTHONHASHSEED="1")
    assert copy.outputs() == first
    ran = [kinds for kinds in three.ran().values() if "read" in kinds]
    assert len(ran) == 2
    copy.run("dvc", "repro", "--single-item", "--force", "evaluate")
    assert copy.outputs() == first
    assert copy.read("metrics/evaluate.json")["test"]["accuracy"] > 0.6
    done = copy.run("python", "-X", "importtime", "-m", "mlrepo", "evaluate")
    assert " xgboost.core\n" in done.stderr
    assert " dask\n" not in done.stderr


@in_long_form
def test_a_version_is_made_again_on_a_cluster(copy: Copy, three: Cluster) -> None:
    copy.set_params({"train.arguments": ARGUMENTS})
    copy.run("dvc", "repro", DASK_SCHEDULER_ADDRESS=three.address)
    copy.commit("On a cluster")
    copy.run("dvc", "push", "--quiet")
    copy.run("model", "register", "-m", "On a cluster")
    command = ("model", "verify", "v1", "--rebuild", "--json")
    refused = copy.run(*command, check=False)
    assert refused.returncode == 2
    assert "on a Dask cluster: start one with as many workers" in refused.stderr
    verdict = json.loads(copy.run(*command, DASK_SCHEDULER_ADDRESS=three.address).stdout)
    assert verdict["rebuild"]["verdict"] == "identical"


@in_long_form
def test_it_learns_by_weights(copy: Copy, three: Cluster) -> None:
    """The rows of a class weigh five times as much: xgboost in one process says about the same."""
    said = {}
    for weight in (None, "w"):
        copy.set_params({"data.weight": weight, "train.arguments": ARGUMENTS})
        copy.run("dvc", "repro", "train", DASK_SCHEDULER_ADDRESS=three.address)
        said[weight] = shares(copy)
    plain = {"train.estimator": "xgboost.XGBClassifier", "train.arguments": {"n_estimators": 20}}
    copy.set_params(plain)
    copy.run("dvc", "repro", "train")
    there = shares(copy)
    copy.set_params({"data.weight": None, "train.estimator": "xgboost.dask.DaskXGBClassifier"})
    assert abs(said["w"] - there) < 0.01
    assert said["w"] > said[None] + 0.15


def shares(copy: Copy) -> float:
    """Return the mean probability of the class 1 for the test rows."""
    return float(copy.run("python", "-c", SHARES).stdout)


@in_long_form
def test_a_lost_worker_ends_it_with_nothing_half_written(copy: Copy, three: Cluster) -> None:
    model = copy.path / "models/model.skops"
    before = model.read_bytes()
    copy.set_params({"train.arguments": {**ARGUMENTS, "n_estimators": 20_000}})
    run = subprocess.Popen(
        ["python", "-m", "mlrepo", "train"],
        cwd=copy.path,
        env={**copy.project.active(), "DASK_SCHEDULER_ADDRESS": three.address},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(lambda: three.logs().count("got rank") == 2)
    learns = next(it for it in three.ask().values() if "read" in it["ran"])
    os.kill(learns["pid"], signal.SIGKILL)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 2, said
    assert "was lost while it learned, and xgboost cannot go on without it" in said
    assert "Traceback" not in said
    assert model.read_bytes() == before
    assert not list(copy.path.rglob("*.partial"))


def test_what_it_needs_is_told(copy: Copy, three: Cluster) -> None:
    copy.set_params({"train.arguments": {**ARGUMENTS, "workers": 4}})
    for address, words in (
        ("", "and DASK_SCHEDULER_ADDRESS names none"),
        (three.address, "asks for 4"),
    ):
        done = copy.run(
            "python", "-m", "mlrepo", "train", check=False, DASK_SCHEDULER_ADDRESS=address
        )
        assert done.returncode == 2
        assert words in done.stderr
    copy.set_params({"train.arguments": {"n_estimators": 20}})
    done = copy.run("python", "-m", "mlrepo", "train", check=False)
    assert "train.arguments.workers in params.yaml must say how many" in done.stderr
