"""MLflow as a server, as a database and behind a model, and DVC experiments in a row."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from conftest import Bake, Project, set_up
from helpers import Copy
from once import once
from servers import free_port


@pytest.fixture(scope="session")
def mlflow_project(
    bake: Bake, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project with MLflow and the service after its own set-up; change only copies of it."""
    baked = bake(tracker="mlflow", service="fastapi")
    return once(tmp_path_factory, "mlflow", lambda at: set_up(baked, at / "penguins", environment))


# Runs the stages with 1, 2, ... trees and saves each result as an experiment, in one process.
EXPERIMENTS = """
import sys
from pathlib import Path
from dvc.repo import Repo
from mlrepo.core import owner

repo, path = Repo(), Path("params.yaml")
text = path.read_text()
for number in range(1, int(sys.argv[1]) + 1):
    path.write_text(text.replace("n_estimators: 5", f"n_estimators: {number}"))
    for stage in ("train", "evaluate", "card"):
        owner.stage(stage)(owner.load_params())
    repo.commit(force=True)
    repo.experiments.save(name=f"trees-{number}")
"""


def make_experiments(copy: Copy, count: int) -> set[str]:
    """Save experiments with their true outputs; return their commits. The folder is as before."""
    copy.run("python", "-c", EXPERIMENTS, str(count))
    copy.run("git", "checkout", "--quiet", ".")
    copy.run("dvc", "checkout", "--quiet")
    listed = copy.git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps")
    return {line.split()[0] for line in listed.splitlines() if "/trees-" in line}


@dataclass(frozen=True)
class Database:
    """What stands in MLflow's own database."""

    path: Path

    @property
    def url(self) -> str:
        """The address that MLflow has for it."""
        return f"sqlite:///{self.path}"

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none while MLflow makes the database."""
        if not self.path.exists():
            return []
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=60) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError:
                return []

    def change(self, statement: str) -> None:
        """Change rows behind the back of MLflow."""
        with sqlite3.connect(self.path, timeout=60) as connection:
            connection.execute(statement)

    def runs(self) -> dict[str, dict[str, str]]:
        """Return the tags of each run that is not deleted, by its id."""
        found: dict[str, dict[str, str]] = {
            run: {}
            for (run,) in self.ask("select run_uuid from runs where lifecycle_stage='active'")
        }
        for run, key, value in self.ask("select run_uuid, key, value from tags"):
            if run in found:
                found[run][key] = value
        return found

    def complete(self) -> set[str]:
        """Return the commits whose runs carry the last mark."""
        return {tags["commit"] for tags in self.runs().values() if "mirrored" in tags}


@contextmanager
def serve_mlflow(project: Project, folder: Path, port: int = 0) -> Iterator[tuple[str, Database]]:
    """Run `mlflow server` on a loopback port; yield its address and its database."""
    folder.mkdir(exist_ok=True)
    port, database = port or free_port(), Database(folder / "server.db")
    command = [str(project.path / ".venv/bin/mlflow"), "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--backend-store-uri", database.url]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command,
            cwd=folder,
            # Without the workers of jobs that nobody gives it, which would outlive it.
            env={
                **project.active(),
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/health", folder / "log", server)
        yield url, database
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@contextmanager
def serve_model(
    uri: str, copy: Copy, folder: Path, at: dict[str, Any]
) -> Iterator[Callable[[Any], tuple[int, Any]]]:
    """Run `mlflow models serve`; yield what sends a body to it and returns status and answer."""
    port, log = free_port(), folder / "serve.log"
    command = ["models", "serve", "-m", uri, "--env-manager", "local"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with log.open("w") as file:
        server = subprocess.Popen(
            [str(copy.project.path / ".venv/bin/mlflow"), *command],
            cwd=folder,  # without the project: what MLflow holds must do
            env={**copy.project.active(), **at},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ask(body: Any) -> tuple[int, Any]:
        json_type = {"Content-Type": "application/json"}
        request = Request(
            f"http://127.0.0.1:{port}/invocations", json.dumps(body).encode(), json_type
        )
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    try:
        _wait_for(f"http://127.0.0.1:{port}/ping", log, server)
        yield ask
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait_for(url: str, log: Path, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 240
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(log.read_text(encoding="utf-8"))


@contextmanager
def silent_server() -> Iterator[str]:
    """Take connections and never answer."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


@contextmanager
def in_background(copy: Copy, *command: str, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a command in a process group of its own, which is killed when the block ends."""
    with (copy.path.parent / "background.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            cwd=copy.path,
            env={**copy.project.active(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
