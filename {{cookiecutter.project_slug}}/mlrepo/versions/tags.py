"""The tags that hold everything: how they are named, read and written.

The names are GTO's (https://dvc.org/doc/gto/user-guide): ``model@v1.2.0`` is a version and
``model#prod#7`` is the seventh assignment of a version to a stage, so that `gto show`,
`dvc artifacts get` and DVC Studio read them; ``model#prod!#8`` empties the stage. What else is
said of a version, such as ``model+approve#9``, they pass over. The message is a person's notes, and
below them the record as JSON. Tags are only ever added.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from semver import Version as Number

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.git import folder_in_repository, git, keep, objects, recall

# What `git for-each-ref` is asked for.
_FORM = (
    "%(refname:strip=2)%00%(objectname)%00%(*objectname)%00%(tag)%00%(creatordate:unix)%00"
    "%(tagger)%00%(contents:subject)%00"
)
# What a list of versions or events needs of the records, which are long. Tags never change, so
# this is kept in Git's folder by their hashes.
_CLAIMS = (
    "format", "model", "version", "stage", "commit", "at", "by", "after", "besides", "action",
    "version_tag", "act", "for", "override", "policy", "asks", "verdict",
)  # fmt: skip
_KEPT = "mlrepo-tags.json"
SIGNATURE = re.compile(r"^-----BEGIN (SSH|PGP) SIGNATURE-----$", re.MULTILINE)


@dataclass(frozen=True)
class Tag:
    """One tag; ``oid`` is the hash of the tag itself, ``commit`` what it is set on."""

    name: str
    oid: str
    commit: str
    called: str  # its name as its own bytes have it, which a signature covers
    date: datetime
    by: str
    subject: str  # the first lines, up to an empty one
    version: str | None = None  # such as v1.2.0, of the tag of a version
    stage: str | None = None  # of an assignment
    counter: int = 0  # of all but versions
    # The short values of the record; {}: it holds none that can be read.
    claims: dict[str, Any] = field(default_factory=dict)
    act: str | None = None  # what else is said of a version, such as approve

    @property
    def is_empty(self) -> bool:
        """Whether its name says that a stage is empty from now on."""
        return self.stage is not None and "!#" in self.name

    @cached_property
    def message(self) -> str:
        """Notes, record and signature as they stand in the tag; a lightweight tag has none."""
        if self.oid == self.commit:
            return ""
        return git("cat-file", "tag", self.oid).partition("\n\n")[2]

    @property
    def notes(self) -> str:
        """What a person wrote."""
        return self.message[: _start_of_record(self.message)].strip()

    @cached_property
    def record(self) -> dict[str, Any]:
        """What the project wrote; {} in a tag that something else has made."""
        try:
            return _record(self.message)
        except ValueError as error:
            raise ProjectError(f"the record in the tag {self.name} is damaged: {error}") from None


def reached(start: Iterable[str], steps: Callable[[str], Iterable[str]]) -> set[str]:
    """Return these names, and all that ``steps`` lead to from them."""
    found, waiting = set[str](), list(start)
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += steps(name)
    return found


def artifact_in_tag(model: str) -> str:
    """Return a model's name as tags have it: GTO puts the folder of a larger repository first."""
    folder = folder_in_repository().rstrip("/")
    return f"{folder}={model}" if folder else model


def references(model: str) -> list[str]:
    """Return the patterns that the tags of a model's versions and stages match."""
    return [f"refs/tags/{artifact_in_tag(model)}{kind}*" for kind in "@#+"]


def read(model: str) -> dict[str, Tag]:
    """Return the tags of a model's versions and stages by their names."""
    values = git("for-each-ref", f"--format={_FORM}", *references(model)).split("\0")
    width = _FORM.count("%00")
    rows = [values[start : start + width] for start in range(0, len(values) - 1, width)]
    claims = _claims([row[1] for row in rows if row[2]])
    found = {}
    for name, oid, commit, called, date, tagger, subject in rows:
        name = name.strip()
        if kind := kind_of(model, name):
            # A lightweight tag is the commit itself.
            by, on = tagger.rsplit(" ", 2)[0], commit or oid
            said = claims.get(oid, {})
            found[name] = Tag(name, oid, on, called, _when(date), by, subject, claims=said, **kind)
    return found


def kind_of(model: str, name: str) -> dict[str, Any]:
    """Return version, or stage and counter, or act and counter, of the name of a model's tag."""
    form = rf"{re.escape(artifact_in_tag(model))}(?:@(v.+)|(?:#(.+?)!?|\+([a-z]+))#([1-9]\d*))"
    parts = re.fullmatch(form, name)
    if parts is None or (parts[1] and not Number.is_valid(parts[1][1:])):
        return {}
    return {"version": parts[1], "stage": parts[2], "act": parts[3], "counter": int(parts[4] or 0)}


def _when(seconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):  # no date, or one that no calendar has
        return datetime.max.replace(tzinfo=UTC)


def _claims(oids: list[str]) -> dict[str, dict[str, Any]]:
    """Return the short values of the record of each tag object, most of them from last time."""
    form = "\n".join(_CLAIMS)  # another version of the library keeps other keys
    kept: dict[str, dict[str, Any]] = recall(_KEPT).get(form, {})
    if new := [oid for oid in oids if oid not in kept]:
        for oid, content in zip(new, objects(new), strict=True):
            text = content.decode(errors="replace")
            try:
                record = _record(text.partition("\n\n")[2])
            except (ValueError, RecursionError):
                record = {}
            kept[oid] = {key: record[key] for key in _CLAIMS if key in record}
            kept[oid] |= {"files": True} if "files" in record else {}
            kept[oid] |= {"signed": True} if SIGNATURE.search(text) else {}
        keep(_KEPT, {form: {oid: kept[oid] for oid in oids}})
    return kept


def read_messages(found: Iterable[Tag]) -> None:
    """Read the messages of many tags by one process; otherwise each is read when it is needed."""
    wanted = [tag for tag in found if "message" not in vars(tag) and tag.oid != tag.commit]
    for tag, content in zip(wanted, objects([tag.oid for tag in wanted]), strict=True):
        vars(tag)["message"] = content.decode(errors="replace").partition("\n\n")[2]


def at(remote: str, model: str) -> dict[str, str]:
    """Return name -> hash of a model's tags at a Git remote."""
    lines = git("ls-remote", "--refs", remote, *references(model)).splitlines()
    listed = (line.split("\t") for line in lines)
    return {reference.removeprefix("refs/tags/"): oid for oid, reference in listed}


def _record(message: str) -> dict[str, Any]:
    start = _start_of_record(message)
    if start == len(message):
        return {}
    record: dict[str, Any] = json.JSONDecoder().raw_decode(message, start)[0]
    return record


def _start_of_record(message: str) -> int:
    """Return where the JSON begins: it is the last line that holds nothing but a brace."""
    start = message.rfind("\n{\n") + 1
    return start if start else 0 if message.startswith("{\n") else len(message)
