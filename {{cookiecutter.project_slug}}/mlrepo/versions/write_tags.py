"""Make tags and share them through the Git remote."""

import json
import os
import re
import tempfile
from collections.abc import Callable
from datetime import datetime
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.git import ask, default_branch, git, origin
from mlrepo.versions.tags import Tag, at, kind_of, reached, read, references

SET_KEY = "`git config gpg.format ssh` and `git config user.signingKey ~/.ssh/id_ed25519.pub`"


def write(
    name: str,
    commit: str,
    notes: str,
    record: dict[str, Any],
    sign: bool,
    check: Callable[[Tag], None],
) -> None:
    """Add a tag, here and at the Git remote, or leave both as they are.

    The tag is made where nobody sees it. The push is the moment at which it comes to be; of two
    clones that push the same name, the remote takes one. With it go the tags of its chain that the
    remote lacks, as those made before there was a remote: without them nobody believes it. After a
    kill on either side of that moment the next `git fetch` tells what holds.

    Args:
        name: of the tag.
        commit: what it is set on.
        notes: what a person says.
        record: what the project says.
        sign: sign it also where Git's settings do not ask for it.
        check: raises a ProjectError if the signature of the tag, which nobody has seen yet, would
            not count.
    """
    # Two who do the same in the same second make two tags, of which the remote takes one.
    record = {**record, "nonce": os.urandom(8).hex()}
    date = datetime.fromisoformat(record["at"])
    oid = _make(name, commit, f"{notes.strip()}\n\n{json.dumps(record, indent=1)}\n", date, sign)
    kind = kind_of(record["model"], name)
    check(Tag(name, oid, commit, name, date, record["by"], notes, claims=record, **kind))
    if remote := origin():
        _push(oid, name, remote, _lacking(remote, record))
    _keep(oid, name)


def fetch(model: str) -> None:
    """Take over a model's tags and the default branch of the Git remote, if there is one."""
    remote = origin()
    if remote is None:
        return
    wanted = [f"{each}:{each}" for each in references(model)]
    if branch := default_branch(remote):
        wanted.append(f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}")
    try:
        # Not with --quiet, which keeps the names of rejected tags back.
        git("fetch", "--no-tags", remote, *wanted)
    except ProjectError as error:
        if changed := re.findall(r"\[rejected\] +(\S+)", str(error)):
            raise ProjectError(
                f"{', '.join(changed)} differs here and at {remote}: somebody has made the tag "
                f"again. `git ls-remote --tags {remote}` and `git show-ref --tags` show both"
            ) from None
        if branch and f"find remote ref refs/heads/{branch}" in str(error):
            raise ProjectError(
                f"{remote} has no branch {branch} any more: `git remote set-head {remote} --auto` "
                "asks which one is the default now"
            ) from None
        raise ProjectError(f"{error}\n  Nothing has changed: try again later.") from None


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
            said = str(error).partition(" failed: ")[2].replace("error: ", "")
            fix = f"\n  To sign with an SSH key: {SET_KEY}" if "sign" in said else ""
            raise ProjectError(f"the tag {name} was not made: {said}{fix}") from None
        return git("rev-parse", f"refs/tags/{name}", **there).strip()


def _lacking(remote: str, record: dict[str, Any]) -> list[str]:
    """Return the tags here to which a record leads, and which are not at the Git remote."""
    here, there = read(record["model"]), at(remote, record["model"])
    before = reached(record["after"], lambda name: here[name].claims["after"])
    return [f"{here[name].oid}:refs/tags/{name}" for name in sorted(before - there.keys())]


def _push(oid: str, name: str, remote: str, before: list[str]) -> None:
    reference = f"refs/tags/{name}"
    all_or_none = ["--atomic"] if before else []  # which not all remotes know
    try:
        # Without the hook pre-push: that data and model are at DVC's remote was checked before.
        git("push", "--quiet", "--no-verify", *all_or_none, remote, *before, f"{oid}:{reference}")
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
