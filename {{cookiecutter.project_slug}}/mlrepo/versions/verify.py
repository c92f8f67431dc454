"""Prove that a version is what its tag says: every claim is checked."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import dvc_lock, git
from mlrepo.pipeline.output import findings
from mlrepo.storage.store import Stored, hashes
from mlrepo.versions import tags
from mlrepo.versions.chain import FORMAT
from mlrepo.versions.policy import Settings, Signature, load_settings
from mlrepo.versions.records import old_records
from mlrepo.versions.records.fields import Unknown, compare
from mlrepo.versions.records.kept import Audit
from mlrepo.versions.records.record import Kept, Unread, derive
from mlrepo.versions.registry import Registry, Version, is_number, parse_number

# Fields of a record that say what the tag itself says, or the tags before it.
_OF_TAGS = ("format", "model", "version", "commit", "at", "by", "after", "previous")


@dataclass(frozen=True)
class Proof:
    """What was found of a version.

    Attributes:
        version: which one it is.
        checks: what each check finds wrong.
        signed: who signed it.
        unknown: why some fields of the record were not checked -> their names.
    """

    version: Version
    checks: dict[str, list[str]]
    signed: Signature
    unknown: dict[str, list[str]]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.checks.values())


def verify(model: str, text: str | None, offline: bool) -> Proof:
    """Check a version, the newest unless named; ``offline``: without the remotes of Git and DVC."""
    registry = Registry.load(model)
    version = _asked_for(registry, text)
    settings = load_settings()
    signed = settings.signing.check(version.tag)
    audit, unknown = Audit(everywhere=not offline), defaultdict[str, list[str]](list)
    checks = {
        "tag": _tag(version, registry),
        "signature": _signature(registry, version, signed, settings),
        "history": _history(registry, offline),
        "commit": _commit(model, version, audit, unknown),
        "data and model": _stored(version, audit),
        "this folder": _folder(version),
    }
    return Proof(version, {name: _found(each) for name, each in checks.items()}, signed, unknown)


def doubts(version: Version, registry: Registry) -> list[str]:
    """Return what is wrong with a record, as far as Git alone tells: no file of DVC is read."""
    commit = _commit(registry.model, version, Unread(), defaultdict(list))
    return [*_found(_tag(version, registry)), *_found(commit)]


def _found(check: Iterator[str]) -> list[str]:
    def of_any_shape() -> Iterator[str]:
        try:
            yield from check
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            yield f"its record, or the commit, is not as `model register` leaves it: {error!r}"

    return findings(of_any_shape())


def _asked_for(registry: Registry, text: str | None) -> Version:
    """Return a version also if its tag is not believed: what is wrong with it is the question."""
    if text and is_number(text):
        number = parse_number(text)
        if (name := f"{registry.prefix}@v{number}") in registry.chain.strange:
            return Version(number, tags.read(registry.model)[name])
    return registry.resolve(text) if text else registry.newest()


def _recorded(version: Version) -> dict[str, Any]:
    record = version.tag.record
    if "files" not in record:
        raise ProjectError(f"{version.tag.name} holds no record: `model register` did not make it")
    return record


def _tag(version: Version, registry: Registry) -> Iterator[str]:
    tag, record = version.tag, _recorded(version)
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
    before = registry.version_before(version.number, record["after"])
    if record.get("previous") != before:
        yield f"its record says previous {record.get('previous')!r}, the tags before it {before!r}"


def _signature(
    registry: Registry, version: Version, signed: Signature, settings: Settings
) -> Iterator[str]:
    if signed.is_insufficient(settings.signing.required):
        yield signed.says
    for assignment in registry.assignments:
        if assignment.version == version:
            override = assignment.tag.record.get("override")
            # What was unsigned in a stage before signatures were required is the past.
            is_current = registry.current(assignment.stage) == assignment
            needed = is_current and settings.needs_signature(assignment.stage, override)
            found = settings.signing.check(assignment.tag)
            if found.is_insufficient(needed):
                yield f"{assignment.tag.name}: {found.says}"


def _history(registry: Registry, offline: bool) -> Iterator[str]:
    """Tags that do not fit into the chain, and those that the Git remote has otherwise."""
    for name, why in registry.chain.doubts.items():
        yield f"{name} is not believed: {why}"
    remote = None if offline else git.origin()
    if remote:
        here, there = tags.read(registry.model), tags.at(remote, registry.model)
        for name, tag in here.items():
            if there.get(name) != tag.oid:
                yield f"{remote} has {'another' if name in there else 'no'} {name}"
        if lacking := there.keys() - here.keys():
            yield f"this clone lacks {', '.join(sorted(lacking))}: `git fetch --tags` brings it"


def _commit(
    model: str, version: Version, kept: Kept, unknown: dict[str, list[str]]
) -> Iterator[str]:
    """What a record says besides what the tags around it tell; ``unknown`` takes the rest."""
    record = {key: value for key, value in _recorded(version).items() if key not in _OF_TAGS}
    for name, claim, true in compare(record, derive(model, version.tag.commit, kept)):
        if isinstance(true, Unknown):
            unknown[true.why].append(name)
        else:
            yield f"its record says {name} {claim!r:.300}, the commit {true!r:.300}"


def _stored(version: Version, audit: Audit) -> Iterator[str]:
    for path, entry in _recorded(version)["files"].items():
        if entry["kept_by"] != "dvc":
            continue
        stored, parts = Stored(path, entry["md5"]), old_records.parts(path, entry)
        yield from audit.wrong(stored, entry.get("sha256"))
        for part in audit.store.parts(stored) if "parts" in entry else []:
            yield from audit.wrong(part, parts.get(part.path, {}).get("sha256", "not recorded"))


def _folder(version: Version) -> Iterator[str]:
    """Where this folder is at the commit of the version, what Git does not watch must be its."""
    if git.ask("rev-parse", "HEAD") != version.tag.commit:
        return
    for lock in dvc_lock.paths("HEAD"):
        if not Path(lock).exists() or Path(lock).read_bytes() != git.bytes_at("HEAD", lock):
            yield f"{lock} in this folder is not the committed one: `git diff {lock}` shows it"
    for path, entry in _recorded(version)["files"].items():
        parts = old_records.parts(path, entry) if entry["kept_by"] == "dvc" else {}
        for file, claim in parts.items():
            if Path(file).exists() and hashes(Path(file))["sha256"] != claim["sha256"]:
                yield f"{file} in this folder is not the recorded file"
