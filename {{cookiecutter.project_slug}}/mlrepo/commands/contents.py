"""Look at what a version is made of, and get it out."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Context, Option

from mlrepo.commands.options import (
    Json,
    Model,
    Newest,
    Offline,
    OutputFolder,
    VersionName,
    VersionOrStage,
    announce,
    end,
    opened,
)
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import read_text
from mlrepo.core.paths import CARD
from mlrepo.pipeline.git import file_at
from mlrepo.pipeline.models import choose_model, refuse_unnamed
from mlrepo.pipeline.output import as_json


def diff(
    a: Annotated[str, Argument(metavar="A", help="The first version, or a stage.")],
    b: Annotated[str, Argument(metavar="B", help="The second version, or a stage.")],
    json: Json = False,
    model: Model = None,
) -> None:
    """Say what changed between two versions.

    Of code, data, params, packages, model and metrics.
    """
    from mlrepo.versions.diff import diff as compared

    with opened(model) as registry:
        found = compared(registry.resolve(a), registry.resolve(b))
        print(as_json(found) if json else _describe_changes(found))


def card(
    version: Annotated[
        str | None, Argument(metavar="[VERSION|STAGE]", help="By default the card in this folder.")
    ] = None,
    model: Model = None,
) -> None:
    """Print the model card of this folder, or of a version."""
    if version is None:
        refuse_unnamed(model)
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
        Option("--format", help="The record, SLSA provenance, or a bill of materials (CycloneDX)."),
    ] = "json",
    sign: Annotated[
        Path | None,
        Option(metavar="KEY", help="Sign the provenance with this key file (DSSE envelope)."),
    ] = None,
    model: Model = None,
) -> None:
    """Print the record of a version.

    Exit code 1: its commit says otherwise.
    """
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
        Option(metavar="KEY", help="Sign the folder with this key file."),
    ] = None,
    model: Model = None,
) -> None:
    """Write a version to a folder with all that it needs.

    Refused if a hash is not the recorded one.
    """
    from mlrepo.versions.bundle.folder import fill
    from mlrepo.versions.proofs.envelope import Key

    with opened(model) as registry:
        chosen, folder = registry.resolve(version), context.obj / output
        key = Key.load(str(context.obj / sign)) if sign else None
        print(f"{chosen.name} is in {fill(folder, chosen, key, announce)[0]}")


def report(
    context: Context,
    output: Annotated[Path, Option("-o", "--output", help="The HTML file to write.")],
    version: Newest = None,
    sign: Annotated[
        Path | None,
        Option(
            metavar="KEY",
            help="Sign the page and its result with this key file, in FILE.dsse.json.",
        ),
    ] = None,
    offline: Offline = False,
    model: Model = None,
) -> None:
    """Write the evaluation report of a version as a page.

    Exit code 1: the version does not hold.
    """
    from mlrepo.page.report import write
    from mlrepo.versions.proofs.envelope import Key

    key = Key.load(str(context.obj / sign)) if sign else None
    proof = write(choose_model(model), version, offline, context.obj / output, key)
    holds = not any(proof.checks.values())
    name = proof.version.tag.name
    fails = f"DOES NOT HOLD: `model verify {proof.version.name}` says why"
    print(f"{output}: {name} {'holds' if holds else fails}")
    end(holds)


def _describe_changes(parts: dict[str, dict[str, Any]]) -> str:
    """Return part -> name -> [before, after] as text, one line each."""
    from mlrepo.scoring.score_report import shown

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
                metric = name.rpartition(".")[2].removesuffix("_std")
                before, after = (shown(metric, value, 4) for value in change)
                text = f"{before} -> {after}  ({shown(metric, change[1] - change[0], 4, '+')})"
            else:
                text = " -> ".join("(none)" if value is None else str(value) for value in change)
            lines.append(f"  {name:<{width}}  {text}")
    return "\n".join(lines)
