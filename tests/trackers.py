"""MLflow as a server and as a database, DVC experiments in a row, and what W&B writes."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

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


# Reads a file of W&B (LevelDB's log format) with the messages of the installed wandb.
READ = """
import json, struct, sys
from wandb.proto import wandb_internal_pb2 as messages

content = open(sys.argv[1], "rb").read()
position, whole, found = 7, b"", {"config": {}, "metrics": {}, "files": [], "artifacts": {}}
while position + 7 <= len(content):
    left = 32768 - position % 32768
    if left < 7:
        position += left
        continue
    size, kind = struct.unpack("<HB", content[position + 4 : position + 7])
    whole += content[position + 7 : position + 7 + size]
    position += 7 + size
    if kind not in (1, 4):  # neither a whole record nor the end of one
        continue
    record = messages.Record()
    record.ParseFromString(whole)
    whole = b""
    if record.HasField("run"):
        run = record.run
        found.update(id=run.run_id, project=run.project, name=run.display_name)
        found.update(tags=list(run.tags), job_type=run.job_type, group=run.run_group)
        found.update(notes=run.notes, commit=run.git.commit, repository=run.git.remote_url)
        found["config"] |= {each.key: json.loads(each.value_json) for each in run.config.update}
    if record.HasField("history"):
        for item in record.history.item:
            key = item.key or "/".join(item.nested_key)
            found["metrics"][key] = json.loads(item.value_json)
    if record.HasField("files"):
        found["files"] += [file.path for file in record.files.files]
    if record.HasField("artifact"):
        art = record.artifact
        found["artifacts"][art.name] = {
            "type": art.type, "aliases": list(art.aliases), "used": art.use_after_commit,
            "digest": art.digest, "metadata": json.loads(art.metadata or "{}"),
            "files": {each.path: each.local_path for each in art.manifest.contents},
        }
print(json.dumps(found))
"""


def wandb_runs(copy: Copy) -> list[dict[str, Any]]:
    """Return what each run folder of W&B holds."""
    return [
        {**json.loads(copy.run("python", "-c", READ, str(file)).stdout), "folder": file.parent}
        for file in sorted((copy.path / "wandb").glob("offline-run-*/*.wandb"))
    ]
