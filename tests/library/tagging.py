"""Tags with records in the repository of the current folder, as the project makes them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from semver import Version as Number

from mlrepo.pipeline import git
from mlrepo.versions import write_tags
from mlrepo.versions.registry import Registry, Version
from mlrepo.versions.tags import Tag


def version(number: str, on: str = "HEAD", notes: str = "Notes", **record: Any) -> None:
    """Make a commit a version of the model."""
    commit = git.git("rev-parse", on).strip()
    _write(
        f"model@v{number}", f"v{number}", commit, notes, {"commit": commit, "files": {}} | record
    )


def assign(number: str, stage: str, action: str = "promote", **record: Any) -> None:
    """Bring a version into a stage."""
    registry = Registry.load("model")
    tag = registry.version(number).tag
    empty = "!" * (action == "retire")
    name = f"model#{stage}{empty}#{record.pop('counter', registry.highest + 1)}"
    more = {"stage": stage, "action": action, "version_tag": tag.oid}
    _write(name, f"v{number}", tag.commit, "Why", more | record)


def in_memory(number: str, commit: str, record: dict[str, Any]) -> Version:
    """Return a version whose tag is in no repository."""
    name = f"model@v{number}"
    tag = Tag(
        name, "0" * 40, commit, name, datetime.now(UTC), "me", "Notes", f"v{number}", None, 0, {}
    )
    vars(tag)["message"] = f"Notes\n\n{json.dumps(record, indent=1)}\n"
    return Version(Number.parse(number), tag)


def _write(name: str, version: str, commit: str, notes: str, record: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
        record = Registry.load("model").head(version) | record
        message = f"{notes}\n\n{json.dumps(record, indent=1)}\n"
        date = datetime.fromisoformat(record["at"])
        write_tags._keep(write_tags._make(name, commit, message, date, sign=False), name)
