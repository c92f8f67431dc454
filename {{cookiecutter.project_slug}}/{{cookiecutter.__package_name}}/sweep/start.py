"""Begin a sweep, or go on with one: look at everything first, then work in a copy of the commit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .. import freshness, git
from ..errors import ProjectError
from ..files import atomic
from ..output import Tell
from . import PATH, TRIALS, space
from .alone import alone

_PLACE = Path(".dvc/tmp/sweep")
_PACKAGE = (__package__ or "").partition(".")[0]


def start(file: Path, tell: Tell) -> int:
    """Try what ``file`` says on the last commit, and return the exit code.

    Nothing in this folder changes but what is in .dvc/ and Git's refs/exps.

    Raises:
        ProjectError: if it cannot begin.
    """
    sweep = space.load_sweep(file)
    space.refuse_unknown(sweep, str(file))
    commit = clean_commit(file)
    git.identity()
    freshness.report().refuse_stale("the last commit is not up to date:")
    folder = _PLACE / f"{sweep.name}-{commit[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / "lock", f"the sweep '{sweep.name}' is at work already"):
        _refuse_another(sweep, folder, file)
        with atomic(folder / PATH) as partial:
            shutil.copyfile(file, partial)
        copy = folder / "copy"
        tell(f"copy {commit[:7]} to {copy}")
        try:
            project = _copy(commit, copy)
            return _work(project, folder.resolve(), commit)
        finally:
            shutil.rmtree(copy, ignore_errors=True)


def clean_commit(file: Path) -> str:
    """Return the last commit, which this folder must be as it is; ``file`` may differ.

    Raises:
        ProjectError: if there is none, or files differ from it.
    """
    if not Path(".dvc").is_dir():
        raise ProjectError(f"{Path.cwd()} is no DVC project: it has no folder .dvc")
    prefix = git.folder_in_repository()
    commit = git.ask("rev-parse", "--quiet", "--verify", "HEAD")
    if commit is None:
        raise ProjectError("there is no commit yet: a sweep is of a commit")
    options = ("--porcelain", "--untracked-files=no", "--no-renames", "-z")
    status = git.git("status", *options, "--", ".")
    own = Path(os.path.relpath(file)).as_posix()
    changed = [line[3:].removeprefix(prefix) for line in status.split("\0") if line]
    changed = [path for path in changed if path != own]
    if changed:
        raise ProjectError(
            f"a sweep is of the last commit, which lacks the changes in {', '.join(changed[:5])}: "
            "commit or `git stash` them"
        )
    return commit


def _refuse_another(sweep: space.Sweep, folder: Path, file: Path) -> None:
    """Trials of two spaces under one name would say nothing."""
    before = folder / PATH
    if (folder / TRIALS).exists() and not space.load_sweep(before).same_but_for_trials(sweep):
        raise ProjectError(
            f"{file} is not what the sweep '{sweep.name}' began with on this commit, and only "
            f"`trials` may change under way: give it another name ({before} is what it began with)"
        )


def _copy(commit: str, folder: Path) -> Path:
    """Check the commit out in a repository of its own; return the project in it."""
    shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
    top = git.git("rev-parse", "--show-toplevel").strip()
    git.git("clone", "--quiet", "--shared", "--no-checkout", top, str(folder))
    git.git("-C", str(folder), "checkout", "--quiet", "--detach", commit)
    return folder / git.folder_in_repository()


def _work(copy: Path, folder: Path, commit: str) -> int:
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Nothing may come before the code of the copy.
    hidden = ("PYTHONPATH", "PYTHONSAFEPATH")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    process = subprocess.Popen(
        [sys.executable, "-m", f"{_PACKAGE}.sweep.worker", str(folder), str(Path.cwd()), commit],
        cwd=copy,
        env={**kept, "PATH": scripts},
        stdin=subprocess.DEVNULL,
        close_fds=False,  # with the lock, for as long as it works
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        return process.wait()  # it was told as well, and says what is kept
