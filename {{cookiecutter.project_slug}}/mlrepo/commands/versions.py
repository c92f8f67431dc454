"""Look at versions, at stages and at what happened."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from typer import Argument, Option

from mlrepo.commands.options import Json, Model, each_opened, end, opened
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import models
from mlrepo.pipeline.models import choose_model
from mlrepo.pipeline.output import show_table
from mlrepo.versions.registry import DEPRECATED, Registry
from mlrepo.versions.rules.states import in_words, states
from mlrepo.versions.tags import Tag


def show(json: Json = False, model: Model = None) -> None:
    """List the versions, and which of them is in which stage."""
    rows, believed, names = list[dict[str, Any]](), True, models.meant(model)
    for registry in each_opened(model):
        believed = believed and not registry.chain.doubts
        state, in_use = states(registry), registry.in_use
        rows += [
            {
                **({"model": registry.model} if len(names) > 1 else {}),
                "version": version.name,
                "stages": [stage for stage, now in in_use.items() if now is version],
                "bad": registry.bad(version) is not None,
                "state": state[version.name],
                "commit": version.tag.commit[:7],
                "registered": _when(version.tag.date),
                "by": _who(version.tag),
                "notes": version.tag.subject,
            }
            for version in reversed(registry.versions.values())
        ]
    if not json:  # people see it where it is more than the two columns before it
        more = any(said.get("by") for row in rows for said in row["state"])
        for row in rows:
            told = "; ".join(map(in_words, row.pop("state")))
            row |= {"state": told} if more else {}
    none = f"{', '.join(names)} has no version yet: `model register -m NOTES` makes one"
    show_table(rows, none, json)
    end(believed)


def history(
    stage: Annotated[str | None, Option(help="Only events of this stage.")] = None,
    version: Annotated[str | None, Option(help="Only events of this version.")] = None,
    event: Annotated[str | None, Option(help="Only events of this kind, such as promote.")] = None,
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
    rows, any_event, believed = list[dict[str, Any]](), False, True
    names = models.meant(model)
    for registry in each_opened(choose_model(model) if version or stage else model):
        believed = believed and not registry.chain.doubts
        if stage:
            _refuse_unknown(stage, registry)
        chosen = registry.version(version) if version else None
        keys = _keys(registry)
        events = [(a.tag, a.action, a.version, a.stage) for a in registry.assignments]
        events += [(a.tag, a.action, a.version, a.tag.claims.get("for", "")) for a in registry.acts]
        events += [(v.tag, "register", v, "") for v in registry.versions.values()]
        any_event = any_event or bool(events)
        rows += [
            {
                "when": tag.date,
                **({"model": registry.model} if len(names) > 1 else {}),
                "event": action,
                "version": about.name,
                "stage": "" if place == DEPRECATED else place,
                "by": _who(tag),
                "key": keys.get(tag.name, ""),
                "why": tag.subject,
                "tag": tag.name,
            }
            for tag, action, about, place in events
            if (not stage or stage == place)
            and (not chosen or chosen == about)
            and (not event or event == action)
            and (not by or by.casefold() in tag.by.casefold())
            and (not first or tag.date >= first)
            and (not last or tag.date <= last)
        ]
    rows.sort(key=lambda row: row["when"], reverse=True)
    keyed = json or any(row["key"] for row in rows)
    rows = [{**row, "when": _when(row["when"])} for row in rows]
    rows = [{k: v for k, v in row.items() if keyed or k != "key"} for row in rows]
    what = "nothing of this kind" if any_event else "nothing"
    show_table(rows, f"{what} has happened to {', '.join(names)} yet", json)
    end(believed)


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
        rows: list[dict[str, Any]] = []
        if found:
            row = {"at": _when(moment), "stage": stage, "version": found.version.name}
            row |= {"commit": found.version.tag.commit[:7], "since": _when(found.tag.date)}
            rows.append(row | {"by": _who(found.tag), "why": found.tag.subject})
        show_table(rows, f"nothing was in '{stage}' at {_when(moment)}", json)


def _refuse_unknown(stage: str, registry: Registry) -> None:
    """Raise for a stage that is none and never was one, so that a slip is no empty answer."""
    if stage != DEPRECATED and not registry.of(stage):
        # It imports pydantic, which takes longer than all the rest.
        from mlrepo.versions.rules.policy import load_settings

        load_settings().stage(stage)


def _keys(registry: Registry) -> dict[str, str]:
    """Return name -> who signed it with which key, of the tags whose signatures count."""
    signed = {name: tag for name, tag in registry.chain.tags.items() if tag.claims.get("signed")}
    if not signed:
        return {}
    from mlrepo.versions.rules.policy import in_force
    from mlrepo.versions.rules.roles import signatures

    said = signatures(signed, in_force().signers)
    return {name: f"{s.who} {s.key}" for name, s in said.items() if s.state == "good"}


def _moment(text: str, *, end: bool = True) -> datetime:
    """Return the time that a text means; a day means its last moment here, or its first."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ProjectError(f"'{text}' is no date: write 2026-03-01 or 2026-03-01T12:00Z") from None
    if end and len(text) <= len("2026-03-01"):
        moment += timedelta(days=1, microseconds=-1)
    return moment.astimezone()


def _when(moment: datetime) -> str:
    return moment.astimezone().isoformat(sep=" ", timespec="seconds")


def _who(tag: Tag) -> str:
    return tag.by.partition(" <")[0]
