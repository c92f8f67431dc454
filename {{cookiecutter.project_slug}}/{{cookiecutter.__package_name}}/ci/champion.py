"""The model that a change is held against: of the last stage, or else of the base."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from semver import Version as Number

from ..declared import declared
from ..gate import verdict as gate
from ..output import as_json
from ..settings import load_settings
from ..store import Store, Stored, hashes
from ..versions.registry import Registry, Version
from ..versions.tags import Tag
from .facts import PARAMS, Side


@dataclass(frozen=True)
class _Base(Version):
    """The model of a commit that is no version."""

    @property
    def name(self) -> str:
        """What people call it."""
        return f"base {self.tag.commit[:7]}"


def decide(model: str, base: str | None) -> tuple[dict[str, Any], str, bool]:
    """Return the gate's verdict on the model here, the same in words, and whether it opens.

    Raises:
        ProjectError: if one of the two models is nowhere or cannot be scored.
    """
    settings, registry = load_settings(), Registry.load(model)
    current = registry.current(settings.last)
    rival = current.version if current else _version_of(model, base) if base else None
    verdict = gate.compare_here(model, rival, settings.gate)
    return verdict, gate.says(verdict), gate.lets_in(verdict, settings.gate)


def _version_of(model: str, commit: str) -> Version | None:
    """Return what a record would say of the base's model, as far as the gate reads it."""
    side, path = Side(commit), str(declared()[model]["path"])
    locked, values = side.locked(), side.values(PARAMS)
    if path not in locked:
        return None
    files = {name: {**file, "sha256": None} for name, file in locked.items()}
    with TemporaryDirectory() as folder:
        file = Path(folder, "model")
        Store().fetch(Stored(path, files[path]["md5"]), file, None)
        files[path] |= hashes(file)
    record = {
        "model": model,
        "artifact": {**files[path], "path": path},
        "files": files,
        "architecture": {
            "task": values.get("data.task"),
            "target": values.get("data.target"),
            "features": [],
        },
        "environment": {"python": None},
    }
    never = datetime.fromtimestamp(0, UTC)
    return _Base(Number(0), Tag("", "", commit, "", never, "", "", f"\n{as_json(record)}\n"))
