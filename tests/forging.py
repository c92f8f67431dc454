"""Runs in a project: forges fields of a version's record, each alone, and prints what is found.

The tag is made again with the right name, date and person, so that the tags around it do not tell.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from mlrepo.pipeline import git
from mlrepo.storage.store import Store
from mlrepo.versions import tags, verify
from mlrepo.versions.records import claims
from mlrepo.versions.records.claims import compare
from mlrepo.versions.records.kept import Kept, Unknown
from mlrepo.versions.records.record import derive
from mlrepo.versions.registry import Registry

NAME = "model@v1.2.0"


def changed(node: Any, place: list[str], new: Callable[[Any], Any]) -> Any:
    """Return a record with another value at a place; ``new`` makes it of the old one."""
    if not place:
        return new(node)
    return {**node, place[0]: changed(node[place[0]], place[1:], new)}


def forged(value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"9{value}"
    return [*value, "x"] if isinstance(value, list) else "x"


def put(head: str, record: Any) -> None:
    """Let the tag hold a record."""
    content = f"{head}\n{json.dumps(record, indent=1)}\n"
    oid = git.git("hash-object", "-t", "tag", "-w", "--stdin", given=content).strip()
    git.git("update-ref", f"refs/tags/{NAME}", oid)


def found() -> dict[str, list[str]]:
    """Return what each check of `model verify --offline` finds wrong."""
    return verify.verify("model", "v1.2", offline=True).checks


def skipping(place: list[str], claim: Any) -> dict[str, list[str]]:
    """Return the same where one field is compared with nothing."""
    if place == ["previous"]:
        with patch.object(Registry, "version_before", lambda *_: claim):
            return found()

    def without(*arguments: Any) -> Any:
        return changed(derive(*arguments), place, lambda _: Unknown("skipped"))

    with patch.object(claims, "derive", without):
        return found()


def differing(record: Any, derived: Any) -> list[str]:
    """Return the names of the fields that are compared, and differ."""
    return [name for name, _, true in compare(record, derived) if not isinstance(true, Unknown)]


def main(asked: list[list[str]], every: list[list[str]]) -> dict[str, Any]:
    """Forge the fields ``asked`` in the tag itself, and ``every`` one in memory."""
    record = tags.read("model")[NAME].record
    head = git.git("cat-file", "tag", NAME).partition("\n{\n")[0]
    said: dict[str, Any] = {"in_the_tag": {}, "in_memory": {}}
    for place in asked:
        other = changed(record, place, forged)
        put(head, other)
        of_it = said["in_the_tag"][".".join(place)] = {"found": found()}
        if of_it["found"]["commit"] or place == ["previous"]:
            of_it["skipped"] = skipping(place, other.get("previous"))
    put(head, record)
    body = {key: value for key, value in record.items() if key not in claims.OF_TAGS}
    derived = derive("model", record["commit"], Kept(Store()))
    said["as_it_is"] = differing(body, derived)
    said["one_more"] = differing({**body, "approved": True}, derived)
    said["one_less"] = {key: differing({**body, key: None}, derived) for key in derived}
    for place in every:
        if place[0] not in claims.OF_TAGS:
            forgery, name = changed(body, place, forged), ".".join(place)
            said["in_memory"][name] = differing(forgery, derived)
    return said


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
