"""Bring a tracker up to what Git and DVC hold. Run again at any time: what is there stays.

That happens when it is asked for, after each commit (which starts this module by Git's hook), and
for as long as `model mirror --watch` runs. Training never waits for it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import in_project
from mlrepo.core.progress import progress
from mlrepo.mirror import mlflow_runs, runs, wandb_runs
from mlrepo.pipeline.git import git
from mlrepo.pipeline.output import Tell
from mlrepo.storage.store import Store
from mlrepo.versions.registry import Registry

# In a folder that Git ignores.
RUNNING = ".dvc/tmp/mirror.lock"
LOG = ".dvc/tmp/mirror.log"  # of the pass in the background
HURRY = 1.0  # seconds that a commit gives a server to answer
PAUSE = 3.0  # seconds between two looks at Git

# Git sets them for a hook, and they would lead the pass in the background astray.
_OF_THE_HOOK = {"GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE"}


@dataclass
class Done:
    """What one pass did."""

    written: int = 0
    there: int = 0
    passed: int = 0  # commits whose pipeline does not write the model
    lacking: list[str] = field(default_factory=list)
    tells: list[str] = field(default_factory=list)


def catch_up(model: str, tell: Tell) -> Done:
    """Mirror every commit and experiment that is not there yet, then versions and stages.

    A run that was cut short is found without its last mark and finished.
    """
    tracker = _installed()
    tracker.refuse_silent()
    with _alone(tell):
        registry = Registry.load(model)
        found = runs.find(registry)
        to = tracker(model)
        done, store = Done(), None
        for source in progress(found, "mirror"):
            if to.has(source):
                done.there += 1
            elif (run := runs.read(source, model)) is None:
                done.passed += 1
            else:
                store = store or Store()
                with TemporaryDirectory() as folder:
                    absent = runs.fetch(run, store, Path(folder))
                    to.write(run, Path(folder), finished=not absent)
                done.written += 1
                done.lacking += [f"{source.name}: {said}" for said in absent]
        to.publish(registry, tell)
        done.tells = to.tells()
        return done


def _installed() -> type[mlflow_runs.Tracker] | type[wandb_runs.Tracker]:
    """Return the tracker of this project: the one that is installed."""
    if find_spec("mlflow"):
        return mlflow_runs.Tracker
    if find_spec("wandb"):
        return wandb_runs.Tracker
    raise ProjectError(
        "neither mlflow nor wandb is installed: `uv sync` installs the one that the project has, "
        """and `cruft update --variables-to-update '{"tracker": "mlflow"}'` gives it one"""
    )


def _alone(tell: Tell) -> AbstractContextManager[object]:
    """Wait for another pass in this folder; a killed one holds nobody up."""
    running = in_project(RUNNING)
    running.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(running)
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        tell("wait for another `model mirror` of this folder")
        return lock.acquire()


def watch(once: Callable[[], object], tell: Tell) -> None:
    """Call ``once``, and again whenever a commit, a tag or an experiment came, until Ctrl-C.

    ``once`` may fail: it is reported, and tried again.
    """
    seen, said = "", ""
    while True:
        now = git("for-each-ref", "--format=%(objectname) %(refname)") + git("rev-parse", "HEAD")
        if now != seen:
            try:
                once()
                seen, said = now, ""
            except ProjectError as error:
                if str(error) != said:
                    said = str(error)
                    tell(said)
        time.sleep(PAUSE)


def after_commit() -> None:
    """Start a pass in the background, or say why not."""
    tracker = _installed()
    if not tracker.is_configured():
        return
    tracker.refuse_silent(HURRY)
    log_file = in_project(LOG)
    if log_file.exists():
        lines = log_file.read_text("utf-8").splitlines()
        failed = [line for line in lines if line.startswith("error")]
        if failed:
            print(f"post-commit: the last `model mirror` ended so: {failed[-1]}", file=sys.stderr)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    # A file and no pipe: whoever reads what the commit says must not wait for this.
    with log_file.open("w", encoding="utf-8") as log:
        subprocess.Popen(
            [sys.executable, "-m", "mlrepo.commands", "mirror"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={name: v for name, v in os.environ.items() if name not in _OF_THE_HOOK},
            start_new_session=True,
        )


if __name__ == "__main__":
    try:
        after_commit()
    except ProjectError as error:
        # The commit is made when Git calls this: nothing fails any more.
        print(f"post-commit: {error}", file=sys.stderr)
