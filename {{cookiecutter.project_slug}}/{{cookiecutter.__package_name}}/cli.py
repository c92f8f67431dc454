"""Versions of the model, from their record to their release and back.

Exit codes: 0 done; 1 a check failed (verify, gate); 2 a mistake, told in one message.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from .errors import ProjectError, run
from .git import file_at
from .output import Table, as_json, report
from .results import read_text
from .versions import show as views
from .versions.registry import Registry
from .versions.settings import choose_model, load_settings

CARD = Path("MODEL_CARD.md")

app = typer.Typer(
    name="model",
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Model = Annotated[str | None, typer.Option("--model", help="Which one, if dvc.yaml has several.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Why = Annotated[str, typer.Option("-m", "--message", help="Why; it is kept in the tag.")]
Sign = Annotated[bool, typer.Option("--sign", help="Sign the tag with your Git key.")]
Override = Annotated[
    str | None, typer.Option(help="The reason to go on in spite of the gate or a signature.")
]
AllVersions = Annotated[
    bool, typer.Option("--all", help="Of every tagged version, not of this commit alone.")
]
VersionName = Annotated[str, typer.Argument(metavar="VERSION", help="v1.2.0, or v1 for v1.0.0.")]


def tell(step: str) -> None:
    """Print a step of the work, apart from its result."""
    print(f"- {step}", file=sys.stderr)


@app.command()
def register(
    message: Annotated[str, typer.Option("-m", "--message", help="What is new in it.")],
    bump: Annotated[Literal["major", "minor", "patch"], typer.Option()] = "minor",
    version: Annotated[str | None, typer.Option(help="The number itself.")] = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Make this commit a version of the model: v1.0.0 first, then the next minor number."""
    _pin()
    from .versions.register import register

    made = register(choose_model(model), bump, version, message, sign)
    print(f"{made.tag.name} is commit {made.tag.commit[:7]}")


@app.command()
def promote(
    version: VersionName,
    stage: Annotated[str, typer.Argument(help="A stage of versions.yaml.")],
    message: Why,
    override: Override = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Bring a version into a stage, once it has passed what the stage demands."""
    _pin()
    from .versions.stages import promote

    done = promote(choose_model(model), version, stage, message, override, sign, tell)
    print(f"{done.version.name} is in '{stage}' ({done.tag.name})")


@app.command()
def rollback(
    message: Why,
    stage: Annotated[str | None, typer.Argument(help="The last one, unless said.")] = None,
    to: Annotated[str | None, typer.Option(help="The version, if not the one before.")] = None,
    override: Override = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Bring the version back that was in a stage before, after a check of its bytes."""
    _pin()
    from .versions.stages import rollback

    done = rollback(choose_model(model), stage, to, message, override, sign, tell)
    print(f"{done.version.name} is in '{done.stage}' again ({done.tag.name})")


@app.command()
def deprecate(version: VersionName, message: Why, sign: Sign = False, model: Model = None) -> None:
    """Mark a version bad, so that nothing brings it into a stage again."""
    from .versions.stages import deprecate

    done = deprecate(choose_model(model), version, message, sign, tell)
    print(f"{done.version.name} is marked bad ({done.tag.name})")


@app.command()
def gate(
    against: Annotated[str | None, typer.Option(help="A stage; the last one, unless said.")] = None,
    json: Json = False,
    model: Model = None,
) -> None:
    """Compare the model in this folder with the one in a stage; 1: the gate stays shut."""
    _pin()
    from .versions import gate

    verdict = gate.against(choose_model(model), against, tell)
    print(as_json(verdict) if json else gate.says(verdict))
    if not gate.lets_in(verdict, load_settings().gate):
        raise typer.Exit(1)


@app.command()
def show(json: Json = False, model: Model = None) -> None:
    """List the versions, and which of them is in which stage."""
    _print(views.versions(choose_model(model)), json)


@app.command()
def history(
    stage: Annotated[str | None, typer.Option(help="Of this stage alone.")] = None,
    json: Json = False,
    model: Model = None,
) -> None:
    """List every registration, promotion and rollback, newest first."""
    _print(views.history(choose_model(model), stage), json)


@app.command()
def at(
    date: Annotated[str, typer.Argument(help="2026-03-01 (its end, here) or 2026-03-01T12:00Z.")],
    stage: str,
    json: Json = False,
    model: Model = None,
) -> None:
    """Say what was in a stage at a date."""
    _print(views.at(choose_model(model), date, stage), json)


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
    from .versions import verify as proofs

    chosen, checks = proofs.verify(choose_model(model), version, offline)
    ok = not any(checks.values())
    verdict = None
    if rebuild:
        from .versions import rebuild as again

        verdict = again.rebuild(chosen, tell)
        ok = ok and verdict["verdict"] != "different"
    if json:
        result = {"version": chosen.name, "ok": ok, "checks": checks, "rebuild": verdict}
        print(as_json(result))
    else:
        print(report(checks))
        if verdict:
            print(again.says(verdict))
        print(f"{chosen.tag.name} {'holds' if ok else 'DOES NOT HOLD'}")
    if not ok:
        raise typer.Exit(1)


@app.command(hidden=True)
def compare(before: Path, after: Path, rows: Path) -> None:
    """Compare two model files and what they predict for a prepared table, as JSON."""
    _pin()
    from .compare import compare

    print(as_json(compare(before, after, rows)))


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A version or a stage.")],
    b: Annotated[str, typer.Argument(metavar="B")],
    json: Json = False,
    model: Model = None,
) -> None:
    """Say what changed from one version to another, in all that a version is made of."""
    from .versions import diff as changes

    registry = Registry.load(choose_model(model))
    found = changes.diff(registry.resolve(a), registry.resolve(b))
    print(as_json(found) if json else changes.says(found))


@app.command()
def card(
    version: Annotated[str | None, typer.Argument(metavar="[VERSION|STAGE]")] = None,
    model: Model = None,
) -> None:
    """Print the model card of a version, or of this folder."""
    if version is None:
        print(read_text(CARD), end="")
        return
    commit = Registry.load(choose_model(model)).resolve(version).tag.commit
    print(file_at(commit, CARD.as_posix()), end="")


@app.command()
def restore(version: VersionName, model: Model = None) -> None:
    """Bring a version's params, code and locks back on a new branch, ready for review."""
    from .versions.restore import restore

    branch, paths = restore(Registry.load(choose_model(model)).resolve(version))
    print(f"{len(paths)} files came back on the branch {branch}:")
    print("\n".join(f"  {path}" for path in paths))
    print("`dvc checkout` or `dvc pull` brings its data and model")


@app.command()
def record(
    version: VersionName,
    form: Annotated[Literal["json", "slsa", "cyclonedx"], typer.Option("--format")] = "json",
    model: Model = None,
) -> None:
    """Print all that is recorded of a version, also as SLSA provenance or CycloneDX ML-BOM."""
    from .versions import exports

    print(exports.render(Registry.load(choose_model(model)).resolve(version), form))


@app.command()
def get(
    version: Annotated[str, typer.Argument(metavar="VERSION|STAGE")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A folder.")],
    model: Model = None,
) -> None:
    """Write a version's model, its SHA-256 and VERSION.json to a folder, proven."""
    from .versions import deliver

    chosen = Registry.load(choose_model(model)).resolve(version)
    print(f"{chosen.name} is in {deliver.fetch(chosen, output)}")


@app.command()
def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Ask no remote.")] = False,
    json: Json = False,
) -> None:
    """Look at tools, packages, hooks, locks, cache and remotes; name what is wrong and its mend."""
    from .doctor import examine

    checks = examine(offline)
    print(as_json(checks) if json else report(checks))
    if any(checks.values()):
        raise typer.Exit(1)


@app.command()
def push(all_versions: AllVersions = False) -> None:
    """Send data and model of this commit to DVC's remote, or say in seconds why not."""
    from .remote import transfer

    transfer("push", all_versions)


@app.command()
def pull(all_versions: AllVersions = False) -> None:
    """Bring data and model of this commit from DVC's remote, or say in seconds why not."""
    from .remote import transfer

    transfer("pull", all_versions)


@app.command()
def gc(
    cloud: Annotated[bool, typer.Option("--cloud", help="At DVC's remote as well.")] = False,
) -> None:
    """Free DVC's cache of what no commit, tag or experiment needs.

    Other forms of `dvc gc` delete what a rollback goes back to.
    """
    from .remote import collect_garbage

    collect_garbage(cloud)


def _print(table: Table, as_json: bool) -> None:
    print(table.json() if as_json else table.text())


def _pin() -> None:
    """Compute as the stages do; must come before numpy is imported."""
    from . import numerics
    from .params import load_params

    if load_params().numerics.pinned:
        numerics.pin()


def main() -> None:
    """Run the command from anywhere inside the project."""

    def start() -> None:
        os.chdir(_project())
        app()

    run(start)


def _project() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").exists() and (folder / "params.yaml").exists():
            return folder
    raise ProjectError(f"{here} is in no project: go to a folder with dvc.yaml and params.yaml")


if __name__ == "__main__":
    main()
