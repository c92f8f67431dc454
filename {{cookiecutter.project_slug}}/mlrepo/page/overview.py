"""What the page says of a model as a whole: its versions, what happened, what was in use when."""

from datetime import UTC
from typing import Any

from mlrepo.versions.records import listings
from mlrepo.versions.registry import Act, Assignment, Registry, Version
from mlrepo.versions.rules.policy import in_force
from mlrepo.versions.rules.states import in_words

Node = dict[str, Any]


def overview(registry: Registry) -> Node:
    """Return what `model show`, `history` and `at` say, in UTC."""
    keys = listings.keys(registry)
    events = listings.events(registry)
    versions = listings.versions(registry, UTC)
    return {
        "model": registry.model,
        "versions": [
            {**row, "told": "; ".join(map(in_words, row["state"])), "commit": version.tag.commit}
            for row, version in zip(versions, reversed(registry.versions.values()), strict=True)
        ],
        "events": [
            {
                **listings.event_row(event, keys.get(event.tag.name, ""), UTC),
                **{
                    key: event.tag.claims[key]
                    for key in ("override", "verdict")
                    if event.tag.claims.get(key)
                },
            }
            for event in events
        ],
        "stages": {stage: list(map(_moment, registry.of(stage))) for stage in _stages(registry)},
        "doubts": [f"{name}: {why}" for name, why in registry.chain.doubts.items()],
    }


def _stages(registry: Registry) -> list[str]:
    """Return the stages that were ever in use, production first."""
    known = list(in_force().settings.stages)  # production is the last
    return sorted(registry.stages, key=lambda s: -known.index(s) if s in known else 1)


def _moment(done: Assignment) -> Node:
    """Return what is in a stage from an assignment on; "" for the version: nothing."""
    row = listings.in_stage(done, done.tag.date, UTC)
    row.pop("at")
    return row | ({"version": ""} if done.action == "retire" else {})


def in_use(registry: Registry, facts: dict[str, Node]) -> list[Node]:
    """Return for each stage what is in it, who let it in, and what it is worth.

    ``facts`` are those of each version by its name.
    """
    found: list[Node] = []
    for stage in _stages(registry):
        if (done := registry.current(stage)) is None:
            found.append({"stage": stage, "version": None})
            continue
        version = done.version
        said = [act for act in registry.acts if act.version == version]
        found.append(
            {
                **_moment(done),
                "action": done.action,
                "override": done.tag.claims.get("override"),
                "model": registry.model,
                "words": [
                    {"event": act.action, **_word(act)}
                    for act in said
                    if act.action in ("approve", "reject") and act.tag.claims.get("for") == stage
                ],
                "rebuilds": facts[version.name]["rebuilds"],
                "registered": {
                    "by": listings.who(version.tag),
                    "when": listings.when(version.tag.date, UTC),
                    "notes": version.tag.subject,
                },
                "previous": facts[version.name]["previous"],
                "purpose": facts[version.name]["card"].get("purpose"),
                "gate": facts[version.name]["gate"],
                "leading": facts[version.name]["leading"],
                "worst": facts[version.name]["worst"],
            }
        )
    return found


def rebuilds(registry: Registry, version: Version) -> list[Node]:
    """Return who made a version again and said what came out."""
    return [
        {
            "verdict": act.tag.claims.get("verdict"),
            "other": _address(act.tag.by) != _address(version.tag.by),
            **_word(act),
        }
        for act in registry.acts
        if act.version == version and act.action == "attest"
    ]


def _word(act: Act) -> Node:
    return {
        "by": listings.who(act.tag),
        "when": listings.when(act.tag.date, UTC),
        "why": act.tag.subject,
        "tag": act.tag.name,
    }


def _address(identity: str) -> str:
    return identity.rpartition("<")[2].casefold()
