"""Look after the project: its health, and its data and models in DVC's remote."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, Context, Option

from mlrepo.commands.options import AllVersions, Json, Model, Offline, WithoutMissing, end
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import models
from mlrepo.pipeline.models import refuse_unnamed
from mlrepo.pipeline.output import as_json, report
from mlrepo.storage import configure, transfer


def doctor(offline: Offline = False, json: Json = False) -> None:
    """Check tools, packages, hooks, locks, cache, remotes, rules.

    Exit code 1: something is wrong; what helps is printed beside it.
    """
    models.leave()
    from mlrepo.storage.doctor import examine
    from mlrepo.versions.rules import here

    checks = examine(offline)
    for of in models.each_folder():
        checks |= {of + name: wrong for name, wrong in here.examine().items()}
    print(as_json(checks) if json else report(checks))
    end(not any(checks.values()))


def add(
    name: Annotated[str, Argument(metavar="NAME", help="Of its folder, package and versions.")],
) -> None:
    """Add a model: a folder that begins as a copy of the first."""
    from mlrepo.adoption.add import add as added

    models.leave()
    print("\n".join(f"{name}/{path}" for path in added(name)))
    print(f"Next: `model start TABLE --model {name}`, or edit these files; `dvc repro` in {name}/")


def schema(
    force: Annotated[bool, Option("--force", help="Replace the schema that is there.")] = False,
    json: Json = False,
    model: Model = None,
) -> None:
    """Propose a schema for the table, and say what looks odd in it."""
    from mlrepo.adoption.fields import infer
    from mlrepo.core import column_params, owner
    from mlrepo.tables.schema import marked_private

    refuse_unnamed(model)
    params = owner.load_params()
    path = Path(params.data.table_schema)
    if path.exists() and not force:
        raise ProjectError(f"{path} exists already: --force replaces it by a new proposal")
    found = infer(params, marked_private(path))
    found.write(params.data.path, path)
    if json:
        print(as_json(found.as_dict()))
        return
    print(found.as_text())
    if owner.target() is None:  # else data.py makes it
        for mistake in column_params.of_rows(found.table.collect_schema(), params):
            print(f"to do: {mistake}")
    print(f"{path} written: check it before the first `dvc repro`")


def start(
    context: Context,
    table: Annotated[Path, Argument(metavar="TABLE", help="CSV, Parquet, or a folder of parts.")],
    target: Annotated[str | None, Option(help="The column to predict.")] = None,
    task: Annotated[
        Literal["classification", "regression"] | None,
        Option(help="By default guessed from the target."),
    ] = None,
    id_columns: Annotated[
        list[str] | None, Option("--id", help="A column that identifies a row; can be repeated.")
    ] = None,
    formats: Annotated[
        list[str] | None,
        Option(
            "--format",
            metavar="COLUMN=FORMAT",
            help="How the dates of a column are written, such as day=%d.%m.%Y; can be repeated.",
        ),
    ] = None,
    purpose: Annotated[str | None, Option(help="What the model is for.")] = None,
    source: Annotated[str | None, Option(help="Where the table is from.")] = None,
    licence: Annotated[
        str | None, Option(help="The licence of the table, such as CC-BY-4.0.")
    ] = None,
    limits: Annotated[
        list[str] | None, Option("--limit", help="What the model is not for; can be repeated.")
    ] = None,
    model: Model = None,
) -> None:
    """Start with a table of your own.

    It writes schema and params, trains, and prints the scores. It asks for what no option says.
    """
    from mlrepo.adoption import start as adoption
    from mlrepo.core.owner import load_params
    from mlrepo.storage.store import Store

    refuse_unnamed(model)
    params = load_params()
    adoption.refuse_unreadable()
    Store()  # whose settings DVC reads at the end as well
    pairs = dict(each.partition("=")[::2] for each in formats or ())
    given = adoption.Given(
        target, task, id_columns or [], pairs, purpose, source, licence, limits or []
    )
    found = adoption.start(context.obj / table, given, params, _ask)
    print(found.as_text())
    adoption.run(found, params)
    scores(model)
    print("Look at params.yaml, schema.yaml and `git diff`, and commit them")


def _ask(option: str, choices: list[str]) -> str:
    says = f" ({', '.join(choices[:40])})" if choices else ""
    if not sys.stdin.isatty():
        raise ProjectError(f"nothing is changed: no terminal to ask in, so give {option}{says}")
    return str(typer.prompt(f"{option}{says}"))


def status(model: Model = None) -> None:
    """Say whether dvc.lock fits params, code and data.

    Exit code 1: it does not.
    """
    from mlrepo.pipeline.status import check_each

    end(check_each(model))


def scores(model: Model = None) -> None:
    """Print the test scores of the last run."""
    from mlrepo.scoring.score_report import last_run

    for label in models.each_folder(model):
        print(f"{label.rstrip()}\n{last_run()}" if label else last_run())


def push(all_versions: AllVersions = False) -> None:
    """Send data and model of this commit to DVC's remote."""
    models.leave()
    transfer.transfer("push", all_versions)


def pull(all_versions: AllVersions = False) -> None:
    """Bring data and model of this commit from DVC's remote."""
    models.leave()
    transfer.transfer("pull", all_versions)


def remote(
    address: Annotated[
        str, Argument(metavar="ADDRESS", help="A folder, or s3://, gs://, azure:// or ssh://.")
    ],
    endpoint: Annotated[
        str | None, Option(help="Address (http://...) of an S3 server other than Amazon's.")
    ] = None,
    without_missing: WithoutMissing = False,
) -> None:
    """Move DVC's remote to another address, with its files."""
    models.leave()
    print(f"{configure.relocate(address, endpoint, without_missing)}: commit that")


def links(
    kind: Annotated[
        configure.Links, Argument(metavar="KIND", help="copies, or hardlinks for large data.")
    ],
) -> None:
    """Choose copies or hard links for files that DVC's cache has."""
    models.leave()
    configure.use(kind)
    if kind is configure.Links.hardlinks:
        print("files that DVC has are links: replace one, or `dvc unprotect FILE` before an edit")
    else:
        print("files that DVC has are copies")


def gc(
    cloud: Annotated[bool, Option("--cloud", help="Also delete at DVC's remote.")] = False,
    older_than: Annotated[
        float, Option(min=0, metavar="DAYS", help="Keep files at the remote that are younger.")
    ] = 30,
    dry_run: Annotated[bool, Option("--dry-run", help="Only list what would be deleted.")] = False,
    yes: Annotated[bool, Option("--yes", help="Do not ask.")] = False,
    without_missing: WithoutMissing = False,
) -> None:
    """Delete cached files that no commit, branch or tag needs.

    Files that a stash or an experiment needs stay as well. Of colleagues it knows, with --cloud,
    what they have pushed to the Git remote. Use it instead of `dvc gc`, which can delete what a
    rollback needs.
    """
    models.leave()
    from mlrepo.storage import garbage

    def agree(places: list[garbage.Place]) -> bool:
        print(*places, sep="\n")
        if dry_run or yes or not any(place.times for place in places):
            return yes and not dry_run
        if not sys.stdin.isatty():
            raise ProjectError("nothing is deleted: no terminal to ask in, so give --yes")
        return typer.confirm("Delete these?")

    if not garbage.collect(cloud, older_than, without_missing, agree):
        print("nothing is deleted")
