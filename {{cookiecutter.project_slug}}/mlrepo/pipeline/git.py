"""Git, asked as a person would ask it."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError, known
from mlrepo.core.errors.shell import quoted
from mlrepo.core.files import atomic
from mlrepo.core.paths import above
from mlrepo.pipeline.output import few, last_words


def git(*arguments: str, given: str | None = None, **variables: str) -> str:
    """Return what a Git command prints."""
    done = run(*arguments, given=given, **variables)
    if done.returncode:
        said = known.of_git(last_words(done))
        raise ProjectError(f"`git {' '.join(map(quoted, arguments[:3]))}` failed: {said}")
    return done.stdout


def ask(*arguments: str) -> str | None:
    """Return what a Git command prints, without outer white space; None if it fails."""
    done = run(*arguments)
    return None if done.returncode else done.stdout.strip()


def origin() -> str | None:
    """Return the Git remote that versions are shared through; None without any.

    It is origin, which no branch changes; else the one that `git push` takes by its own rules.

    Raises:
        ProjectError: if there are several, and Git has no rule which.
    """
    remotes = git("remote").split()
    if "origin" in remotes or not remotes:
        return "origin" if remotes else None
    branch = f"branch.{ask('symbolic-ref', '--quiet', '--short', 'HEAD')}"
    for key in (f"{branch}.pushRemote", "remote.pushDefault", f"{branch}.remote"):
        if (chosen := ask("config", key)) in remotes:
            return chosen
    if len(remotes) == 1:
        return remotes[0]
    raise ProjectError(
        f"none of the Git remotes {', '.join(remotes)} is origin, and no rule of Git's says which "
        "has the versions: `git config remote.pushDefault NAME` does"
    )


def default_branch(remote: str) -> str | None:
    """Return the name of a remote's default branch; None where it has none yet."""
    head, prefix = f"refs/remotes/{remote}/HEAD", f"refs/remotes/{remote}/"
    known = ask("symbolic-ref", "--quiet", head)
    if known is None:
        said = ask("ls-remote", "--symref", remote, "HEAD") or ""
        found = re.match(r"ref: refs/heads/(\S+)\tHEAD\n.", said)
        if found is None:
            return None
        known = prefix + found[1]
        git("symbolic-ref", head, known)
    return known.removeprefix(prefix)


def history(fetch: bool = False) -> list[str]:
    """Return every commit that a branch, a tag, a stash or an experiment leads to.

    ``fetch`` brings what colleagues have pushed, also experiments, and refuses a shallow clone.
    """
    pushed: list[str] = []
    if fetch:
        # A version that another clone has registered since is none of this clone's tags yet.
        git("fetch", "--quiet", "--all", "--tags")
        if git("rev-parse", "--is-shallow-repository").strip() == "true":
            raise ProjectError(
                "this clone lacks the commits before some point, so that it does not know what "
                "they need: `git fetch --unshallow` brings them"
            )
        for name in git("remote").split():
            listed = git("ls-remote", name, "refs/exps/*").split()
            # Their commits alone: no reference here is made.
            git("fetch", "--quiet", "--no-tags", "--stdin", name, given="\n".join(listed[1::2]))
            pushed += listed[::2]
    return git("rev-list", "--stdin", "--all", given="\n".join(pushed)).split()


def identity() -> str:
    """Return who Git says is at work: name and address."""
    return git("var", "GIT_COMMITTER_IDENT").rsplit(" ", 2)[0]


def commit(message: str, otherwise: Callable[[], tuple[str, str]], *only: str) -> None:
    """Commit what is staged, in view of the user, as hooks may have something to say.

    Args:
        message: of the commit.
        otherwise: gives name and address of an author, where Git knows none.
        only: options and paths that limit what is committed.
    """
    author: list[str] = []
    if not (ask("var", "GIT_AUTHOR_IDENT") and ask("var", "GIT_COMMITTER_IDENT")):
        name, email = otherwise()
        author = ["-c", f"user.name={name}", "-c", f"user.email={email}"]
    command = ["git", *author, "commit", "--quiet", "--message", message, *only]
    if subprocess.run(command, check=False).returncode:
        raise ProjectError("Git refused the commit: fix what it says above and run this again")


def require_clean_commit(besides: Path | None = None, *, untracked: bool = True) -> str:
    """Return the last commit, which must hold all that is in the project's folder.

    Args:
        besides: a file that may differ.
        untracked: whether a file that Git does not know counts as well.
    """
    folder_in_repository()  # which tells where there is no repository, or another's
    last = ask("rev-parse", "--quiet", "--verify", "HEAD")
    if last is None:
        raise ProjectError("there is no commit yet: `git add -A && git commit` makes one")
    new = f"--untracked-files={'normal' if untracked else 'no'}"
    listed = git("status", "--porcelain", "--no-renames", "-z", new, "--", above() or ".")
    lines = [line for line in listed.split("\0") if line]
    paths = from_here(line[3:] for line in lines)
    changes = {path: line[:2] for path, line in zip(paths, lines, strict=True)}
    if besides:
        changes.pop(Path(os.path.relpath(besides)).as_posix(), None)
    if changes:
        what = "not all is committed: commit or `git stash` it first"
        shown = few([f"{how} {path}" for path, how in changes.items()])
        raise ProjectError("\n  ".join([what, *shown]))
    return last


def from_here(paths: Iterable[str]) -> list[str]:
    """Return paths from the top of the repository as paths from this folder."""
    top = git("rev-parse", "--show-cdup").strip()
    return [Path(os.path.relpath(top + path)).as_posix() for path in paths]


def clone(commit: str, folder: Path) -> Path:
    """Check a commit out in a repository of its own; return the project in it.

    The objects of this repository are used and not copied.
    """
    top = git("rev-parse", "--show-toplevel").strip()
    git("clone", "--quiet", "--shared", "--no-checkout", top, str(folder))
    git("-C", str(folder), "checkout", "--quiet", "--detach", commit)
    return folder / folder_in_repository()


@cache
def folder_in_repository() -> str:
    """Return the path from the top of the Git repository to this folder: "" or "folder/"."""
    prefix = find_repository()
    if prefix is None:
        raise ProjectError(f"{Path.cwd()} is in no Git repository: `python bootstrap.py` makes one")
    return prefix


def find_repository() -> str | None:
    """Return the path from the top of the Git repository to this folder, None if it is in none."""
    done = run("rev-parse", "--show-prefix")
    if "not a git repository (or any" in done.stderr:
        return None
    if done.returncode:  # of another user, say: Git has words for it, and the way out
        raise ProjectError(f"Git refuses the repository of {Path.cwd()}: {last_words(done)}")
    return done.stdout.removesuffix("\n")


def file_at(commit: str, path: str) -> str:
    """Return the text of a file of this folder as it is in ``commit``."""
    return bytes_at(commit, path).decode("utf-8", errors="replace")


def bytes_at(commit: str, path: str) -> bytes:
    """Return the content of a file of this folder as it is in ``commit``."""
    command = ["git", "cat-file", "blob", f"{commit}:./{path}"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise ProjectError(f"the commit {commit[:7]} has no {path}")
    return done.stdout


def objects(oids: list[str]) -> list[bytes]:
    """Return the content of objects of this repository, in their order."""
    command, asked = ["git", "cat-file", "--batch"], "\n".join(oids).encode()
    said = subprocess.run(command, input=asked, capture_output=True, check=True).stdout
    found, start = [], 0
    for _ in oids:
        head = said.index(b"\n", start) + 1
        end = head + int(said[start:head].split()[2])
        found.append(said[head:end])
        start = end + 1
    return found


def recall(name: str) -> dict[str, Any]:
    """Return what `keep` has put into a file of Git's folder, {} if it cannot be read."""
    with suppress(OSError, ValueError):
        return dict(json.loads(_place(name).read_text(encoding="utf-8")))
    return {}


def keep(name: str, content: dict[str, Any]) -> None:
    """Put into a file of Git's folder, if that can be written, what only saves time."""
    with suppress(OSError, ProjectError), atomic(_place(name)) as partial:
        partial.write_text(json.dumps(content), encoding="utf-8")


def _place(name: str) -> Path:
    return Path(git("rev-parse", "--git-path", name).strip())


def tree(commit: str) -> dict[str, str]:
    """Return path -> hash of each file of the project in ``commit``; paths start in this folder."""
    lines = git("ls-tree", "-r", "-z", commit, "--", above() or ".").split("\0")[:-1]
    entries = (line.partition("\t") for line in lines)
    return {path: kind.split()[2] for kind, _, path in entries if " blob " in kind}


def paths_at(commit: str) -> set[str]:
    """Return the paths of all files of the project in ``commit``, from this folder."""
    return set(tree(commit))


def run(
    *arguments: str, given: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a Git command, which may fail."""
    try:
        return subprocess.run(
            ["git", *arguments],
            input=given or "",
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **variables},
            check=False,
        )
    except FileNotFoundError:
        raise ProjectError("git is not installed: see https://git-scm.com") from None
