"""Prove that a version is what its tag says: every claim is checked."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from mlrepo.core.errors.shell import quoted
from mlrepo.pipeline import dvc_lock, git
from mlrepo.storage.store import Store, Stored, hashes
from mlrepo.versions import tags
from mlrepo.versions.records import claims, old_records
from mlrepo.versions.records.kept import Kept
from mlrepo.versions.registry import DEPRECATED, Act, Assignment, Registry, Version
from mlrepo.versions.rules import approvals, past
from mlrepo.versions.rules.policy import Policy, in_force
from mlrepo.versions.rules.signatures import Signature
from mlrepo.versions.rules.states import State, emergencies
from mlrepo.versions.version_numbers import is_number, parse_number


class Proof(NamedTuple):
    """A version, what each check finds wrong, who signed it, and why some fields are unknown."""

    version: Version
    checks: dict[str, list[str]]
    signed: Signature
    unknown: dict[str, list[str]]  # the reason -> their names
    emergencies: list[State]  # what was done past the rules, and nobody else has approved since


def verify(model: str, text: str | None, offline: bool) -> Proof:
    """Check a version, the newest unless named; ``offline``: without the remotes of Git and DVC."""
    registry = Registry.load(model)
    version = _asked_for(registry, text)
    policy = in_force()
    signed = policy.signers.check(version.tag)
    kept, unknown = Kept(Store(), everywhere=not offline), defaultdict[str, list[str]](list)
    checks = {
        "tag": claims.of_tags(version, registry),
        "signature": _signature(registry, version, signed, policy),
        "history": _history(registry, version, offline),
        "commit": claims.of_commit(model, version, kept, unknown),
        "data and model": _stored(version, kept),
        "this folder": _folder(version),
    }
    found = {name: claims.found(each) for name, each in checks.items()}
    open_yet = emergencies(approvals.counted(registry, policy), version)
    return Proof(version, found, signed, unknown, open_yet)


def _asked_for(registry: Registry, text: str | None) -> Version:
    """Return a version also if its tag is not believed: what is wrong with it is the question."""
    if text and is_number(text):
        number = parse_number(text)
        if (name := f"{registry.prefix}@v{number}") in registry.chain.strange:
            return Version(number, tags.read(registry.model)[name])
    return registry.resolve(text) if text else registry.newest()


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


def _history(registry: Registry, version: Version, offline: bool) -> Iterator[str]:
    """Tags that do not fit into the chain or its rules, or that the Git remote has otherwise."""
    for name, why in registry.chain.doubts.items():
        yield f"{name} is not believed: {why}"
    for done in registry.assignments:
        if done.version == version and done.stage != DEPRECATED:
            for lack in past.lacked(registry, done):
                yield f"{done.tag.name} came in without what its stage asked for: {lack}"
    remote = None if offline else git.origin()
    if remote:
        here, there = tags.read(registry.model), tags.at(remote, registry.model)
        for name, tag in here.items():
            if there.get(name) != tag.oid:
                fix = f": `git push {remote} {quote(name)}` sends it"
                sent = "" if name in there or name in registry.chain.strange else fix
                yield f"{remote} has {'another' if name in there else 'no'} {name}{sent}"
        if lacking := there.keys() - here.keys():
            yield f"this clone lacks {', '.join(sorted(lacking))}: `git fetch --tags` brings it"


def _stored(version: Version, kept: Kept) -> Iterator[str]:
    for path, entry in claims.recorded(version)["files"].items():
        if entry["kept_by"] != "dvc":
            continue
        stored, parts = Stored(path, entry["md5"]), old_records.parts(path, entry)
        yield from kept.wrong(stored, entry.get("sha256"))
        for part in kept.parts(stored) if "parts" in entry else []:
            yield from kept.wrong(part, parts.get(part.path, {}).get("sha256", "not recorded"))


def _folder(version: Version) -> Iterator[str]:
    """Where this folder is at the commit of the version, what Git does not watch must be its."""
    if git.ask("rev-parse", "HEAD") != version.tag.commit:
        return
    for lock in dvc_lock.paths("HEAD"):
        if not Path(lock).exists() or Path(lock).read_bytes() != git.bytes_at("HEAD", lock):
            shows = f"`git diff {quoted(lock)}` shows it"
            yield f"{lock} in this folder is not the committed one: {shows}"
    for path, entry in claims.recorded(version)["files"].items():
        parts = old_records.parts(path, entry) if entry["kept_by"] == "dvc" else {}
        for file, claim in parts.items():
            if Path(file).exists() and hashes(Path(file))["sha256"] != claim["sha256"]:
                back = f"`dvc checkout --force {quoted(path)}` brings DVC's back"
                yield f"{file} in this folder is not the recorded file: {back}"
