"""Prove what a version is, and whether a model may follow it."""

from pathlib import Path
from typing import Annotated

import typer

from ..declared import choose_model
from ..output import as_json, rebuilt, report
from .app import Json, Model, app, pin, tell


@app.command()
def verify(
    version: Annotated[str | None, typer.Argument(metavar="[VERSION|STAGE]")] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make it again from its commit and DVC's remote.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no remote.")] = False,
    json: Json = False,
    model: Model = None,
) -> None:
    """Prove that a version, the newest unless named, is what its tag says."""
    from ..versions import verify as proofs

    chosen, checks, signed = proofs.verify(choose_model(model), version, offline)
    ok = not any(checks.values())
    verdict = None
    if rebuild:
        from ..versions import rebuild as again

        verdict = again.rebuild(chosen, tell)
        ok = ok and verdict["verdict"] != "different"
    if json:
        result = {"version": chosen.name, "ok": ok, "signature": signed.says, "checks": checks}
        print(as_json(result | {"rebuild": verdict}))
    else:
        print(report(checks))
        if verdict:
            print(rebuilt(verdict))
        print(f"{chosen.tag.name} {'holds' if ok else 'DOES NOT HOLD'}; {signed.says}")
    if not ok:
        raise typer.Exit(1)


@app.command()
def gate(
    against: Annotated[str | None, typer.Option(help="A stage; the last one, unless said.")] = None,
    json: Json = False,
    model: Model = None,
) -> None:
    """Compare the model in this folder with the one in a stage; 1: the gate stays shut."""
    pin()
    from ..gate import verdict
    from ..settings import load_settings

    found = verdict.against(choose_model(model), against, tell)
    print(as_json(found) if json else verdict.says(found))
    if not verdict.lets_in(found, load_settings().gate):
        raise typer.Exit(1)


@app.command(hidden=True)
def compare(before: Path, after: Path, rows: Path) -> None:
    """Compare two model files and what they predict for a prepared table, as JSON."""
    pin()
    from ..compare import compare

    print(as_json(compare(before, after, rows)))
