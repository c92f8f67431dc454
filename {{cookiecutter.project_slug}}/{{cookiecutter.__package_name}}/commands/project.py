"""Look after the project: its health, and its data and models in DVC's remote."""

from typing import Annotated

import typer

from ..errors import ProjectError
from ..links import Links
from ..output import as_json, report
from .app import AllVersions, Json, app


@app.command()
def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Ask no remote.")] = False,
    json: Json = False,
) -> None:
    """Look at tools, packages, hooks, locks, cache and remotes; name what is wrong and its mend."""
    from ..doctor import examine

    checks = examine(offline)
    print(as_json(checks) if json else report(checks))
    if any(checks.values()):
        raise typer.Exit(1)


@app.command()
def push(all_versions: AllVersions = False) -> None:
    """Send data and model of this commit to DVC's remote, or say in seconds why not."""
    from ..transfer import transfer

    transfer("push", all_versions)


@app.command()
def pull(all_versions: AllVersions = False) -> None:
    """Bring data and model of this commit from DVC's remote, or say in seconds why not."""
    from ..transfer import transfer

    transfer("pull", all_versions)


@app.command()
def remote(
    address: Annotated[str, typer.Argument(help="A folder, or s3://, gs://, azure:// or ssh://.")],
    endpoint: Annotated[
        str | None, typer.Option(help="http://... of a server that speaks S3 and is not Amazon's.")
    ] = None,
) -> None:
    """Let DVC's remote be at another address; `model push --all` then sends every version there."""
    from ..relocate import relocate

    found = relocate(address, endpoint)
    print(f"DVC's remote '{found.name}' is {found.url}: commit that, and `model push --all`")
    if not found.writable:
        raise ProjectError(found.says)


@app.command(name="links")
def choose_links(
    kind: Annotated[Links, typer.Argument(help="What a file here is to the same in the cache.")],
) -> None:
    """Let DVC copy files out of its cache on this machine, or for large data link them to it."""
    from ..links import use

    use(kind)
    if kind is Links.hardlinks:
        print("files that DVC has are links: replace one, or `dvc unprotect FILE` before an edit")
    else:
        print("files that DVC has are copies")


@app.command()
def gc(
    cloud: Annotated[bool, typer.Option("--cloud", help="At DVC's remote as well.")] = False,
) -> None:
    """Free DVC's cache of what no commit, tag or experiment needs.

    Other forms of `dvc gc` delete what a rollback goes back to.
    """
    from ..transfer import collect_garbage

    collect_garbage(cloud)
