"""Prove that a version is what its tag says: every claim is checked."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import dvc_files, dvc_lock, git
from mlrepo.pipeline.dvc_lock import LOCK
from mlrepo.pipeline.output import findings
from mlrepo.storage.store import Store, Stored, hashes
from mlrepo.versions import tags
from mlrepo.versions.records import old_records
from mlrepo.versions.registry import Act, Assignment, Registry, Version
from mlrepo.versions.rules.policy import Policy, in_force
from mlrepo.versions.rules.signatures import Signature
from mlrepo.versions.version_numbers import is_number, parse_number


def verify(
    model: str, text: str | None, offline: bool
) -> tuple[Version, dict[str, list[str]], Signature]:
    """Return a version, the newest unless named, what each check finds wrong, and who signed it.

    ``offline`` leaves out the Git remote and DVC's remote.
    """
    registry = Registry.load(model)
    version = _asked_for(registry, text)
    policy = in_force()
    signed = policy.signers.check(version.tag)
    checks = {
        "tag": _tag(version, model),
        "signature": _signature(registry, version, signed, policy),
        "history": _history(registry, offline),
        "commit": _commit(version),
        "data and model": _stored(version, offline),
        "this folder": _folder(version),
    }
    return version, {name: findings(found) for name, found in checks.items()}, signed


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


def _tag(version: Version, model: str) -> Iterator[str]:
    tag, record = version.tag, _recorded(version)
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
    registry: Registry, version: Version, signed: Signature, policy: Policy
) -> Iterator[str]:
    """Where a signature is asked of all, the chain says who lacks one."""
    if signed.state == "bad":
        yield signed.says
    for said in registry.events:
        if said.version == version:
            found = policy.signers.check(said.tag)
            if found.state == "bad" or (found.state == "none" and _lacks(said, registry, policy)):
                yield f"{said.tag.name}: {found.says}"


def _lacks(said: Assignment | Act, registry: Registry, policy: Policy) -> bool:
    """Return whether a tag needs a signature for what is in a protected stage now."""
    if isinstance(said, Act) or registry.current(said.stage) != said:
        return False
    rules = policy.settings.stages.get(said.stage)
    return bool(rules and rules.protected and not said.tag.record.get("override"))


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


def _commit(version: Version) -> Iterator[str]:
    record, commit = _recorded(version), version.tag.commit
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
    for path, entry in _recorded(version)["files"].items():
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
    for path, entry in _recorded(version)["files"].items():
        parts = old_records.parts(path, entry) if entry["kept_by"] == "dvc" else {}
        for file, claim in parts.items():
            if Path(file).exists() and hashes(Path(file))["sha256"] != claim["sha256"]:
                yield f"{file} in this folder is not the recorded file"
