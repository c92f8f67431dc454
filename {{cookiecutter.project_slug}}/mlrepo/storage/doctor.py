"""Look at all that a project stands on, and tell what is wrong and how to fix it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from mlrepo.core import environment, owner, release
from mlrepo.core.errors.shell import quoted
from mlrepo.core.files import read_toml
from mlrepo.core.paths import above
from mlrepo.core.progress import progress
from mlrepo.pipeline import dvc_lock, git, models, status
from mlrepo.pipeline.dvc import no_copies_here
from mlrepo.pipeline.dvc_files import md5
from mlrepo.pipeline.output import few, findings
from mlrepo.storage import remote
from mlrepo.storage.store import Store
from mlrepo.tables.schema import load_schema

_OBJECT = re.compile(r"[0-9a-f]{30}(\.dir)?")  # and not what DVC writes before it has a hash


def examine(offline: bool) -> dict[str, list[str]]:
    """Return check -> what is wrong and how to fix it; nothing is changed.

    ``offline`` leaves out what asks the Git remote or DVC's.
    """
    checks = {
        # An owner may edit it: that is reported, and is no mistake.
        str(release.compare()): iter(()),
        "folder": _folder(),
        "tools": _tools(),
        "packages": _packages(),
        "hooks": _hooks(),
        **_of_models(),
        "cache": _cache(),
    }
    with ThreadPoolExecutor(1) as pool:
        if not offline:
            # A remote that gives no answer is waited for while the others are at work.
            answer = pool.submit(remote.probe, make=False)
            checks |= {
                "DVC remote": _remote(answer),
                "not pushed": _not_pushed(answer),
                "Git remote": _origin(),
            }
        return {name: findings(check) for name, check in checks.items()}


def _folder() -> Iterator[str]:
    if trouble := no_copies_here():
        yield trouble


def _of_models() -> dict[str, Iterator[str]]:
    """Return the checks of each model's own files, which have been made in its folder by then."""
    checks: dict[str, Iterator[str]] = {}
    for of in models.each_folder():
        if above():
            checks[f"{of}packages"] = iter(findings(_environment()))
        checks[f"{of}params and schema"] = iter(findings(_params()))
        checks[f"{of}dvc.lock"] = iter(findings(_lock()))
    return checks


def _environment() -> Iterator[str]:
    environment.check()
    yield from ()


def _tools() -> Iterator[str]:
    said = git.git("--version")
    found = re.search(r"(\d+)\.(\d+)", said)
    if found and (int(found[1]), int(found[2])) < (2, 34):
        yield f"{said.strip()} is old: 2.34 and later sign with SSH keys"
    if shutil.which("uv") is None:
        yield "uv is not in PATH: get it from https://docs.astral.sh/uv"


def _packages() -> Iterator[str]:
    environment.check()
    for path in (owner.PROJECT, environment.LOCK):
        read_toml(Path(path))
    if shutil.which("uv"):
        command = ["uv", "lock", "--check"]
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
        if done.returncode == 1:
            yield "uv.lock is not what pyproject.toml asks for: `uv lock`, `uv sync`, `dvc repro`"
        elif done.returncode:
            said = re.findall(r"^error: (.*)", done.stderr, re.MULTILINE)
            yield f"uv cannot check uv.lock ({'; '.join(said)}): `uv lock --check` tells more"


def _hooks() -> Iterator[str]:
    if git.folder_in_repository():
        return  # the hooks are for the repository around this folder to choose
    used = git.ask("config", "core.hooksPath")
    if used != ".githooks":
        now = f"core.hooksPath is {used}" if used else "Git's hooks are off"
        yield f"{now}: `git config core.hooksPath .githooks` turns the project's on"
        return
    for hook in sorted(Path(".githooks").iterdir()):
        if os.name == "posix" and not os.access(hook, os.X_OK):
            yield f"{hook} cannot be run: `chmod +x {quoted(hook)}`"


def _params() -> Iterator[str]:
    load_schema(Path(owner.load_params().data.table_schema))
    yield from ()


def _lock() -> Iterator[str]:
    found = status.report()
    yield from few(found.stale)
    if found.stale:
        yield status.FIX


def _cache() -> Iterator[str]:
    """Hash every object again: DVC itself trusts a cached file that is read-only."""
    objects = [path for path in Store().cache_folder.glob("??/*") if path.is_file()]
    for path in progress(objects, "cache", len(objects)):
        if not _OBJECT.fullmatch(path.name):
            yield f"{path} is left of a DVC that was cut off: delete it, if no DVC is at work"
        elif md5(path) != f"{path.parent.name}{path.name}".removesuffix(".dir"):
            yield f"{path} is damaged: delete it, then `model pull --all` brings it again"


def _remote(answer: Future[remote.Remote]) -> Iterator[str]:
    refusal = answer.result().refusal
    if refusal:
        yield str(refusal)


def _not_pushed(answer: Future[remote.Remote]) -> Iterator[str]:
    """A forgotten push is found by whoever clones."""
    if answer.exception():
        yield "not known: fix what is said of DVC's remote first"
        return
    dvc_lock.here()  # without one, DVC knows of nothing that was to be pushed
    yield from Store().not_pushed()


def _origin() -> Iterator[str]:
    name = git.origin()
    if name and git.ask("ls-remote", "--heads", name) is None:
        yield f"the Git remote '{name}' cannot be reached: `git ls-remote {name}` says why"
