"""Begin a sweep, or go on with one: look at everything first, then work in a copy of the commit."""

import shutil
import signal
import subprocess
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from mlrepo.core.errors import EXIT_INTERRUPTED, ProjectError, known
from mlrepo.core.files import atomic
from mlrepo.core.paths import above, in_project
from mlrepo.pipeline import git, status
from mlrepo.pipeline.dvc import variables
from mlrepo.pipeline.output import Tell
from mlrepo.sweep import PATH, TRIALS, interrupt
from mlrepo.sweep.space import Sweep, load_sweep, refuse_unknown

WORKER_LOCK = "worker.lock"
_PLACE = ".dvc/tmp/sweep"
_PATIENCE = 1  # seconds that a worker has to hear a Ctrl-C by itself


def start(file: Path, tell: Tell) -> int:
    """Try what ``file`` says on the last commit, and return the exit code.

    Nothing in this folder changes but what is in .dvc/ and Git's refs/exps.
    """
    interrupt.listen()
    with interrupt.heard():
        return _start(file, tell)


def _start(file: Path, tell: Tell) -> int:
    sweep = load_sweep(file)
    refuse_unknown(sweep, str(file))
    commit = clean_commit(file)
    git.identity()
    status.report().refuse_stale("the last commit is not up to date:")
    folder = in_project(_PLACE) / f"{sweep.name}-{commit[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / "lock", sweep), ExitStack() as at_the_end:
        # The worker takes this one itself, and works on where this process alone is killed.
        with alone(folder / WORKER_LOCK, sweep):
            before = folder / PATH
            if (folder / TRIALS).exists() and not sweep.same_but_for_trials(load_sweep(before)):
                # Trials of two spaces under one name would say nothing.
                raise ProjectError(
                    f"{file} is not what the sweep '{sweep.name}' began with on this commit, and "
                    "only `trials` may change under way: give it another name "
                    f"({before} is what it began with)"
                )
            with atomic(before) as partial:
                shutil.copyfile(file, partial)
            # Not shutil's, which leaves what is read-only on Windows, where no clone fits then.
            from dvc.utils.fs import remove  # type: ignore[import-untyped]

            copy = folder / "copy"
            tell(f"copy {commit[:7]} to {copy}")
            remove(copy)  # of a process that was killed
            at_the_end.callback(remove, copy)
            project = git.clone(commit, copy)
        return _work(project, folder.resolve(), commit, tell)


def alone(lock: Path, sweep: Sweep) -> AbstractContextManager[object]:
    """Take a lock that ends with the block, or with this process; refuse if another has it."""
    try:
        return FileLock(lock).acquire(timeout=0)
    except Timeout:
        raise ProjectError(f"the sweep '{sweep.name}' is at work already") from None


def clean_commit(file: Path) -> str:
    """Return the last commit, which this folder must be as it is; ``file`` may differ."""
    if not in_project(".dvc").is_dir():
        fix = known.brought_back(".dvc", "`dvc init` makes it")
        raise ProjectError(f"{Path.cwd()} is no DVC project, as it has no folder .dvc: {fix}")
    return git.require_clean_commit(besides=file, untracked=False)


def _work(copy: Path, folder: Path, commit: str, tell: Tell) -> int:
    # Nothing may come before the code of the copy.
    hidden = ("PYTHONPATH", "PYTHONSAFEPATH")
    kept = {name: value for name, value in variables().items() if name not in hidden}
    if above():  # the code of the copy is above the model's folder in it
        kept["PYTHONPATH"] = str(copy.resolve().parent)
    command = [sys.executable, "-m", "mlrepo.sweep.worker", str(folder), str(Path.cwd()), commit]
    interrupt.check()
    with interrupt.held():
        process = subprocess.Popen(command, cwd=copy, env=kept, stdin=subprocess.DEVNULL)
        code = end_of(process, tell)
    if code == -signal.SIGINT:
        # So ends a Python in which a Ctrl-C came while a text was run (`exec`, as named tuples do
        # when they are imported), whatever exit code it was told after it had caught that.
        return EXIT_INTERRUPTED
    if code < 0:
        raise ProjectError(
            f"signal {-code} ended the process that tries ({signal.strsignal(-code)}; 9 is most "
            "often for want of memory): the same command goes on from the last trial"
        )
    return code


def end_of(worker: "subprocess.Popen[bytes]", tell: Tell) -> int:
    """Return the exit code of a worker, which a Ctrl-C ends soon, and a second one at once."""
    try:
        try:
            interrupt.listen()
            return worker.wait()
        except KeyboardInterrupt:
            return _stop(worker, tell)
    except KeyboardInterrupt:
        worker.kill()  # which costs the trial under way, and no other
        worker.wait()
        raise


def _stop(worker: "subprocess.Popen[bytes]", tell: Tell) -> int:
    # A terminal tells the worker as well; who ends a job of CI, or uses `kill`, this process alone.
    try:
        return worker.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        if sys.platform != "win32":
            worker.send_signal(signal.SIGINT)
        tell("end the trial under way (Ctrl-C again does that at once)")
        return worker.wait()
