"""Look after the project: its health, and its data and models in DVC's remote."""

import sys
from typing import Annotated

import typer
from typer import Argument, Option

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
    from mlrepo.core.owner import load_params
    from mlrepo.tables.infer_schema import propose

    params = load_params()
    found = propose(params, force)
    if json:
        print(as_json(found.as_dict()))
        return
    path = params.data.table_schema
    print(found.as_text())
    print(f"{path} written: check it before the first `dvc repro`")


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
    found, said = configure.relocate(address, endpoint, without_missing)
    print(f"{said}\nDVC's remote '{found.name}' is {found.url}: commit that")
    if found.refusal:
        raise found.refusal


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
