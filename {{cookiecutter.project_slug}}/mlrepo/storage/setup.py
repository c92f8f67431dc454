"""Two steps of setting a project up: `python -m mlrepo.storage.setup data`, and `... commit`."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError, exit_with_message
from mlrepo.core.errors.shell import quoted
from mlrepo.core.files import atomic
from mlrepo.pipeline import models
from mlrepo.pipeline.dvc import dvc, no_copies_here
from mlrepo.pipeline.git import ask, commit, find_repository, git
from mlrepo.storage import imports
from mlrepo.storage.remote import open_repo
from mlrepo.storage.transfer import transfer

MESSAGE = "Pin data, params, code, environment and model"
LATER = 75  # exit code for bootstrap.py, which is content with that
# Folders of DVC: Git keeps nothing of them but these.
DVC_FOLDERS = ("data", "models")
FOR_GIT = (".dvc", ".gitignore", ".gitkeep", ".md")
# There while Git is at work: after a kill it tells that the locks which Git left are nobody's.
MARK = Path(".dvc/tmp/first-commit")
_INDEX = """# The index of uv.lock, which uv leaves as it is where it is told of another one.
[[tool.uv.index]]
name = "locked"
url = "{}"
explicit = true

"""
_BEHIND = "[tool.uv.build-backend]"


def begin() -> None:
    """Make what a clone has already: a Git repository with hooks, and the raw data."""
    if trouble := no_copies_here():
        print(f"Warning: {trouble}")
    repository()
    name_index()
    print("==> Raw data", flush=True)
    keep_raw_data()


def repository() -> None:
    """Make a Git repository where there is none, and turn the project's hooks on in its own."""
    prefix = find_repository()
    # A folder that the repository around it ignores can only be kept in one of its own.
    if prefix is None or (prefix and ask("check-ignore", "-q", ".") is not None):
        print("==> Git repository")
        git("init", "--quiet", "--initial-branch=main")
    elif prefix:
        print("==> Git repository: the one around this folder; its hooks stay as they are")
        return
    hooks = ask("config", "core.hooksPath")
    if hooks is None:
        git("config", "core.hooksPath", ".githooks")
    elif hooks != ".githooks":
        print(f"==> Git hooks: core.hooksPath is {hooks} already, so .githooks is not in use")


def name_index() -> None:
    """Name the index of a new uv.lock in pyproject.toml: else uv, told of another, locks anew."""
    if ask("cat-file", "-e", "HEAD:./uv.lock") is not None:
        return
    found = re.search(r'{ registry = "(http[^"]+)"', Path("uv.lock").read_text(encoding="utf-8"))
    path = Path("pyproject.toml")
    text = path.read_bytes().decode()
    if found and "[[tool.uv.index]]" not in text:
        named = text.replace(_BEHIND, _INDEX.format(found[1]) + _BEHIND)
        with atomic(path) as partial:
            partial.write_bytes(named.encode())


def keep_raw_data() -> None:
    """Put the raw data into DVC's cache, and what is absent back from there or, in a clone, pull.

    A file that is not what its .dvc file says is left alone: `dvc repro` would take it for the new
    version without a word.
    """
    places = [Path(folder, "data") for folder in ("", *models.folders())]
    pointers = sorted(path.as_posix() for data in places for path in data.rglob("*.dvc"))
    if not pointers:
        return
    absent = []
    with open_repo() as repo:
        for pointer in pointers:
            stage = repo.stage.load_one(pointer)
            if not (stage.is_import and stage.outs[0].exists):
                absent += _keep(repo, pointer, stage.outs[0])
        for imported in imports.find(repo, all_tags=False):
            imported.keep()
    if absent:
        _bring(absent)


def _bring(absent: list[str]) -> None:
    """Pull data and models of a clone, or say how it is done later: all else is set up by then."""
    try:
        if ask("cat-file", "-e", "HEAD:./dvc.lock") is not None:
            transfer("pull", all_versions=False)
        else:
            dvc("pull", *absent)  # nobody has run the pipeline, so there is no more to bring
    except ProjectError as error:
        with open_repo() as repo:
            name = repo.config["core"].get("remote")
        if name is None:
            raise ProjectError(f"{', '.join(absent)} is not on this machine: {error}") from None
        print(
            f"No data and models from DVC's remote '{name}': {error}\n"
            f"If it is elsewhere for you, `uv run dvc remote modify --local {name} url ADDRESS` "
            "says where; then `uv run model pull` brings them"
        )
        sys.exit(LATER)


def _keep(repo: Any, pointer: str, out: Any) -> list[str]:
    """Return the path if the file is nowhere on this machine."""
    from dvc.exceptions import CheckoutError  # type: ignore[import-untyped]

    in_cache = not out.changed_cache()
    if not out.exists:
        try:
            repo.checkout([pointer])
        except CheckoutError:
            return [str(out)]
    elif out.changed_checksum():
        old = (
            f"`dvc checkout --force {quoted(pointer)}` brings the old one back"
            if in_cache
            else "the old one is not in DVC's cache"
        )
        raise ProjectError(
            f"{out} is not what {pointer} says: `dvc add {quoted(out)}` takes the new content; "
            f"{old}"
        )
    elif not in_cache:
        out.commit()
    return []


def first_commit() -> None:
    """Commit this folder, and nothing else of a repository around it, if Git has none of it.

    It is made once. From then on what changes is the user's to commit.
    """
    own = ask("rev-parse", "--show-prefix") == ""
    # A repository of our own has no commit yet, one around this folder has none of its files.
    begun = ask("rev-parse", "--verify", "HEAD") if own else ask("ls-tree", "HEAD", "--", ".")
    if not begun:
        if own and MARK.exists():
            for lock in Path(git("rev-parse", "--git-dir").strip()).rglob("*.lock"):
                lock.unlink()
        MARK.parent.mkdir(parents=True, exist_ok=True)
        MARK.touch()
        git("add", "--all", "--", ".")
        _refuse_data()
        # What else is staged in a repository around this folder stays as it is.
        commit(MESSAGE, _author, *([] if own else ["--", "."]))
        print(git("log", "-1", "--format=%h %s").strip())
        MARK.unlink()
    changes = git("status", "--short", "--", ".").splitlines()
    if changes:
        more = [f"  and {len(changes) - 10} more"] if len(changes) > 10 else []
        print("\n".join(["Not committed, which is up to you:", *changes[:10], *more]))


def _refuse_data() -> None:
    staged = git("diff", "--cached", "--name-only", "--relative", "-z", "--", *DVC_FOLDERS)
    for path in filter(None, staged.split("\0")):
        if not path.endswith(FOR_GIT):
            git("rm", "-r", "--cached", "--quiet", "--force", "--", ".")
            raise ProjectError(
                f"{path} would be committed to Git, from a folder whose content is DVC's: "
                f"`dvc add {quoted(path)}` keeps it in DVC, a line in .gitignore keeps it out"
            )


def _author() -> tuple[str, str]:
    """Return the project's author, for a user who has not told Git a name."""
    with Path("pyproject.toml").open("rb") as file:
        author = tomllib.load(file)["project"]["authors"][0]
    print(
        f"Git does not know your name: this commit is by {author['name']}. For the next ones:\n"
        "  git config --global user.name 'Your Name'\n"
        "  git config --global user.email you@example.com"
    )
    return author["name"], author.get("email", "author@localhost")


if __name__ == "__main__":
    exit_with_message({"data": begin, "commit": first_commit}[sys.argv[1]])
