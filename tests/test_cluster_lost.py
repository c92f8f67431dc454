"""Workers that die, run out of memory or never come: the same bytes, or words within seconds."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dask_cluster import SEARCH, Cluster, cluster, refused, wait_for
from helpers import LONG, QUICK, Copy, copy_again, in_long_form
from pages import page
from spoil import swap
from typed import LOSE

# At the start of a worker's task: a gigabyte for so many seconds.
HOG = '    held = [b"x" * 10**9, __import__("time").sleep({})]\n'
# Dask lets a worker with little memory left take no task any more; here it is not killed as well.
PAUSES = {
    "DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "0.5",
    "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False",
}
GRID = {"max_iter": [200, 250, 300], "max_leaf_nodes": [7, 15]}
# A stage, what makes it long, and the kind of task that it gives to workers.
WORK: dict[str, tuple[str, dict[str, Any], str]] = {
    "forest": ("train", {"train.arguments": {"n_estimators": 600}}, "_parallel_build_trees"),
    "search": (
        "train",
        {**SEARCH, "train.arguments": {**SEARCH["train.arguments"], "param_grid": GRID}},
        "_fit_and_score",
    ),
    "bootstrap": ("evaluate", {"evaluate.intervals.resamples": 100_000}, "values"),
}


@pytest.fixture
def copy(clustered: Copy, tmp_path: Path) -> Copy:
    return copy_again(clustered, tmp_path / "penguins")


@pytest.fixture
def own(copy: Copy, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster without workers for one test."""
    with cluster(copy, tmp_path / "cluster") as made:
        yield made


def start(copy: Copy, stage: str, address: str, *by: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*(by or ("python", "-m", "mlrepo")), stage],
        cwd=copy.path,
        env={**copy.project.active(), "DASK_SCHEDULER_ADDRESS": address},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("work", list(WORK)[: None if LONG else 1])
def test_a_killed_worker_changes_nothing(copy: Copy, own: Cluster, work: str) -> None:
    stage, params, kind = WORK[work]
    copy.set_params({**QUICK, **params})
    copy.run("dvc", "repro", stage)
    embedded = copy.outputs()
    own.workers(2)
    run = start(copy, stage, own.address)
    own.kill_one_that_ran(kind)
    assert run.poll() is None
    said, _ = run.communicate(timeout=300)
    assert run.returncode == 0, said
    assert "killed by signal 9" in own.logs()
    assert copy.outputs() == embedded


def test_a_killed_scheduler_is_told_and_the_docs_bring_the_outputs_back(
    copy: Copy, own: Cluster
) -> None:
    """Those that Git keeps as well, also where the step that was lost took them away."""
    before = copy.outputs()
    copy.set_params({"evaluate.intervals.resamples": 100_000})
    own.workers(1)
    run = start(copy, "evaluate", own.address, "dvc", "repro")
    wait_for(lambda: "values" in str(own.ran()))
    own.started[0].kill()  # the scheduler
    said, _ = run.communicate(timeout=60)
    assert run.returncode != 0
    assert f"the cluster at {own.address} does not answer any more (" in said
    assert "Traceback" not in said
    assert copy.outputs() == before  # the step puts back what DVC has taken away
    [command] = re.findall(r"^  `(git checkout .*)`$", page("docs/cluster.md"), re.MULTILINE)
    copy.run("sh", "-c", f"{LOSE} && {command}")
    assert copy.outputs() == before
    assert copy.changed() == [" M params.yaml"]


@in_long_form
def test_the_last_worker_is_killed_and_none_comes_back(copy: Copy, own: Cluster) -> None:
    stage, params, kind = WORK["bootstrap"]  # joblib does not ask a single worker at all
    copy.set_params({**QUICK, **params})
    before = copy.outputs()
    own.workers(1, "--no-nanny")
    run = start(copy, stage, own.address)
    own.kill_one_that_ran(kind)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 2, said
    assert "has no worker that takes tasks" in said
    assert "Traceback" not in said
    assert copy.outputs() == before


def test_a_cluster_without_workers_is_told(copy: Copy, own: Cluster) -> None:
    assert "has no worker that takes tasks" in refused(copy, "train", own.address)


@in_long_form
def test_workers_without_memory_are_told(copy: Copy, own: Cluster) -> None:
    own.workers(1, "--memory-limit", "500MB")
    hold_a_gigabyte(copy, seconds=5)
    said = refused(copy, "evaluate", own.address)
    assert "likely by running out of memory: give them more (`dask worker --memory-limit`)" in said
    assert "exceeded 95% memory budget" in own.logs()


@in_long_form
def test_workers_that_pause_for_lack_of_memory_are_told(copy: Copy, own: Cluster) -> None:
    own.workers(1, "--memory-limit", "1.5GB", **PAUSES)
    hold_a_gigabyte(copy, seconds=600)  # whoever waits for it gets its result in the end
    assert "has no worker that takes tasks" in refused(copy, "evaluate", own.address)
    assert "Pausing worker" in own.logs()
    assert "has no worker that takes tasks" in refused(copy, "evaluate", own.address)


def hold_a_gigabyte(copy: Copy, seconds: int) -> None:
    code = HOG.format(seconds) + r"\g<0>"
    swap("mlrepo/scoring/bootstrap.py", r"^    weights = draw\(rng, resamples", code)(copy.path)
