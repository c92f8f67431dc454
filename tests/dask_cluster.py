"""A Dask cluster of separate processes on loopback, started as docs/cluster.md says."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from helpers import Copy, own_environment
from once import once

PATIENCE = 120  # seconds
LOOPBACK = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
# What a worker asks of itself: seconds of each kind of task that it ran, its process, its sockets.
ASK = """
import json, sys
from distributed import Client

def told(dask_worker):
    import os
    totals = dask_worker.digests_total.items()
    ran = {key[2]: value for key, value in totals if key[0] == "execute" and key[3] == "thread-cpu"}
    return {"pid": os.getpid(), "ran": ran}

with Client(sys.argv[1], timeout="10s") as client:
    print(json.dumps(client.run(told)))
"""


SEARCH: dict[str, Any] = {
    "train.estimator": "sklearn.model_selection.HalvingGridSearchCV",
    "train.arguments": {
        "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
        "param_grid": {"learning_rate": [0.05, 0.1], "max_leaf_nodes": [7, 15]},
        "cv": 3,
        "min_resources": 100,
        "scoring": "neg_log_loss",
    },
    "train.cross_validation": 0,
}


@dataclass
class Cluster:
    """A scheduler and what was started beside it; every process in a group of its own."""

    copy: Copy
    folder: Path
    address: str
    variables: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a process of the cluster outside the project's folder."""
        log = (self.folder / f"{len(self.started)}.log").open("wb")
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.copy.project.active(), **self.variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        self.started.append(process)
        return process

    def workers(self, count: int, *options: str, **variables: str) -> None:
        """Start workers with the project's numerics and wait until they are there."""
        before = len(self.ask())
        pinned = ("python", "-m", "mlrepo.core.numerics", "dask", "worker", self.address)
        place = ("--nthreads", "1", "--local-directory", str(self.folder))
        for _ in range(count):
            self.start(*pinned, *LOOPBACK, *place, *options, **variables)
        wait_for(lambda: len(self.ask()) == before + count)

    def ask(self) -> dict[str, Any]:
        """Return what each worker says of itself, by address; see ASK."""
        told = subprocess.run(
            ["python", "-c", ASK, self.address],
            env={**self.copy.project.active(), **self.variables},
            stdout=subprocess.PIPE,
            check=True,
        )
        answers: dict[str, Any] = json.loads(told.stdout)
        return answers

    def ran(self) -> dict[str, list[str]]:
        """Return the worker's addresses -> kinds of tasks that it computed."""
        return {address: sorted(answer["ran"]) for address, answer in self.ask().items()}

    def kill_one_that_ran(self, kind: str) -> None:
        """Do what the kernel does to a worker without memory, once one has run such a task."""
        wait_for(lambda: any(kind in str(kinds) for kinds in self.ran().values()))
        found = [told["pid"] for told in self.ask().values() if kind in str(told["ran"])]
        os.kill(found[0], signal.SIGKILL)

    def logs(self) -> str:
        """Return all that the processes said."""
        return "\n".join(log.read_text("utf-8", "replace") for log in self.folder.glob("*.log"))


@contextmanager
def cluster(copy: Copy, folder: Path, *options: str, **variables: str) -> Iterator[Cluster]:
    """Start a scheduler on a free port; all that was started is killed when the block ends."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    protocol = "tls" if "tls" in options else "tcp"
    made = Cluster(copy, folder, f"{protocol}://127.0.0.1:{port}", variables)
    try:
        made.start("dask", "scheduler", *LOOPBACK, "--port", str(port), *options)
        wait_for(lambda: "Scheduler at" in made.logs())
        yield made
    finally:
        for process in made.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(moment: Callable[[], object]) -> None:
    """Wait until ``moment`` is true."""
    end = time.monotonic() + PATIENCE
    while not moment():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def listening(pids: set[int]) -> set[str]:
    """Return the addresses on which processes of Linux accept connections."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            found = re.match(r"socket:\[(\d+)\]", str(link.readlink()))
            inodes |= {found[1]} if found else set()
    addresses = set()
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        words = line.split()
        if words[3] == "0A" and words[9] in inodes:
            raw = bytes.fromhex(words[1].split(":")[0])
            addresses.add(socket.inet_ntoa(raw[::-1]))
    return addresses


def refused(copy: Copy, stage: str, address: str) -> str:
    """Run a stage that must be refused, leaving what was there; return what it says."""
    before = copy.outputs()
    done = copy.run("python", "-m", "mlrepo", stage, check=False, DASK_SCHEDULER_ADDRESS=address)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert copy.outputs() == before
    assert not list(copy.path.rglob("*.partial"))
    return done.stderr


@pytest.fixture(scope="session")
def clustered(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A project with the extra `cluster`; change only copies of it."""
    return once(
        tmp_path_factory, "clustered", lambda at: with_extra(project, at / "penguins", "cluster")
    )


def with_extra(project: Project, folder: Path, extra: str) -> Copy:
    """Copy the set-up project to `folder`, with an environment of its own and an extra in it."""
    made = own_environment(project, folder)
    copy = Copy(made.path, made)
    copy.run("uv", "sync", "--quiet", "--extra", extra)
    assert copy.changed() == []
    return copy


def with_packages(project: Project, folder: Path, *packages: str) -> Copy:
    """Copy the set-up project to `folder`, with packages that it depends on from now on."""
    made = own_environment(project, folder)
    made.run("uv", "add", "--quiet", *packages)
    return Copy(made.path, made)
