"""Register a version: what cannot be reproduced or found again cannot be registered."""

from typing import Any

from semver import Version as Number

from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.pipeline import dvc_lock, git, status
from mlrepo.pipeline.commit import Commit
from mlrepo.pipeline.dvc_yaml import declared
from mlrepo.pipeline.output import Tell, few
from mlrepo.scoring import example
from mlrepo.storage.store import Store, Stored
from mlrepo.versions import acts, tags
from mlrepo.versions.records import kept
from mlrepo.versions.records.record import derive
from mlrepo.versions.registry import Registry, Version
from mlrepo.versions.rules.policy import Settings, in_force
from mlrepo.versions.version_numbers import parse_number


def register(
    model: str, bump: str, number: str | None, notes: str, sign: bool, tell: Tell
) -> Version:
    """Tag HEAD as the next version of ``model`` with its record, here and at the Git remote.

    Args:
        model: name of an artifact of dvc.yaml.
        bump: "major", "minor" or "patch": which part of the last number rises.
        number: the number itself, in place of ``bump``.
        notes: what a person says of the version.
        sign: sign the tag also where the settings of Git and of the project do not ask for it.
        tell: takes the steps, and what is not believed.
    """
    if not notes.strip():
        raise ProjectError("say what is new in this version: -m NOTES")
    commit = git.require_clean_commit()
    lineage = dvc_lock.Lineage.of(model, declared()[model]["path"], dvc_lock.here())
    _refuse_stale()
    example.refuse(load_params())
    registry = acts.latest(model, tell)
    settings = in_force().settings
    chosen = _choose(registry, commit, bump, number)
    _refuse_unpushed(commit, lineage)
    record = derive(model, commit, kept.Kept(Store(), everywhere=True))
    kept.observe(record)
    head = {
        **registry.head(f"v{chosen}"),
        "commit": commit,
        "previous": registry.version_before(chosen, registry.chain.ends),
        "gate": _verdict(registry, settings),
    }
    acts.append(registry, f"{registry.prefix}@v{chosen}", commit, notes, head | record, sign)
    return Registry.load(model).version(str(chosen))


def _refuse_stale() -> None:
    found = status.report()
    found.refuse_stale("dvc.lock is stale:")
    if outside := [path for path in found.absent if "://" in path]:
        raise ProjectError(
            f"{', '.join(sorted(outside))}: no commit pins what is there; docs/data.md shows how "
            "data in a bucket is pinned"
        )
    if found.absent:
        absent = ", ".join(sorted(found.absent)[:5])
        raise ProjectError(f"not on this machine: {absent}. `model pull` brings it")
    if found.unread:
        raise ProjectError(
            f"{', '.join(found.unread)}: stages with foreach, matrix, vars or another folder "
            "cannot be checked, so they cannot stand behind a version: write them out in dvc.yaml"
        )


def _choose(registry: Registry, commit: str, bump: str, number: str | None) -> Number:
    for tag in tags.read(registry.model).values():  # also one by hand: GTO reads no two of a commit
        if tag.version and tag.commit == commit:
            raise ProjectError(f"this commit is {tag.name} already")
    if number is not None:
        chosen = parse_number(number)
    elif not registry.versions and not registry.strange:
        chosen = Number(1)
    else:
        chosen = getattr(registry.newest().number, f"bump_{bump}")()
    if chosen in registry.versions or f"{registry.prefix}@v{chosen}" in registry.strange:
        raise ProjectError(f"{registry.model}@v{chosen} is taken: a version never changes")
    return chosen


def _verdict(registry: Registry, settings: Settings) -> dict[str, Any] | None:
    """Return how it compares with the last stage: for the record, nothing is refused for it."""
    current = registry.current(settings.last)
    if current is None:
        return None
    from mlrepo.versions.gate import verdict as gate

    try:
        return gate.compare_here(registry.model, current.version, settings.gate)
    except ProjectError as error:
        return {"verdict": "inconclusive", "reasons": [str(error)]}


def _refuse_unpushed(commit: str, lineage: dvc_lock.Lineage) -> None:
    store, there = Store(), Commit(commit)
    kept = [Stored(*file) for file in sorted(lineage.files()) if not there.inside(file[0])]
    files = [part for stored in kept for part in {stored, *store.parts(stored)}]
    if absent := store.absent_from_remote(files):
        shown = ", ".join(few(absent))
        raise ProjectError(f"{store.remote_name} lacks {shown}: `model push` sends it")
