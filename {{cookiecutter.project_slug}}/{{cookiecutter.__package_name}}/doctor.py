"""Look at all that a project stands on, and name what is wrong with its mend."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from . import environment, freshness, git, remote
from .errors import ProjectError
from .progress import progress

GIT_AT_LEAST = (2, 34)  # signs with SSH keys
_CHUNK = 1 << 20


def examine(offline: bool) -> dict[str, list[str]]:
    """Return check -> what is wrong and how to mend it; nothing is changed.

    ``offline`` leaves out what asks the Git remote or DVC's.
    """
    checks: dict[str, Callable[[], Iterator[str]]] = {
        "tools": _tools,
        "packages": _packages,
        "hooks": _hooks,
        "dvc.lock": _lock,
        "cache": _cache,
    }
    with ThreadPoolExecutor(1) as pool:
        if not offline:
            # A remote that gives no answer is waited for while the others are at work.
            answer = pool.submit(remote.probe)
            checks |= {
                "DVC remote": partial(_remote, answer),
                "not pushed": partial(_not_pushed, answer),
                "Git remote": _origin,
            }
        return {name: _told(check) for name, check in checks.items()}


def _told(check: Callable[[], Iterator[str]]) -> list[str]:
    try:
        return list(check())
    except ProjectError as error:
        return [str(error)]


def _tools() -> Iterator[str]:
    said = git.git("--version")
    found = re.search(r"(\d+)\.(\d+)", said)
    if found and (int(found[1]), int(found[2])) < GIT_AT_LEAST:
        yield f"{said.strip()} is old: 2.34 and later sign with SSH keys"
    if shutil.which("uv") is None:
        yield "uv is not in PATH: `python -m pip install uv` installs it"


def _packages() -> Iterator[str]:
    environment.check()
    if shutil.which("uv"):
        done = subprocess.run(["uv", "lock", "--check"], capture_output=True, check=False)
        if done.returncode:
            yield "uv.lock is not what pyproject.toml asks for: `uv lock`, `uv sync`, `dvc repro`"


def _hooks() -> Iterator[str]:
    used = git.ask("config", "core.hooksPath")
    if used != ".githooks":
        now = f"core.hooksPath is {used}" if used else "Git's hooks are off"
        yield f"{now}: `git config core.hooksPath .githooks` turns the project's on"
        return
    for hook in sorted(Path(".githooks").iterdir()):
        if os.name == "posix" and not os.access(hook, os.X_OK):
            yield f"{hook} cannot be run: `chmod +x {hook}`"


def _lock() -> Iterator[str]:
    found = freshness.report()
    yield from found.stale
    if found.stale:
        yield freshness.MEND


def _cache() -> Iterator[str]:
    """Hash every object again: DVC itself trusts a cached file that is read-only."""
    from .store import Store

    objects = [path for path in Store().cache_folder.glob("??/*") if path.is_file()]
    for path in progress(objects, "cache", len(objects)):
        digest = hashlib.md5(usedforsecurity=False)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != f"{path.parent.name}{path.name}".removesuffix(".dir"):
            yield f"{path} is damaged: delete it, then `dvc fetch` brings it again"


def _remote(answer: Future[remote.Remote]) -> Iterator[str]:
    answered = answer.result()
    if not answered.writable:
        yield answered.says


def _not_pushed(answer: Future[remote.Remote]) -> Iterator[str]:
    """DVC's files of this commit and of every version: a forgotten push is found by who clones."""
    if answer.exception():
        yield "nobody knows while DVC's remote cannot be used"
        return
    from .store import Store

    store = Store()
    absent = store.absent_from_remote(store.used())
    for path in absent[:10]:
        yield f"{path} is not in {store.remote_name}: `model push` sends it"
    if len(absent) > 10:
        yield f"and {len(absent) - 10} more"
    yield from store.lost()


def _origin() -> Iterator[str]:
    name = git.origin()
    if name and git.ask("ls-remote", "--heads", name) is None:
        yield f"the Git remote '{name}' cannot be reached: `git ls-remote {name}` says why"
