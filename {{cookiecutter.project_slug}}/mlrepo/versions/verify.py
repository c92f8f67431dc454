"""Prove that a version is what its tag says: every claim is checked."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from mlrepo.pipeline import dvc_files, dvc_lock, git
from mlrepo.pipeline.dvc_lock import LOCK
from mlrepo.pipeline.output import findings
from mlrepo.storage.store import Store, Stored, hashes
from mlrepo.versions import old_records, tags
from mlrepo.versions.policy import Settings, Signature, load_settings
from mlrepo.versions.registry import Registry, Version, recorded


def verify(
    model: str, text: str | None, offline: bool
) -> tuple[Version, dict[str, list[str]], Signature]:
    """Return a version, the newest unless named, what each check finds wrong, and who signed it.

    ``offline`` leaves out the Git remote and DVC's remote.
    """
    registry = Registry.load(model)
    version = registry.resolve(text) if text else registry.newest()
    settings = load_settings()
    signed = settings.signing.check(version.tag)
    checks = {
        "tag": _tag(version, model),
        "signature": _signature(registry, version, signed, settings),
        "history": _history(registry, version, offline),
        "commit": _commit(version),
        "data and model": _stored(version, offline),
        "this folder": _folder(version),
    }
    return version, {name: findings(found) for name, found in checks.items()}, signed


def _tag(version: Version, model: str) -> Iterator[str]:
    tag, record = version.tag, recorded(version)
    claims = {
        "model": model,
        "version": version.name,
        "commit": tag.commit,
        "at": tag.date.isoformat(),
        "by": tag.by,
    }
    for key, true in claims.items():
        if record.get(key) != true:
            yield f"its record says {key} {record.get(key)!r}, the tag itself {true!r}"


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


def _history(registry: Registry, version: Version, offline: bool) -> Iterator[str]:
    """Each tag names the hash of the tag before it, so that none is changed or left out unseen.

    The Git remote tells whether the last one is the one that was pushed.
    """
    all_tags = list(tags.read(registry.model, "@#", text=True))
    known = {tag.name: tag.oid for tag in all_tags}
    for tag in all_tags:
        claims = dict(tag.record.get("after", {}))
        if tag.commit == version.tag.commit and "version_tag" in tag.record:
            claims[version.tag.name] = tag.record["version_tag"]
        for name, oid in claims.items():
            if known.get(name) != oid:
                now = "another" if name in known else "gone"
                yield f"{name} was there when {tag.name} was made, and is {now} now"
    for assignment in registry.assignments:
        meant = assignment.tag.record.get("version", assignment.version.name)
        if meant != assignment.version.name:
            yield f"{assignment.tag.name} is about {meant} and set on {assignment.version.name}"
    for number in sorted(set(range(1, registry.next_counter())) - registry.counters):
        yield f"the assignment number {number} is gone"
    for name in registry.strange:
        yield f"{name} is set on a commit that has no version"
    remote = None if offline else git.origin()
    if remote:
        there = tags.at(remote, registry.model)
        for name, oid in known.items():
            if there.get(name) != oid:
                yield f"{remote} has {'another' if name in there else 'no'} {name}"


def _commit(version: Version) -> Iterator[str]:
    record, commit = recorded(version), version.tag.commit
    lineage = dvc_lock.Lineage.of(record["model"], record["artifact"]["path"], dvc_lock.at(commit))
    if lineage.files() != {(path, entry["md5"]) for path, entry in record["files"].items()}:
        yield f"{LOCK} of the commit has other files than the record"
    for name, stage in lineage.stages.items():
        claim = record["stages"].get(name, {})
        if (claim.get("cmd"), claim.get("params")) != (stage["cmd"], stage.get("params", {})):
            yield f"{LOCK} of the commit has another command or other params for {name}"
        if claim.get("datasets", {}) != dvc_lock.datasets(stage):
            yield f"{LOCK} of the commit pins other data in a bucket for {name}"
    lock = record["environment"]["lock"]
    by_git = {(lock["path"], lock["sha256"])}
    for path, entry in record["files"].items():
        if entry["kept_by"] == "git":
            parts = old_records.parts(path, entry)
            by_git |= {(file, claim["sha256"]) for file, claim in parts.items()}
            listed = {name: part["md5"] for name, part in entry.get("parts", {}).items()}
            if listed and dvc_files.of_folder(listed) != entry["md5"]:
                yield f"the record has other files in {path} than {LOCK} of the commit"
    for path, sha256 in sorted(by_git):
        if hashlib.sha256(git.bytes_at(commit, path)).hexdigest() != sha256:
            yield f"{path} of the commit is not the recorded file"
    for path, content in record["metrics"].items():
        if json.loads(git.file_at(commit, path)) != content:
            yield f"the record has other metrics than {path} of the commit"


def _stored(version: Version, offline: bool) -> Iterator[str]:
    store = Store()
    for path, entry in recorded(version)["files"].items():
        if entry["kept_by"] != "dvc":
            continue
        stored, parts = Stored(path, entry["md5"]), old_records.parts(path, entry)
        yield from store.audit(stored, entry.get("sha256"), everywhere=not offline)
        for part in store.parts(stored) if "parts" in entry else []:
            sha256 = parts.get(part.path, {}).get("sha256", "not recorded")
            yield from store.audit(part, sha256, everywhere=not offline)


def _folder(version: Version) -> Iterator[str]:
    """Where this folder is at the commit of the version, what Git does not watch must be its."""
    if git.ask("rev-parse", "HEAD") != version.tag.commit:
        return
    for lock in dvc_lock.paths("HEAD"):
        if not Path(lock).exists() or Path(lock).read_bytes() != git.bytes_at("HEAD", lock):
            yield f"{lock} in this folder is not the committed one: `git diff {lock}` shows it"
    for path, entry in recorded(version)["files"].items():
        parts = old_records.parts(path, entry) if entry["kept_by"] == "dvc" else {}
        for file, claim in parts.items():
            if Path(file).exists() and hashes(Path(file))["sha256"] != claim["sha256"]:
                yield f"{file} in this folder is not the recorded file"
