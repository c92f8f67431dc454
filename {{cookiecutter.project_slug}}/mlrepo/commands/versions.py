"""Look at versions, at stages and at what happened."""

from datetime import datetime, timedelta
from typing import Annotated

from typer import Argument, Option

from mlrepo.commands.options import Json, Model, each_opened, opened
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import models
from mlrepo.pipeline.models import choose_model
from mlrepo.pipeline.output import show_table
from mlrepo.versions.records import listings
from mlrepo.versions.registry import DEPRECATED, Registry
from mlrepo.versions.rules.states import in_words


def show(json: Json = False, model: Model = None) -> None:
    """List the versions, and which of them is in which stage."""
    rows, names = list[listings.Row](), models.meant(model)
    with each_opened(model) as registries:
        for registry in registries:
            named = {"model": registry.model} if len(names) > 1 else {}
            rows += [named | row for row in listings.versions(registry)]
        if not json:  # people see it where it is more than the two columns before it
            more = any(said.get("by") for row in rows for said in row["state"])
            for row in rows:
                told = "; ".join(map(in_words, row.pop("state")))
                row |= {"state": told} if more else {}
        none = f"{', '.join(names)} has no version yet: `model register -m NOTES` makes one"
        show_table(rows, none, json)


def history(
    stage: Annotated[str | None, Option(help="Only events of this stage.")] = None,
    version: Annotated[str | None, Option(help="Only events of this version.")] = None,
    kind: Annotated[
        str | None, Option("--event", help="Only events of this kind, such as promote.")
    ] = None,
    by: Annotated[
        str | None, Option(help="Only events by people with this in name or address.")
    ] = None,
    since: Annotated[
        str | None, Option(metavar="DATE", help="Only events from this day or time on.")
    ] = None,
    until: Annotated[
        str | None, Option(metavar="DATE", help="Only events up to this day or time.")
    ] = None,
    json: Json = False,
    model: Model = None,
) -> None:
    """List what happened to versions, newest first."""
    first, last = since and _moment(since, end=False), until and _moment(until)
    found, any_event = list[tuple[listings.Event, str]](), False
    names = models.meant(model)
    with each_opened(choose_model(model) if version or stage else model) as registries:
        for registry in registries:
            if stage:
                _refuse_unknown(stage, registry)
            chosen = registry.version(version) if version else None
            keys = listings.keys(registry)
            events = listings.events(registry)
            any_event = any_event or bool(events)
            found += [
                (event, keys.get(event.tag.name, ""))
                for event in events
                if (not stage or stage == event.stage)
                and (not chosen or chosen == event.version)
                and (not kind or kind == event.action)
                and (not by or by.casefold() in event.tag.by.casefold())
                and (not first or event.tag.date >= first)
                and (not last or event.tag.date <= last)
            ]
        found.sort(key=lambda each: each[0].tag.date, reverse=True)
        keyed = json or any(key for _, key in found)
        rows = [
            listings.event_row(event, key if keyed else None, several=len(names) > 1)
            for event, key in found
        ]
        what = "nothing of this kind" if any_event else "nothing"
        show_table(rows, f"{what} has happened to {', '.join(names)} yet", json)


def at(
    date: Annotated[
        str,
        Argument(
            metavar="DATE",
            help="2026-03-01T12:00Z, or 2026-03-01: the end of that day, local time.",
        ),
    ],
    stage: Annotated[str, Argument(metavar="STAGE", help="A stage, such as prod.")],
    json: Json = False,
    model: Model = None,
) -> None:
    """Say which version was in a stage at a date."""
    moment = _moment(date)
    with opened(model) as registry:
        _refuse_unknown(stage, registry)
        found = registry.current(stage, moment)
        rows = [listings.in_stage(found, moment)] if found else []
        show_table(rows, f"nothing was in '{stage}' at {listings.when(moment)}", json)


def _refuse_unknown(stage: str, registry: Registry) -> None:
    """Raise for a stage that is none and never was one, so that a slip is no empty answer."""
    if stage != DEPRECATED and not registry.of(stage):
        # It imports pydantic, which takes longer than all the rest.
        from mlrepo.versions.rules.policy import load_settings

        load_settings().stage(stage)


def _moment(text: str, *, end: bool = True) -> datetime:
    """Return the time that a text means; a day means its last moment here, or its first."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ProjectError(f"'{text}' is no date: write 2026-03-01 or 2026-03-01T12:00Z") from None
    if end and len(text) <= len("2026-03-01"):
        moment += timedelta(days=1, microseconds=-1)
    return moment.astimezone()
