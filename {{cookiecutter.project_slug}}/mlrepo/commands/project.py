"""Look after the project: its health, and its data and models in DVC's remote."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, Context, Option

from mlrepo.commands.options import AllVersions, Json, Offline, WithoutMissing, end
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.output import as_json, report
from mlrepo.storage import configure, transfer


def doctor(offline: Offline = False, json: Json = False) -> None:
    """Look at tools, packages, hooks, locks, cache, remotes and rules; say what helps."""
    from mlrepo.storage.doctor import examine
    from mlrepo.versions.rules import here

    checks = examine(offline) | here.examine()
    print(as_json(checks) if json else report(checks))
    end(not any(checks.values()))


def schema(
    force: Annotated[bool, Option("--force", help="Replace the one that is there.")] = False,
    json: Json = False,
) -> None:
    """Propose a schema for the table of params.yaml, and say what looks odd in the table."""
    from mlrepo.adoption.fields import infer
    from mlrepo.core import column_params, owner
    from mlrepo.tables.schema import marked_private

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
        Literal["classification", "regression"] | None, Option(help="If the guess is wrong.")
    ] = None,
    id_columns: Annotated[
        list[str] | None, Option("--id", help="A column that names a row; again for more.")
    ] = None,
    formats: Annotated[
        list[str] | None,
        Option("--format", metavar="COLUMN=FORMAT", help="How a date is written, if asked for."),
    ] = None,
    purpose: Annotated[str | None, Option(help="What the model is for.")] = None,
    source: Annotated[str | None, Option(help="Where the table is from.")] = None,
    licence: Annotated[str | None, Option(help="Under which licence, such as CC-BY-4.0.")] = None,
    limits: Annotated[
        list[str] | None, Option("--limit", help="What nobody should use it for; again for more.")
    ] = None,
) -> None:
    """Take a table as the project's own: schema, params and scores; what is not said is asked."""
    from mlrepo.adoption import start as adoption
    from mlrepo.core.owner import load_params

    params = load_params()
    pairs = dict(each.partition("=")[::2] for each in formats or ())
    given = adoption.Given(
        target, task, id_columns or [], pairs, purpose, source, licence, limits or []
    )
    found = adoption.start(context.obj / table, given, params, _ask)
    print(found.as_text())
    adoption.run(found, params)
    scores()
    print("Look at params.yaml, schema.yaml and `git diff`, and commit them")


def _ask(option: str, choices: list[str]) -> str:
    says = f" ({', '.join(choices[:40])})" if choices else ""
    if not sys.stdin.isatty():
        raise ProjectError(f"nothing is changed: nobody can be asked here, so say {option}{says}")
    return str(typer.prompt(f"{option}{says}"))


def status() -> None:
    """Say whether dvc.lock belongs to the params, code and data that are here, without DVC."""
    from mlrepo.pipeline.status import check

    end(check())


def scores() -> None:
    """Print the test scores of the last run."""
    from mlrepo.scoring.score_report import last_run

    print(last_run())


def push(all_versions: AllVersions = False) -> None:
    """Send data and model of this commit to DVC's remote, or say in seconds why not."""
    transfer.transfer("push", all_versions)


def pull(all_versions: AllVersions = False) -> None:
    """Bring data and model of this commit from DVC's remote, or say in seconds why not."""
    transfer.transfer("pull", all_versions)


def remote(
    address: Annotated[
        str, Argument(metavar="ADDRESS", help="A folder, or s3://, gs://, azure:// or ssh://.")
    ],
    endpoint: Annotated[
        str | None, Option(help="http://... of a server that speaks S3 and is not Amazon's.")
    ] = None,
    without_missing: WithoutMissing = False,
) -> None:
    """Move DVC's remote to another address, with all that any commit needs."""
    print(f"{configure.relocate(address, endpoint, without_missing)}: commit that")


def links(
    kind: Annotated[
        configure.Links, Argument(metavar="KIND", help="copies, or hardlinks for large data.")
    ],
) -> None:
    """Choose how files in this folder relate to DVC's cache: copies or hard links."""
    configure.use(kind)
    if kind is configure.Links.hardlinks:
        print("files that DVC has are links: replace one, or `dvc unprotect FILE` before an edit")
    else:
        print("files that DVC has are copies")


def gc(
    cloud: Annotated[bool, Option("--cloud", help="At DVC's remote as well.")] = False,
    older_than: Annotated[
        float, Option(min=0, metavar="DAYS", help="What is younger stays at the remote.")
    ] = 30,
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, Option("--yes", help="Do not ask.")] = False,
    without_missing: WithoutMissing = False,
) -> None:
    """Free DVC's cache of what no commit, tag or experiment needs.

    Use it instead of `dvc gc`, which can delete what a rollback needs.
    """
    from mlrepo.storage import garbage

    def agree(places: list[garbage.Place]) -> bool:
        print(*places, sep="\n")
        if dry_run or yes or not any(place.times for place in places):
            return yes and not dry_run
        if not sys.stdin.isatty():
            raise ProjectError("nothing is deleted: `--yes` agrees where nobody can be asked")
        return typer.confirm("Delete these?")

    if not garbage.collect(cloud, older_than, without_missing, agree):
        print("nothing is deleted")
