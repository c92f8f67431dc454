"""Bring versions into stages, take them back, and mark them bad."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlrepo.core.errors import NotPassedError, ProjectError
from mlrepo.pipeline.output import Tell
from mlrepo.storage.store import Store
from mlrepo.versions import acts, fetch
from mlrepo.versions.gate import verdict as gate
from mlrepo.versions.registry import DEPRECATED, Assignment, Registry, Version
from mlrepo.versions.rules import approvals
from mlrepo.versions.rules.model_files import kept_out
from mlrepo.versions.rules.policy import Stage, in_force


@dataclass(frozen=True)
class Order:
    """How a person wants a stage to change."""

    why: str
    override: str | None  # the reason to go on in spite of the gate or what others have to say
    sign: bool
    tell: Tell


def promote(model: str, text: str, stage: str, order: Order) -> Assignment:
    """Bring a version into a stage, once it has passed what the stage demands."""
    registry = _fetched(model, order)
    settings = in_force().settings
    rules = settings.stage(stage)
    version, last = registry.resolve(text), registry.of(stage)[-1:]
    _refuse_code(rules, version, stage)
    said = _heard(registry, version, stage, order)
    _prove(registry, version, stage, order)
    verdict = None
    if rules.gate:
        order.tell("gate")
        # Of an empty stage the last version: to empty it is no way past the gate.
        verdict = gate.compare(version, last[0].version if last else None, settings.gate)
        order.tell(gate.describe(verdict))
        if not gate.opens(verdict, settings.gate) and not order.override:
            raise NotPassedError(
                f"{version.name} does not pass the gate of '{stage}', which stays as it was: "
                "--override REASON goes on in spite of it, and is recorded"
            )
    return _assign(registry, version, stage, "promote", order, gate=verdict, **said)


def rollback(model: str, stage: str | None, to: str | None, order: Order) -> Assignment:
    """Bring the version back that was in a stage before, or the one that ``to`` names."""
    registry = _fetched(model, order)
    settings = in_force().settings
    stage = stage or settings.last
    rules = settings.stage(stage)
    current = registry.current(stage)
    version = registry.version(to) if to else registry.previous(stage)
    _refuse_code(rules, version, stage)
    order.tell(f"from {current.version.name if current else 'nothing'} back to {version.name}")
    said = _heard(registry, version, stage, order, back=True)
    _prove(registry, version, stage, order)
    return _assign(registry, version, stage, "rollback", order, **said)


def retire(model: str, stage: str, order: Order) -> Assignment:
    """Empty a stage: nothing is in it until the next promotion or rollback."""
    registry = _fetched(model, order)
    current = registry.current(stage)
    if current is None:
        in_force().settings.stage(stage)
        raise ProjectError(f"nothing is in '{stage}'")
    return _assign(registry, current.version, stage, "retire", order)


def deprecate(model: str, text: str, order: Order) -> Assignment:
    """Mark a version bad: no promotion or rollback brings it into a stage from now on."""
    registry = _fetched(model, order)
    version = registry.version(text)
    _refuse_bad(registry, version)
    done = _assign(registry, version, DEPRECATED, "deprecate", order)
    for stage in registry.stages:
        if (current := registry.current(stage)) and current.version == version:
            order.tell(
                f"{version.name} is still in '{stage}': `model rollback {stage} -m WHY`, or "
                f"`model retire {stage} -m WHY`, which empties it"
            )
    return done


def _fetched(model: str, order: Order) -> Registry:
    if not order.why.strip():
        raise ProjectError("say why: -m WHY")
    if order.override is not None and not order.override.strip():
        raise ProjectError("say why it goes on all the same: --override REASON")
    return acts.latest(model, order.tell)


def _refuse_bad(registry: Registry, version: Version) -> None:
    if bad := registry.bad(version):
        raise ProjectError(f"{version.name} is marked bad: {bad.tag.notes}")


def _refuse_code(rules: Stage, version: Version, stage: str) -> None:
    if why := kept_out(rules, version):
        raise ProjectError(
            f"{version.name} may not come into '{stage}': its model file can run code when it is "
            f"loaded ({why}), which refuse_code in versions.yaml keeps out"
        )


def _heard(
    registry: Registry, version: Version, stage: str, order: Order, back: bool = False
) -> dict[str, Any]:
    """Return what the record says of those who approved the version or made it again.

    Raise where there are too few, unless it goes ``back`` to what they had let in.
    """
    policy = in_force()
    count = approvals.counted(registry, policy)
    if back and count.was_in(version, stage):
        return {}
    tally = count.tally(version, stage)
    if tally.lacks and not order.override:
        raise NotPassedError(
            "\n  ".join([f"{version.name} may not come into '{stage}' yet:", *tally.lacks])
            + "\n  --override REASON goes on, and is shown until somebody else approves it"
        )
    for lack in tally.lacks:
        order.tell(f"in spite of this: {lack}")
    return {"policy": policy.named, **tally.record}


def _prove(registry: Registry, version: Version, stage: str, order: Order) -> None:
    """Raise unless the version may come, its bytes are the recorded ones, and they predict."""
    current = registry.current(stage)
    if current and current.version == version:
        raise ProjectError(f"{version.name} is in '{stage}' already")
    _refuse_bad(registry, version)
    with TemporaryDirectory() as folder:
        order.tell(f"check the signature of {version.tag.name}")
        in_force().signers.refuse_bad(version.tag)
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
        **extra,
    }
    name = f"{registry.prefix}#{stage}{'!' * (action == 'retire')}#{registry.highest + 1}"
    rules = in_force().settings.stages.get(stage)
    sign = order.sign or bool(rules and rules.protected and not order.override)
    acts.append(registry, name, version.tag.commit, order.why, record, sign)
    return Registry.load(registry.model).of(stage)[-1]
