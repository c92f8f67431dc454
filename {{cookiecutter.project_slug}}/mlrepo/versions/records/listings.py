"""What `model show`, `model history` and `model at` say, as rows that JSON, tables and a page take.

Times are those of ``zone``, of this machine unless said.
"""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from typing import Any

from mlrepo.versions.registry import DEPRECATED, Assignment, Registry, Version
from mlrepo.versions.rules.states import states
from mlrepo.versions.tags import Tag

Row = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """Something that happened to a version; ``stage`` is "" where it is about none."""

    model: str
    tag: Tag
    action: str
    version: Version
    stage: str


def versions(registry: Registry, zone: tzinfo | None = None) -> list[Row]:
    """Return the versions, highest first, and which of them is in which stage."""
    state, in_use = states(registry), registry.in_use
    return [
        {
            "version": version.name,
            "stages": [stage for stage, now in in_use.items() if now is version],
            "bad": registry.bad(version) is not None,
            "state": state[version.name],
            "commit": version.tag.commit[:7],
            "registered": when(version.tag.date, zone),
            "by": who(version.tag),
            "notes": version.tag.subject,
        }
        for version in reversed(registry.versions.values())
    ]


def events(registry: Registry) -> list[Event]:
    """Return all that happened, newest first."""
    of = partial(Event, registry.model)
    found = [of(a.tag, a.action, a.version, a.stage) for a in registry.assignments]
    found += [of(a.tag, a.action, a.version, a.tag.claims.get("for", "")) for a in registry.acts]
    found += [of(v.tag, "register", v, "") for v in registry.versions.values()]
    return sorted(found, key=lambda event: event.tag.date, reverse=True)


def event_row(
    event: Event, key: str | None = None, zone: tzinfo | None = None, several: bool = False
) -> Row:
    """Return an event as a row; ``key`` is whose key has signed it, ``several`` names the model."""
    return {
        "when": when(event.tag.date, zone),
        **({"model": event.model} if several else {}),
        "event": event.action,
        "version": event.version.name,
        "stage": "" if event.stage == DEPRECATED else event.stage,
        "by": who(event.tag),
        **({} if key is None else {"key": key}),
        "why": event.tag.subject,
        "tag": event.tag.name,
    }


def in_stage(found: Assignment, moment: datetime, zone: tzinfo | None = None) -> Row:
    """Return what was in a stage at a moment."""
    return {
        "at": when(moment, zone),
        "stage": found.stage,
        "version": found.version.name,
        "commit": found.version.tag.commit[:7],
        "since": when(found.tag.date, zone),
        "by": who(found.tag),
        "why": found.tag.subject,
    }


def keys(registry: Registry) -> dict[str, str]:
    """Return name -> who signed it with which key, of the tags whose signatures count."""
    signed = {name: tag for name, tag in registry.chain.tags.items() if tag.claims.get("signed")}
    if not signed:
        return {}
    # It imports pydantic, which takes longer than all the rest.
    from mlrepo.versions.rules.policy import in_force
    from mlrepo.versions.rules.roles import signatures

    said = signatures(signed, in_force().signers)
    return {name: f"{s.who} {s.key}" for name, s in said.items() if s.state == "good"}


def when(moment: datetime, zone: tzinfo | None = None) -> str:
    """Return a moment as people read it."""
    return moment.astimezone(zone).isoformat(sep=" ", timespec="seconds")


def who(tag: Tag) -> str:
    """Return the name of who made a tag."""
    return tag.by.partition(" <")[0]
