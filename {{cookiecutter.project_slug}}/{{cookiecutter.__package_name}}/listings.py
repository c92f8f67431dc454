"""Lists of versions, of events and of what was in a stage."""

from datetime import datetime, timedelta

from .errors import ProjectError
from .output import Table
from .versions.registry import DEPRECATED, Registry


def versions(model: str) -> Table:
    """Return each version with the stages that it is in, highest first."""
    registry = Registry.load(model)
    stages: dict[str, list[str]] = {}
    for stage in registry.stages:
        current = registry.current(stage)
        if current:
            stages.setdefault(current.version.name, []).append(stage)
    rows = [
        {
            "version": version.name,
            "stages": stages.get(version.name, []),
            "bad": registry.bad(version) is not None,
            "commit": version.tag.commit[:7],
            "registered": _when(version.tag.date),
            "by": version.tag.by.partition(" <")[0],
            "notes": version.tag.subject,
        }
        for version in reversed(registry.versions.values())
    ]
    return Table(rows, f"{model} has no version yet: `model register -m NOTES` makes one")


def history(model: str, stage: str | None) -> Table:
    """Return every event, newest first."""
    registry = Registry.load(model)
    if stage:
        _refuse_unknown(stage, registry)
    events = [] if stage else [("register", "", v, v.tag) for v in registry.versions.values()]
    assigned = registry.of(stage) if stage else registry.assignments
    events += [(a.action, a.stage, a.version, a.tag) for a in assigned]
    events.sort(key=lambda event: event[3].date, reverse=True)
    rows = [
        {
            "when": _when(tag.date),
            "event": action,
            "version": version.name,
            "stage": "" if place == DEPRECATED else place,
            "by": tag.by.partition(" <")[0],
            "why": tag.subject,
            "tag": tag.name,
        }
        for action, place, version, tag in events
    ]
    return Table(rows, f"nothing has happened to {model} yet")


def at(model: str, date: str, stage: str) -> Table:
    """Return what was in a stage at a date."""
    moment, registry = _moment(date), Registry.load(model)
    _refuse_unknown(stage, registry)
    found = registry.current(stage, moment)
    rows = (
        [
            {
                "at": _when(moment),
                "stage": stage,
                "version": found.version.name,
                "commit": found.version.tag.commit[:7],
                "since": _when(found.tag.date),
                "by": found.tag.by.partition(" <")[0],
                "why": found.tag.subject,
            }
        ]
        if found
        else []
    )
    return Table(rows, f"nothing was in '{stage}' at {_when(moment)}")


def _refuse_unknown(stage: str, registry: Registry) -> None:
    """Raise for a stage that is none and never was one, so that a slip is no empty answer."""
    if stage != DEPRECATED and not registry.of(stage):
        from .settings import load_settings  # pydantic, which costs more than all the rest

        load_settings().stage(stage)


def _moment(text: str) -> datetime:
    """Return the time that a text means; a day means its last moment, here."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ProjectError(f"'{text}' is no date: write 2026-03-01 or 2026-03-01T12:00Z") from None
    if len(text) <= len("2026-03-01"):
        moment += timedelta(days=1, microseconds=-1)
    return moment.astimezone()


def _when(moment: datetime) -> str:
    return moment.astimezone().isoformat(sep=" ", timespec="seconds")
