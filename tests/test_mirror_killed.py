"""A mirror that is killed, late, or speaks to nobody: training goes on and nothing is lost."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from helpers import LONG, PATIENCE, Copy, in_long_form, sha256
from releases import MODEL, Released, copied, new_released
from servers import free_port
from trackers import Database, in_background, make_experiments, serve_mlflow, silent_server

TOLD = 5.0  # seconds that a dead tracker may take to be told
COUNT = 20 if LONG else 4


@pytest.fixture(scope="module")
def origin(mlflow_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Two commits with a small model."""
    return new_released(mlflow_project, tmp_path_factory.mktemp("origin"))


@pytest.fixture
def copy(origin: Released, tmp_path: Path) -> Released:
    return copied(origin, tmp_path / "copy")


def history(copy: Copy) -> set[str]:
    return set(copy.git("rev-list", "HEAD").split())


def wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def in_time() -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < TOLD


@in_long_form
def test_experiments_killed_half_way_are_one_run_each(copy: Released) -> None:
    wanted = make_experiments(copy, COUNT)
    assert len(wanted) == COUNT
    database = Database(copy.path / "mlflow.db")
    mirror = ("python", "-m", "mlrepo.commands", "mirror")
    with in_background(copy, *mirror) as process:
        wait_until(lambda: len(database.complete()) > COUNT // 2)
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
    half = database.complete()
    assert COUNT // 2 < len(half) < COUNT
    # What a kill leaves at its worst moments: a run without its mark, and one with its key alone.
    early, late = sorted(run for run, tags in database.runs().items() if "mirrored" in tags)[:2]
    for run in (early, late):
        database.change(f"delete from tags where key = 'mirrored' and run_uuid = '{run}'")
    for table in ("params", "metrics", "latest_metrics"):
        database.change(f"delete from {table} where run_uuid = '{early}'")

    # Started again, and by two at once.
    with in_background(copy, *mirror) as process:
        copy.model("mirror")
        assert process.wait(PATIENCE) == 0
    runs = database.runs()
    assert {early, late} <= set(runs)
    commits = [tags["commit"] for tags in runs.values()]
    assert len(commits) == len(set(commits)) == COUNT + len(history(copy))
    assert set(commits) == wanted | history(copy) == database.complete()
    names = {tags["experiment"] for tags in runs.values() if "experiment" in tags}
    assert names == {f"trees-{number}" for number in range(1, COUNT + 1)}

    for run, tags in runs.items():
        params = dict(database.ask(f"select key, value from params where run_uuid = '{run}'"))
        metrics = dict(
            database.ask(f"select key, value from latest_metrics where run_uuid = '{run}'")
        )
        if "experiment" in tags:
            assert tags["experiment"] == f"trees-{params['train.arguments.n_estimators']}"
        committed = json.loads(copy.git("show", f"{tags['commit']}:metrics/evaluate.json"))
        assert metrics["test.accuracy"] == committed["test"]["accuracy"]
        [(place,)] = database.ask(f"select artifact_uri from runs where run_uuid = '{run}'")
        model = Path(place.removeprefix("file://"), MODEL)
        assert sha256(model) == tags["model.sha256"]
    again = copy.model("mirror")
    assert again.stdout.startswith(f"runs written: 0, there before: {len(runs)}\n")
    assert copy.changed() == []


@pytest.mark.parametrize("kind", ["dead", *(["slow"] if LONG else [])])
def test_a_tracker_that_does_not_answer_is_told_and_nothing_waits(
    copy: Released, tmp_path: Path, mlflow_project: Project, kind: str
) -> None:
    other = copied(copy, tmp_path / "other")
    port = free_port()
    with silent_server() as silent:
        url = silent if kind == "slow" else f"http://127.0.0.1:{port}"
        at: dict[str, Any] = {"MLFLOW_TRACKING_URI": url}
        with in_time():
            refused = copy.model("mirror", check=False, **at)
        assert refused.returncode == 2
        assert "does not answer" in refused.stderr
        assert "catches up" in refused.stderr

        change = {"train.arguments": {"n_estimators": 6}}
        copy.set_params(change)
        copy.repro(**at)
        other.set_params(change)
        other.repro()
        assert copy.outputs() == other.outputs()
        copy.run("git", "add", "--all")
        start = time.monotonic()
        committed = copy.run("git", "commit", "--message", "Six trees", "--no-verify", **at)
        assert time.monotonic() - start < TOLD
        assert "does not answer" in committed.stderr
        copy.run("dvc", "exp", "run", "--name", "seven", "-S", "card.owner=Nobody", **at)

    # The server is there at last, and all comes from Git.
    with serve_mlflow(mlflow_project, tmp_path / "server", port) as (url, database):
        copy.model("mirror", MLFLOW_TRACKING_URI=url)
        assert len(database.complete()) == len(history(copy)) + 1
        assert len(database.runs()) == len(history(copy)) + 1


def test_commits_and_experiments_come_of_themselves(copy: Released, tmp_path: Path) -> None:
    database = Database(tmp_path / "tracking.db")
    at: dict[str, Any] = {"MLFLOW_TRACKING_URI": database.url}
    copy.run("git", "commit", "--quiet", "--allow-empty", "--message", "One more", **at)
    wait_until(lambda: database.complete() == history(copy))

    command = ("python", "-m", "mlrepo.commands", "mirror", "--watch")
    with in_background(copy, *command, **at):
        make_experiments(copy, 1)
        wait_until(lambda: len(database.complete()) == len(history(copy)) + 1)
        copy.model("register", "-m", "The first one")
        wait_until(lambda: "v1.0.0" in {t["version"] for t in database.runs().values()})
    assert len(database.runs()) == len(history(copy)) + 1
