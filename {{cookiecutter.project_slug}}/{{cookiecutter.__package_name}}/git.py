"""Git, asked as a person would ask it."""

import os
import subprocess
from functools import cache
from pathlib import Path

from .errors import ProjectError


def git(*arguments: str, given: str | None = None, **variables: str) -> str:
    """Return what a Git command prints.

    Raises:
        ProjectError: with Git's own words, if it fails.
    """
    done = _run(arguments, given, variables)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise ProjectError(f"`git {' '.join(arguments[:3])}` failed: {said}")
    return done.stdout


def ask(*arguments: str) -> str | None:
    """Return what a Git command prints, without outer white space; None if it fails."""
    done = _run(arguments, None, {})
    return None if done.returncode else done.stdout.strip()


def said_of(*arguments: str) -> tuple[bool, str]:
    """Return whether a Git command succeeds, and all that it says."""
    done = _run(arguments, None, {})
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def origin() -> str | None:
    """Return the Git remote that versions are shared through: origin, or the only one."""
    remotes = (ask("remote") or "").split()
    return "origin" if "origin" in remotes else remotes[0] if len(remotes) == 1 else None


def identity() -> str:
    """Return who Git says is at work: name and address.

    Raises:
        ProjectError: if Git does not know.
    """
    return git("var", "GIT_COMMITTER_IDENT").rsplit(" ", 2)[0]


@cache
def folder_in_repository() -> str:
    """Return the path from the top of the Git repository to this folder: "" or "folder/"."""
    prefix = ask("rev-parse", "--show-prefix")
    if prefix is None:
        raise ProjectError(f"{Path.cwd()} is in no Git repository: `python bootstrap.py` makes one")
    return prefix


def file_at(commit: str, path: str) -> str:
    """Return the text of a file of this folder as it is in ``commit``.

    Raises:
        ProjectError: if the commit has no such file.
    """
    return bytes_at(commit, path).decode("utf-8", errors="replace")


def bytes_at(commit: str, path: str) -> bytes:
    """Return the content of a file of this folder as it is in ``commit``.

    Raises:
        ProjectError: if the commit has no such file.
    """
    command = ["git", "cat-file", "blob", f"{commit}:./{path}"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise ProjectError(f"the commit {commit[:7]} has no {path}")
    return done.stdout


def paths_at(commit: str) -> set[str]:
    """Return the paths of all files of this folder in ``commit``."""
    listed = git("ls-tree", "-r", "--name-only", "-z", commit, "--", ".")
    return set(filter(None, listed.split("\0")))


def _run(
    arguments: tuple[str, ...], given: str | None, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", *arguments],
            input=given if given is not None else "",
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **variables},
            check=False,
        )
    except FileNotFoundError:
        raise ProjectError("git is not installed: see https://git-scm.com") from None
