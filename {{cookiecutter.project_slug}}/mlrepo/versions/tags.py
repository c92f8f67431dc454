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
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.git import ask, folder_in_repository, git, origin

# What `git for-each-ref` is asked for, and at the end the text, which is long.
_FORM = (
    "%(refname:strip=2)%00%(objectname)%00%(*objectname)%00%(tag)%00%(creatordate:unix)%00"
    "%(tagger)%00%(contents:subject)%00"
)
_TEXT = "%(contents)%00"


@dataclass(frozen=True)
class Tag:
    """One annotated tag; ``oid`` is the hash of the tag itself, ``commit`` what it is set on."""

    name: str
    oid: str
    commit: str
    called: str  # its name as its own bytes have it, which a signature covers
    date: datetime
    by: str
    subject: str  # the first lines, up to an empty one
    text: str | None  # notes, record and signature; None: not read yet

    @cached_property
    def message(self) -> str:
        """Notes, record and signature as they stand in the tag."""
        if self.text is None:
            return git("cat-file", "tag", self.oid).partition("\n\n")[2]
        return self.text

    @property
    def notes(self) -> str:
        """What a person wrote."""
        return self.message[: _start_of_record(self.message)].strip()

    @cached_property
    def record(self) -> dict[str, Any]:
        """What the project wrote; {} in a tag that something else has made."""
        start = _start_of_record(self.message)
        if start == len(self.message):
            return {}
        try:
            record: dict[str, Any] = json.JSONDecoder().raw_decode(self.message, start)[0]
        except ValueError as error:
            raise ProjectError(f"the record in the tag {self.name} is damaged: {error}") from None
        return record


def artifact_in_tag(model: str) -> str:
    """Return a model's name as tags have it: GTO puts the folder of a larger repository first."""
    folder = folder_in_repository().rstrip("/")
    return f"{folder}={model}" if folder else model


def references(model: str, kinds: str = "@#") -> list[str]:
    """Return the patterns that a model's tags match, by their kinds: see `read`."""
    return [f"refs/tags/{artifact_in_tag(model)}{kind}*" for kind in kinds]


def read(model: str, kinds: str, text: bool) -> Iterator[Tag]:
    """Yield the tags of a model's versions (@), of its stages (#) or of both (@#).

    Without ``text`` a tag reads its message when it is asked for it.
    """
    form = _FORM + _TEXT if text else _FORM
    sort = "--sort=version:refname"  # nearly their order, in which Python then sorts them fast
    values = git("for-each-ref", sort, f"--format={form}", *references(model, kinds)).split("\0")
    width = form.count("%00")
    for start in range(0, len(values) - 1, width):
        fields = values[start : start + width]
        name, oid, commit, called, date, tagger, subject, *message = fields
        when = datetime.fromtimestamp(int(date), UTC)
        # A lightweight tag is the commit itself: it has no text of its own.
        known = None if commit and not message else "".join(message) if commit else ""
        by = tagger.rsplit(" ", 2)[0]
        yield Tag(name.strip(), oid, commit or oid, called, when, by, subject, known)


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
