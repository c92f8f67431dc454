"""Bring versions into stages, take them back, and mark them bad."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .. import git
from ..errors import ProjectError
from ..gate import verdict as gate
from ..output import Tell
from ..settings import Settings, load_settings
from . import deliver, signatures, tags
from .registry import DEPRECATED, Assignment, Registry, Version


def promote(
    model: str, text: str, stage: str, why: str, override: str | None, sign: bool, tell: Tell
) -> Assignment:
    """Bring a version into a stage, once it has passed what the stage demands.

    ``override`` is the reason to do so in spite of the gate or a missing signature.

    Raises:
        ProjectError: with what is in the way; the stage stays as it was.
    """
    settings = load_settings()
    rules = settings.stage(stage)
    registry = _fetched(model, tell)
    version, current = registry.resolve(text), registry.current(stage)
    _refuse_unfit(registry, version, stage)
    with TemporaryDirectory() as folder:
        _prove(version, Path(folder), settings, tell)
        verdict = None
        if rules.gate:
            tell("gate")
            champion = current.version if current else None
            verdict = gate.compare(version, champion, settings.gate)
            tell(gate.says(verdict))
            if not gate.lets_in(verdict, settings.gate) and not override:
                raise ProjectError(
                    f"{version.name} does not pass the gate of '{stage}', which stays as it was: "
                    "--override REASON goes on in spite of it, and is recorded"
                )
    extra = {"gate": verdict, "override": override}
    return _assign(registry, version, stage, "promote", why, extra, settings, sign)


def rollback(
    model: str,
    stage: str | None,
    to: str | None,
    why: str,
    override: str | None,
    sign: bool,
    tell: Tell,
) -> Assignment:
    """Bring the version back that was in a stage before, or the one that ``to`` names.

    Raises:
        ProjectError: with what is in the way; the stage stays as it was.
    """
    settings = load_settings()
    stage = stage or settings.last
    settings.stage(stage)
    registry = _fetched(model, tell)
    current = registry.current(stage)
    version = registry.version(to) if to else registry.previous(stage)
    _refuse_unfit(registry, version, stage)
    tell(f"from {current.version.name if current else 'nothing'} back to {version.name}")
    with TemporaryDirectory() as folder:
        _prove(version, Path(folder), settings, tell)
    return _assign(
        registry, version, stage, "rollback", why, {"override": override}, settings, sign
    )


def deprecate(model: str, text: str, why: str, sign: bool, tell: Tell) -> Assignment:
    """Mark a version bad: no promotion or rollback brings it into a stage from now on.

    Raises:
        ProjectError: if it is marked already.
    """
    settings = load_settings()
    registry = _fetched(model, tell)
    version = registry.version(text)
    bad = registry.bad(version)
    if bad:
        raise ProjectError(f"{version.name} is marked bad already: {bad.tag.notes}")
    return _assign(registry, version, DEPRECATED, "deprecate", why, {}, settings, sign)


def _refuse_unfit(registry: Registry, version: Version, stage: str) -> None:
    current, bad = registry.current(stage), registry.bad(version)
    if current and current.version == version:
        raise ProjectError(f"{version.name} is in '{stage}' already")
    if bad:
        raise ProjectError(f"{version.name} is marked bad: {bad.tag.notes}")


def _fetched(model: str, tell: Tell) -> Registry:
    remote = git.origin()
    tell(f"fetch the tags of {remote}" if remote else "no Git remote: the tags of this clone count")
    tags.fetch(model)
    return Registry.load(model)


def _prove(version: Version, folder: Path, settings: Settings, tell: Tell) -> None:
    """Raise unless the version's bytes are there, are the recorded ones, and predict."""
    tell(f"check the signature of {version.tag.name}")
    signatures.refuse_bad(version.tag, settings.signing)
    tell(f"download {version.name} and compare its SHA-256")
    deliver.fetch(version, folder)
    tell("load it and predict")
    deliver.try_out(version, folder)


def _assign(
    registry: Registry,
    version: Version,
    stage: str,
    action: str,
    why: str,
    extra: dict[str, Any],
    settings: Settings,
    sign: bool,
) -> Assignment:
    if not why.strip():
        raise ProjectError("say why: -m WHY")
    protected = stage in settings.stages and settings.stages[stage].protected
    required = protected or settings.signing.required
    overridden = protected and not settings.signing.required and bool(extra.get("override"))
    counter, current = registry.next_counter(), registry.current(stage)
    last = registry.last_tag()
    record = {
        "format": 1,
        "model": registry.model,
        "action": action,
        "stage": stage,
        "version": version.name,
        "from": current.version.name if current else None,
        "at": registry.next_date().isoformat(),
        "by": git.identity(),
        "version_tag": version.tag.oid,
        "after": {last.name: last.oid} if last else {},
        **extra,
    }
    name = f"{tags.artifact_in_tag(registry.model)}#{stage}#{counter}"
    tags.write(name, version.tag.commit, why, record, sign or (required and not overridden))
    return Registry.load(registry.model).of(stage)[-1]
