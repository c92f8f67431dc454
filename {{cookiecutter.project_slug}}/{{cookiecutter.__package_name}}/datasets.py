"""Data in a bucket that dvc.yaml calls `ds://NAME` in the deps of a stage, and dvc.lock pins.

`dvc dataset add` and `update` write both: https://doc.dvc.org/command-reference/dataset
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import strict_yaml
from .locks import LOCK
from .pipeline import PIPELINE, find

_SCHEME = "ds://"


def is_named(dep: str) -> bool:
    """Return whether a dep of a stage is the name of a dataset."""
    return dep.startswith(_SCHEME)


def pinned(stage: dict[str, Any]) -> dict[str, Any]:
    """Return name -> address and versions of the datasets that a stage of dvc.lock read."""
    return {dep["path"]: dep["dataset"] for dep in stage.get("deps", []) if "dataset" in dep}


def changes(dep: str, locked: dict[str, Any], folder: Path) -> Iterator[str]:
    """Yield what makes a stage stale that depends on a dataset.

    Args:
        dep: its name, as the stage has it.
        locked: what dvc.lock says of the dep in the stage's last run.
        folder: of the project.
    """
    name = dep.removeprefix(_SCHEME)
    for path in find(folder):
        meant = _named(folder / path, name)
        if meant is None:
            continue
        now = _named((folder / path).with_name(LOCK), name)
        # DVC as well takes what it pinned for another address for nothing.
        if now is None or any(now.get(key) != value for key, value in meant.items()):
            yield f"{dep} is pinned to no version of its address: `dvc dataset update {name}`"
        elif now != locked.get("dataset"):
            yield f"{dep} has changed"
        return
    yield f"{dep} is no dataset of {PIPELINE}: `dvc dataset add` makes one"


def _named(path: Path, name: str) -> dict[str, Any] | None:
    """Return the dataset of a dvc.yaml or dvc.lock."""
    content = strict_yaml.load(path) or {}
    entries: list[dict[str, Any]] = content.get("datasets") or []
    return next((entry for entry in entries if entry["name"] == name), None)
