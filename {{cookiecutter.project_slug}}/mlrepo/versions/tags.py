"""The tags that hold everything: how they are named, read and written.

The names are GTO's (https://dvc.org/doc/gto/user-guide): ``model@v1.2.0`` is a version and
``model#prod#7`` is the seventh assignment of a version to a stage, so that `gto show`,
`dvc artifacts get` and DVC Studio read them. The message is a person's notes, and below them the
record as JSON. Tags are only ever added.
"""

import json
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from semver import Version as Number

from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic
from mlrepo.pipeline.git import ask, folder_in_repository, git, objects, origin

# What `git for-each-ref` is asked for.
_FORM = (
    "%(refname:strip=2)%00%(objectname)%00%(*objectname)%00%(tag)%00%(creatordate:unix)%00"
    "%(tagger)%00%(contents:subject)%00"
)
# What a list of versions or events needs of the records, which are long. Tags never change, so
# this is kept in Git's folder by their hashes.
_CLAIMS = (
    "format", "model", "version", "stage", "commit", "at", "by", "after", "besides", "action",
    "version_tag",
)  # fmt: skip
_KEPT = "mlrepo-tags.json"


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
    stage: str | None = None  # of an assignment, and its number
    counter: int = 0
    # The short values of the record; {}: it holds none that can be read.
    claims: dict[str, Any] = field(default_factory=dict)

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


def artifact_in_tag(model: str) -> str:
    """Return a model's name as tags have it: GTO puts the folder of a larger repository first."""
    folder = folder_in_repository().rstrip("/")
    return f"{folder}={model}" if folder else model


def references(model: str) -> list[str]:
    """Return the patterns that the tags of a model's versions and stages match."""
    return [f"refs/tags/{artifact_in_tag(model)}{kind}*" for kind in "@#"]


def read(model: str) -> dict[str, Tag]:
    """Return the tags of a model's versions and stages by their names."""
    values = git("for-each-ref", f"--format={_FORM}", *references(model)).split("\0")
    width = _FORM.count("%00")
    rows = [values[start : start + width] for start in range(0, len(values) - 1, width)]
    claims = _claims([row[1] for row in rows if row[2]])
    artifact = re.escape(artifact_in_tag(model))
    form = re.compile(rf"{artifact}(?:@(v.+)|#(.+)#([1-9]\d*))")
    found = {}
    for name, oid, commit, called, date, tagger, subject in rows:
        name = name.strip()
        parts = form.fullmatch(name)
        if parts and (parts[2] or Number.is_valid(parts[1][1:])):
            # A lightweight tag is the commit itself.
            by, on = tagger.rsplit(" ", 2)[0], commit or oid
            facts = (name, oid, on, called, _when(date), by, subject)
            found[name] = Tag(*facts, parts[1], parts[2], int(parts[3] or 0), claims.get(oid, {}))
    return found


def _when(seconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):  # no date, or one that no calendar has
        return datetime.max.replace(tzinfo=UTC)


def _claims(oids: list[str]) -> dict[str, dict[str, Any]]:
    """Return the short values of the record of each tag object, most of them from last time."""
    place = Path(git("rev-parse", "--git-path", _KEPT).strip())
    kept: dict[str, dict[str, Any]] = {}
    with suppress(OSError, ValueError):
        kept = dict(json.loads(place.read_text(encoding="utf-8")))
    if new := [oid for oid in oids if oid not in kept]:
        for oid, content in zip(new, objects(new), strict=True):
            try:
                record = _record(content.decode(errors="replace").partition("\n\n")[2])
            except (ValueError, RecursionError):
                record = {}
            kept[oid] = {key: record[key] for key in _CLAIMS if key in record}
            kept[oid] |= {"files": True} if "files" in record else {}
        with suppress(OSError, ProjectError), atomic(place) as partial:  # it only saves time
            partial.write_text(json.dumps({oid: kept[oid] for oid in oids}), encoding="utf-8")
    return kept


def write(name: str, commit: str, notes: str, record: dict[str, Any], sign: bool) -> None:
    """Add a tag, here and at the Git remote, or leave both as they are.

    The tag is made where nobody sees it. The push is the moment at which it comes to be; of two
    clones that push the same name, the remote takes one. After a kill on either side of that
    moment the next `git fetch` tells what holds.
    """
    # Two who do the same in the same second make two tags, of which the remote takes one.
    record = {**record, "nonce": os.urandom(8).hex()}
    date = datetime.fromisoformat(record["at"])
    oid = _make(name, commit, f"{notes.strip()}\n\n{json.dumps(record, indent=1)}\n", date, sign)
    if remote := origin():
        _push(oid, name, remote)
    _keep(oid, name)


def fetch(model: str) -> None:
    """Take over the tags of a model from the Git remote, if there is one."""
    remote = origin()
    if remote is None:
        return
    wanted = [f"{each}:{each}" for each in references(model)]
    try:
        # Not with --quiet, which keeps the names of rejected tags back.
        git("fetch", "--no-tags", remote, *wanted)
    except ProjectError as error:
        if changed := re.findall(r"\[rejected\] +(\S+)", str(error)):
            raise ProjectError(
                f"{', '.join(changed)} differs here and at {remote}: somebody has made the tag "
                f"again. `git ls-remote --tags {remote}` and `git show-ref --tags` show both"
            ) from None
        raise ProjectError(f"{error}\n  Nothing has changed: try again later.") from None


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


def _make(name: str, commit: str, message: str, date: datetime, sign: bool) -> str:
    """Return the hash of a new tag that no reference names yet."""
    absolute = ("rev-parse", "--path-format=absolute", "--git-path")
    objects, config = (git(*absolute, name).strip() for name in ("objects", "config"))
    with tempfile.TemporaryDirectory() as scratch:
        git("init", "--quiet", "--bare", "--template=", scratch)
        kind = ["--sign"] if sign else ["--annotate"]
        command = ["-c", f"include.path={config}", "tag", *kind, "--cleanup=verbatim", "--file=-"]
        there = {"GIT_DIR": scratch, "GIT_OBJECT_DIRECTORY": objects}
        stamp = {"GIT_COMMITTER_DATE": f"{int(date.timestamp())} +0000"}
        try:
            git(*command, name, commit, given=message, **there, **stamp)
        except ProjectError as error:
            said = str(error).partition(" failed: ")[2]
            raise ProjectError(f"the tag {name} was not made: {said}") from None
        return git("rev-parse", f"refs/tags/{name}", **there).strip()


def _push(oid: str, name: str, remote: str) -> None:
    reference = f"refs/tags/{name}"
    try:
        # Without the hook pre-push: that data and model are at DVC's remote was checked before.
        git("push", "--quiet", "--no-verify", remote, f"{oid}:{reference}")
    except ProjectError as error:
        answer = ask("ls-remote", remote, reference)
        if answer is None:
            raise ProjectError(
                f"{error}\n  Nothing has changed here. Whether {remote} took {name} is not known: "
                "when it answers again, `git fetch --tags` and `model history` tell"
            ) from None
        there = answer.split("\t")[0]
        if there == oid:  # the answer got lost, not the push
            return
        if there:
            raise _taken(name, remote) from None
        raise ProjectError(f"{error}\n  Nothing has changed, here or there.") from None


def _keep(oid: str, name: str) -> None:
    reference = f"refs/tags/{name}"
    try:
        git("update-ref", reference, oid, "0" * 40)
    except ProjectError:
        here = ask("rev-parse", "--verify", "--quiet", reference)
        if here == oid:  # a fetch that ran beside this brought it
            return
        if here:
            raise _taken(name, "this repository") from None
        raise


def _taken(name: str, place: str) -> ProjectError:
    return ProjectError(
        f"somebody else was first: {place} has a {name} already. Nothing has changed here; look "
        "at `model history` and decide again"
    )
