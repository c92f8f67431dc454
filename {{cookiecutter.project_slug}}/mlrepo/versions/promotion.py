"""Bring versions into stages, take them back, and mark them bad."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.pipeline.output import Tell
from mlrepo.storage.store import Store
from mlrepo.versions import fetch, tags
from mlrepo.versions.gate import verdict as gate
from mlrepo.versions.policy import in_force, load_settings
from mlrepo.versions.registry import DEPRECATED, Assignment, Registry, Version


@dataclass(frozen=True)
class Order:
    """How a person wants a stage to change."""

    why: str
    override: str | None  # the reason to go on in spite of the gate or a missing signature
    sign: bool
    tell: Tell


def promote(model: str, text: str, stage: str, order: Order) -> Assignment:
    """Bring a version into a stage, once it has passed what the stage demands."""
    settings = load_settings()
    rules = settings.stage(stage)
    registry = _fetched(model, order)
    version, current = registry.resolve(text), registry.current(stage)
    _prove(registry, version, stage, order)
    verdict = None
    if rules.gate:
        order.tell("gate")
        verdict = gate.compare(version, current.version if current else None, settings.gate)
        order.tell(gate.describe(verdict))
        if not gate.opens(verdict, settings.gate) and not order.override:
            raise ProjectError(
                f"{version.name} does not pass the gate of '{stage}', which stays as it was: "
                "--override REASON goes on in spite of it, and is recorded"
            )
    return _assign(registry, version, stage, "promote", order, gate=verdict)


def rollback(model: str, stage: str | None, to: str | None, order: Order) -> Assignment:
    """Bring the version back that was in a stage before, or the one that ``to`` names."""
    settings = load_settings()
    stage = stage or settings.last
    settings.stage(stage)
    registry = _fetched(model, order)
    current = registry.current(stage)
    version = registry.version(to) if to else registry.previous(stage)
    order.tell(f"from {current.version.name if current else 'nothing'} back to {version.name}")
    _prove(registry, version, stage, order)
    return _assign(registry, version, stage, "rollback", order)


def deprecate(model: str, text: str, order: Order) -> Assignment:
    """Mark a version bad: no promotion or rollback brings it into a stage from now on."""
    registry = _fetched(model, order)
    version = registry.version(text)
    _refuse_bad(registry, version)
    done = _assign(registry, version, DEPRECATED, "deprecate", order)
    for stage in registry.stages:
        if (current := registry.current(stage)) and current.version == version:
            order.tell(f"{version.name} is still in '{stage}': `model rollback {stage} -m WHY`")
    return done


def _fetched(model: str, order: Order) -> Registry:
    if not order.why.strip():
        raise ProjectError("say why: -m WHY")
    if order.override is not None and not order.override.strip():
        raise ProjectError("say why it goes on all the same: --override REASON")
    in_force()
    remote = git.origin()
    here = "no Git remote: the tags of this clone count"
    order.tell(f"fetch the tags of {remote}" if remote else here)
    tags.fetch(model)
    registry = Registry.load(model)
    for name, why in registry.chain.doubts.items():
        order.tell(f"{name} is not believed: {why}")
    return registry


def _refuse_bad(registry: Registry, version: Version) -> None:
    if bad := registry.bad(version):
        raise ProjectError(f"{version.name} is marked bad: {bad.tag.notes}")


def _prove(registry: Registry, version: Version, stage: str, order: Order) -> None:
    """Raise unless the version may come, its bytes are the recorded ones, and they predict."""
    current = registry.current(stage)
    if current and current.version == version:
        raise ProjectError(f"{version.name} is in '{stage}' already")
    _refuse_bad(registry, version)
    with TemporaryDirectory() as folder:
        order.tell(f"check the signature of {version.tag.name}")
        load_settings().signing.refuse_bad(version.tag)
        order.tell(f"download {version.name} and compare its SHA-256")
        store = Store()
        fetch.fetch(version, Path(folder), store)
        order.tell("load it and predict")
        fetch.try_out(version, Path(folder), store)


def _assign(
    registry: Registry, version: Version, stage: str, action: str, order: Order, **extra: Any
) -> Assignment:
    current = registry.current(stage)
    record = {
        **registry.head(version.name),
        "action": action,
        "stage": stage,
        "from": current.version.name if current else None,
        "version_tag": version.tag.oid,
        "override": order.override,
        "policy": in_force(),
        **extra,
    }
    name = f"{registry.prefix}#{stage}#{registry.highest + 1}"
    registry.refuse_news()
    sign = order.sign or load_settings().needs_signature(stage, order.override)
    tags.write(name, version.tag.commit, order.why, record, sign)
    return Registry.load(registry.model).of(stage)[-1]
