"""The first commit of a project: `python -m <package>.first_commit`, as set-up does.

It is made once. From then on what changes is the user's to commit.
"""

import subprocess
import tomllib
from pathlib import Path

from .errors import ProjectError, run

MESSAGE = "Pin data, params, code, environment and model"
# Folders of DVC: Git keeps nothing of them but these.
DVC_FOLDERS = ("data", "models")
FOR_GIT = (".dvc", ".gitignore", ".gitkeep", ".md")
# There while Git is at work: after a kill it tells that the locks which Git left are nobody's.
MARK = Path(".dvc/tmp/first-commit")


def first_commit() -> None:
    """Commit this folder, and nothing else of a repository around it, if Git has none of it.

    Raises:
        ProjectError: if data or a model would be committed, or Git refuses.
    """
    own = _git("rev-parse", "--show-prefix") == ""
    # A repository of our own has no commit yet, one around this folder has none of its files.
    begun = _git("rev-parse", "--verify", "HEAD") if own else _git("ls-tree", "HEAD", "--", ".")
    if not begun:
        if own and MARK.exists():
            for lock in Path(_need("rev-parse", "--git-dir")).rglob("*.lock"):
                lock.unlink()
        MARK.parent.mkdir(parents=True, exist_ok=True)
        MARK.touch()
        _commit(own)
        MARK.unlink()
    changes = _need("status", "--short", "--", ".").splitlines()
    if changes:
        more = [f"  and {len(changes) - 10} more"] if len(changes) > 10 else []
        print("\n".join(["Not committed, which is up to you:", *changes[:10], *more]))


def _commit(own: bool) -> None:
    _need("add", "--all", "--", ".")
    staged = _need("diff", "--cached", "--name-only", "--relative", "-z", "--", *DVC_FOLDERS)
    for path in filter(None, staged.split("\0")):
        if not path.endswith(FOR_GIT):
            _need("rm", "-r", "--cached", "--quiet", "--force", "--", ".")
            raise ProjectError(
                f"{path} would be committed to Git, from a folder whose content is DVC's: "
                f"`dvc add {path}` keeps it in DVC, a line in .gitignore keeps it out"
            )
    # What else is staged in a repository around this folder stays as it is.
    only = [] if own else ["--", "."]
    command = ["git", *_author(), "commit", "--quiet", "--message", MESSAGE, *only]
    if subprocess.run(command, check=False).returncode:
        raise ProjectError("Git refused the first commit: mend what it says and run this again")
    print(_need("log", "-1", "--format=%h %s"))


def _author() -> list[str]:
    """Return the options that name an author where the user has not told Git one."""
    if _git("var", "GIT_AUTHOR_IDENT") and _git("var", "GIT_COMMITTER_IDENT"):
        return []
    with Path("pyproject.toml").open("rb") as file:
        author = tomllib.load(file)["project"]["authors"][0]
    name, email = author["name"], author.get("email", "author@localhost")
    print(
        f"Git does not know your name: this commit is by {name}. For the next ones:\n"
        "  git config --global user.name 'Your Name'\n"
        "  git config --global user.email you@example.com"
    )
    return ["-c", f"user.name={name}", "-c", f"user.email={email}"]


def _need(*arguments: str) -> str:
    answer = _git(*arguments, show=True)
    if answer is None:
        raise ProjectError(f"`git {' '.join(arguments)}` failed: mend what it says, run this again")
    return answer


def _git(*arguments: str, show: bool = False) -> str | None:
    """Return what Git prints, None if it fails; ``show`` lets its complaint through."""
    done = subprocess.run(
        ["git", *arguments],
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return None if done.returncode else done.stdout.rstrip()


if __name__ == "__main__":
    run(first_commit)
