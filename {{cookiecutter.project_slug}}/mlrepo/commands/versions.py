"""Look at versions, at stages and at what happened; get a version out."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Context, Option

from mlrepo.commands.options import (
    Json,
    Model,
    OutputFolder,
    VersionName,
    VersionOrStage,
    end,
    opened,
)
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import read_text
from mlrepo.core.paths import CARD
from mlrepo.pipeline.git import file_at
from mlrepo.pipeline.output import as_json, show_table
from mlrepo.versions.registry import DEPRECATED, Registry
from mlrepo.versions.rules.states import in_words, states
from mlrepo.versions.tags import Tag


def show(json: Json = False, model: Model = None) -> None:
    """List the versions, highest first, and which of them is in which stage."""
    with opened(model) as registry:
        held = {stage: registry.current(stage) for stage in registry.stages}
        state = states(registry)
        rows: list[dict[str, Any]] = [
            {
                "version": version.name,
                "stages": [s for s, now in held.items() if now and now.version is version],
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
        none = f"{registry.model} has no version yet: `model register -m NOTES` makes one"
        show_table(rows, none, json)


def history(
    stage: Annotated[str | None, Option(help="Of this stage alone.")] = None,
    version: Annotated[str | None, Option(help="Of this version alone.")] = None,
    event: Annotated[str | None, Option(help="Of this kind alone, such as promote.")] = None,
    by: Annotated[str | None, Option(help="By people whose name or address has this.")] = None,
    since: Annotated[str | None, Option(metavar="DATE", help="From this day or time on.")] = None,
    until: Annotated[str | None, Option(metavar="DATE", help="Up to this day or time.")] = None,
    json: Json = False,
    model: Model = None,
) -> None:
    """List every registration, promotion and whatever else was said of versions, newest first."""
    first, last = since and _moment(since, end=False), until and _moment(until)
    with opened(model) as registry:
        if stage:
            _refuse_unknown(stage, registry)
        chosen = registry.version(version) if version else None
        keys = _keys(registry)
        events = [(e.tag, e.action, e.version) for e in registry.events]
        events += [(v.tag, "register", v) for v in registry.versions.values()]
        events.sort(key=lambda event: event[0].date, reverse=True)
        rows = [
            {
                "when": _when(tag.date),
                "event": action,
                "version": about.name,
                "stage": "" if tag.stage == DEPRECATED else tag.stage or tag.claims.get("for", ""),
                "by": _who(tag),
                "key": keys.get(tag.name, ""),
                "why": tag.subject,
                "tag": tag.name,
            }
            for tag, action, about in events
            if (not stage or stage in (tag.stage, tag.claims.get("for")))
            and (not chosen or chosen == about)
            and (not event or event == action)
            and (not by or by.casefold() in tag.by.casefold())
            and (not first or tag.date >= first)
            and (not last or tag.date <= last)
        ]
        if not json and not keys:
            rows = [{k: v for k, v in row.items() if k != "key"} for row in rows]
        show_table(rows, f"nothing like this has happened to {registry.model}", json)


def at(
    date: Annotated[
        str, Argument(metavar="DATE", help="2026-03-01T12:00Z; or 2026-03-01: its end, here.")
    ],
    stage: Annotated[str, Argument(metavar="STAGE", help="Such as prod.")],
    json: Json = False,
    model: Model = None,
) -> None:
    """Say what was in a stage at a date."""
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


def diff(
    a: Annotated[str, Argument(metavar="A", help="The first version, or a stage.")],
    b: Annotated[str, Argument(metavar="B", help="The second version, or a stage.")],
    json: Json = False,
    model: Model = None,
) -> None:
    """Say what changed from one version to another, in all that a version is made of."""
    from mlrepo.versions.diff import diff as compared

    with opened(model) as registry:
        found = compared(registry.resolve(a), registry.resolve(b))
        print(as_json(found) if json else _describe_changes(found))


def card(
    version: Annotated[
        str | None, Argument(metavar="[VERSION|STAGE]", help="Of this folder, if left out.")
    ] = None,
    model: Model = None,
) -> None:
    """Print the model card of this folder, or of a version."""
    if version is None:
        print(read_text(CARD), end="")
        return
    with opened(model) as registry:
        commit = registry.resolve(version).tag.commit
        print(file_at(commit, CARD.as_posix()), end="")


def record(
    context: Context,
    version: VersionName,
    form: Annotated[
        Literal["json", "slsa", "cyclonedx"],
        Option("--format", help="The record itself, SLSA provenance or CycloneDX ML-BOM."),
    ] = "json",
    sign: Annotated[
        Path | None,
        Option(metavar="KEY", help="Sign the provenance, in a DSSE envelope, with this key file."),
    ] = None,
    model: Model = None,
) -> None:
    """Print all that is recorded of a version; exit code 1: its commit says otherwise."""
    from mlrepo.versions.records.claims import doubts
    from mlrepo.versions.records.exports import render, statement

    if sign and form != "slsa":
        raise ProjectError("what can be signed is the provenance: --format slsa --sign KEY")
    with opened(model) as registry:
        chosen = registry.resolve(version)
        found = doubts(chosen, registry)
        for line in found:
            print(f"not so: {line}; see `model verify {chosen.name}`", file=sys.stderr)
        if sign:
            from mlrepo.versions.proofs.envelope import Key, enclose

            key = Key.load(str(context.obj / sign))
            print(as_json(enclose(statement(chosen.record), key)))
        else:
            print(render(chosen, form))
        end(not found)


def get(
    context: Context,
    version: VersionOrStage,
    output: OutputFolder,
    sign: Annotated[
        Path | None,
        Option(metavar="KEY", help="Add card and record, and sign the folder with this key file."),
    ] = None,
    model: Model = None,
) -> None:
    """Write model, SHA-256 and VERSION.json of a version to a folder, if the hashes are right."""
    from mlrepo.storage.store import Store
    from mlrepo.versions import fetch

    with opened(model) as registry:
        chosen, folder = registry.resolve(version), context.obj / output
        if sign:
            from mlrepo.versions.proofs.envelope import Key
            from mlrepo.versions.proofs.folder import fill

            print(
                f"{chosen.name} is in {fill(folder, chosen, Key.load(str(context.obj / sign)))[0]}"
            )
        else:
            print(f"{chosen.name} is in {fetch.fetch(chosen, folder, Store())}")


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


def _describe_changes(parts: dict[str, dict[str, Any]]) -> str:
    """Return part -> name -> [before, after] as text, one line each."""
    lines = []
    for part, found in parts.items():
        lines.append(part if found else f"{part}: the same")
        # Of a metric, the file that it stands in is of no interest to people.
        names = [name.rpartition(".json.")[2] for name in found]
        width = max(map(len, names), default=0)
        for name, change in zip(names, found.values(), strict=True):
            if not isinstance(change, list):
                text = str(change)
            elif all(isinstance(value, float) for value in change):
                text = f"{change[0]:.4f} -> {change[1]:.4f}  ({change[1] - change[0]:+.4f})"
            else:
                text = " -> ".join("(none)" if value is None else str(value) for value in change)
            lines.append(f"  {name:<{width}}  {text}")
    return "\n".join(lines)
