"""The first commit of a project: `python -m <package>.first_commit`, as set-up does.

It is made once. From then on what changes is the user's to commit.
"""

import subprocess
import tomllib
from pathlib import Path

from .errors import ProjectError, run
from .git import ask, git

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
    own = ask("rev-parse", "--show-prefix") == ""
    # A repository of our own has no commit yet, one around this folder has none of its files.
    begun = ask("rev-parse", "--verify", "HEAD") if own else ask("ls-tree", "HEAD", "--", ".")
    if not begun:
        if own and MARK.exists():
            for lock in Path(git("rev-parse", "--git-dir").strip()).rglob("*.lock"):
                lock.unlink()
        MARK.parent.mkdir(parents=True, exist_ok=True)
        MARK.touch()
        _commit(own)
        MARK.unlink()
    changes = git("status", "--short", "--", ".").splitlines()
    if changes:
        more = [f"  and {len(changes) - 10} more"] if len(changes) > 10 else []
        print("\n".join(["Not committed, which is up to you:", *changes[:10], *more]))


def _commit(own: bool) -> None:
    git("add", "--all", "--", ".")
    staged = git("diff", "--cached", "--name-only", "--relative", "-z", "--", *DVC_FOLDERS)
    for path in filter(None, staged.split("\0")):
        if not path.endswith(FOR_GIT):
            git("rm", "-r", "--cached", "--quiet", "--force", "--", ".")
            raise ProjectError(
                f"{path} would be committed to Git, from a folder whose content is DVC's: "
                f"`dvc add {path}` keeps it in DVC, a line in .gitignore keeps it out"
            )
    # What else is staged in a repository around this folder stays as it is.
    only = [] if own else ["--", "."]
    command = ["git", *_author(), "commit", "--quiet", "--message", MESSAGE, *only]
    if subprocess.run(command, check=False).returncode:
        raise ProjectError("Git refused the first commit: mend what it says and run this again")
    print(git("log", "-1", "--format=%h %s").strip())


def _author() -> list[str]:
    """Return the options that name an author where the user has not told Git one."""
    if ask("var", "GIT_AUTHOR_IDENT") and ask("var", "GIT_COMMITTER_IDENT"):
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


if __name__ == "__main__":
    run(first_commit)
