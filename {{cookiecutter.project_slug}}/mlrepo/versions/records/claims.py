"""What a record says, field by field, held against the tags around it and against its commit.

What only the moment of the registration could tell is in `OBSERVED`, and all else is compared.
docs/auditors.md lists the fields.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.pipeline.output import findings
from mlrepo.versions.chain import FORMAT
from mlrepo.versions.records.kept import Kept, Node, Unknown
from mlrepo.versions.records.record import derive
from mlrepo.versions.registry import Registry, Version
from mlrepo.versions.rules import PATH

# Fields of a record that say what the tag itself says, or the tags before it.
OF_TAGS: Final = (
    "format", "model", "version", "commit", "at", "by", "after", "previous", "policy",
)  # fmt: skip
# Facts of a machine, a moment and a measurement, which no later look can derive again.
_MACHINE: Final = ("architecture", "cores", "numerics", "system", "threads")
OBSERVED: Final = {
    *(("gate",), ("besides",), ("nonce",)),
    *(("environment", "registered_on", fact) for fact in _MACHINE),
    ("environment", "ci"),
    ("data", "rows_in_train_and_test"),  # of earlier releases; metrics/prepare.json has the like
}


def recorded(version: Version) -> Node:
    """Return the record of a version; refuse a tag that holds none."""
    record = version.tag.record
    if "files" not in record:
        raise ProjectError(f"{version.tag.name} holds no record: `model register` did not make it")
    return record


def of_tags(version: Version, registry: Registry) -> Iterator[str]:
    """Yield what is other in the tag itself, or in those before it."""
    tag, record = version.tag, recorded(version)
    claims = {
        "format": FORMAT,
        "model": registry.model,
        "version": version.name,
        "commit": tag.commit,
        "at": tag.date.isoformat(),
        "by": tag.by,
    }
    for key, true in claims.items():
        if record.get(key) != true:
            yield f"its record says {key} {record.get(key)!r}, the tag itself {true!r}"
    yield from _policy(record.get("policy"))
    before = registry.version_before(version.number, record["after"])
    if record.get("previous") != before:
        yield f"its record says previous {record.get('previous')!r}, the tags before it {before!r}"


def _policy(claim: Node | None) -> Iterator[str]:
    """Hold the rules that a record names against the commit that it names for them."""
    if claim is None:  # as in earlier releases
        return
    try:
        true = sha256(git.bytes_at(claim["commit"], str(PATH))).hexdigest()
    except ProjectError:
        yield f"its record says policy.commit {claim['commit']!r}, which has no {PATH}"
        return
    if claim["sha256"] != true:
        yield f"its record says policy.sha256 {claim['sha256']!r}, {PATH} there has {true!r}"


def of_commit(
    model: str, version: Version, kept: Kept, unknown: dict[str, list[str]]
) -> Iterator[str]:
    """Yield what is other in the commit; ``unknown`` takes, by the reason, what cannot be told."""
    record = {key: value for key, value in recorded(version).items() if key not in OF_TAGS}
    for name, claim, true in compare(record, derive(model, version.tag.commit, kept)):
        if isinstance(true, Unknown):
            unknown[true.why].append(name)
        else:
            yield f"its record says {name} {claim!r:.300}, the commit {true!r:.300}"


def compare(record: Node, derived: Node) -> Iterator[tuple[str, Any, Any]]:
    """Yield the name of each field that differs, with its value in the record and as derived.

    That is an `Unknown` where it cannot be derived here; what is not there is None.
    """
    # The last part of the number is of the machine that registered it.
    environment = record.get("environment")
    if isinstance(environment, dict) and isinstance(environment.get("python"), str):
        minor = ".".join(environment["python"].split(".")[:2])
        record = {**record, "environment": {**environment, "python": minor}}
    yield from _compare((), record, derived)


def _compare(place: tuple[str, ...], claim: Any, true: Any) -> Iterator[tuple[str, Any, Any]]:
    if place in OBSERVED:
        return
    if isinstance(claim, dict) and isinstance(true, dict):
        for key in dict.fromkeys([*true, *claim]):
            yield from _compare((*place, key), claim.get(key), true.get(key))
    elif isinstance(true, Unknown) or _text(claim) != _text(true):
        yield ".".join(place), claim, true


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def doubts(version: Version, registry: Registry) -> list[str]:
    """Return what is wrong with a record, as far as Git alone tells: no file of DVC is read."""
    commit = of_commit(registry.model, version, Kept(), defaultdict(list))
    return [*found(of_tags(version, registry)), *found(commit)]


def found(check: Iterator[str]) -> list[str]:
    """Return what a check finds wrong, whatever a tag holds that was made by hand."""

    def of_any_shape() -> Iterator[str]:
        try:
            yield from check
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            yield f"its record, or the commit, is not as `model register` leaves it: {error!r}"

    return findings(of_any_shape())
