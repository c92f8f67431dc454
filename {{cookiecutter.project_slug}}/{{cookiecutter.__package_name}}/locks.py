"""What every dvc.lock of a project says of its stages, in this folder or in a commit."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from . import git, strict_yaml
from .errors import ProjectError
from .pipeline import PIPELINE, address, find, mapping

LOCK = "dvc.lock"

# Address of a stage -> its command, params, deps and outs as they were when it last ran.
Entries = dict[str, dict[str, Any]]


def here(folder: Path = Path()) -> Entries:
    """Return the stages of each dvc.lock in ``folder``.

    Raises:
        ProjectError: if one is missing or broken.
    """

    def read(path: str) -> str:
        try:
            return (folder / path).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            raise ProjectError(f"{path} does not exist: run `dvc repro`") from None

    return _merge(find(folder), read)


def at(commit: str) -> Entries:
    """Return the stages of each dvc.lock in ``commit``.

    Raises:
        ProjectError: if one is missing or broken.
    """
    return _merge(_named(PIPELINE, commit), lambda path: git.file_at(commit, path))


def paths(commit: str) -> list[str]:
    """Return the path of each dvc.lock in ``commit``."""
    return _named(LOCK, commit)


def _named(name: str, commit: str) -> list[str]:
    return sorted(path for path in git.paths_at(commit) if PurePosixPath(path).name == name)


def _merge(pipelines: list[str], read: Callable[[str], str]) -> Entries:
    entries: Entries = {}
    for path in pipelines:
        names = mapping(strict_yaml.parse(read(path), path), path).get("stages") or {}
        if not names:
            continue
        lock = PurePosixPath(path).with_name(LOCK).as_posix()
        # A stage that was renamed or taken out keeps its lines, which DVC passes over as well;
        # one with foreach or matrix stands there as name@item.
        entries |= {
            address(path, name): entry
            for name, entry in _parse(read(lock), lock).items()
            if name.partition("@")[0] in names
        }
    return entries


def _parse(text: str, lock: str) -> dict[str, Any]:
    if any(line.startswith(("<<<<<<< ", ">>>>>>> ")) for line in text.split("\n")):
        raise ProjectError(
            f"{lock} holds the marks of a Git conflict: run `git checkout --ours {lock}`, "
            "then `dvc repro`"
        )
    return mapping(mapping(strict_yaml.parse(text, lock), lock).get("stages"), f"{lock}: stages")
