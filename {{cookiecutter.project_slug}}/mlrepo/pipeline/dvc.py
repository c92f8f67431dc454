"""DVC's own commands, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from mlrepo.core.errors import ProjectError
from mlrepo.core.errors.shell import quoted
from mlrepo.pipeline.output import last_words

# botocore tries five times with growing pauses, and that for each file.
FEW_ATTEMPTS = {"AWS_MAX_ATTEMPTS": "2"}
_DVC = (sys.executable, "-m", "dvc")


def dvc(*arguments: str, fix: str = "fix what it says above") -> None:
    """Run a command in view of the user."""
    if subprocess.run([*_DVC, *arguments], env=variables(), check=False).returncode:
        raise ProjectError(f"`dvc {' '.join(map(quoted, arguments))}` failed: {fix}")


def dvc_in_silence(*arguments: str) -> None:
    """Run a command and show nothing of it."""
    run_in_silence(
        [*_DVC, *arguments], f"`dvc {' '.join(map(quoted, arguments))}` failed", variables()
    )


def run_in_silence(
    command: list[str], trouble: str, env: dict[str, str], cwd: Path | None = None
) -> str:
    """Return what any command prints; if it fails, raise ``trouble`` with its last lines."""
    done = subprocess.run(
        command,
        env=env,
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise ProjectError(f"{trouble}:\n  {last_words(done)}\n  Fix that, and run this again")
    return done.stdout


def variables() -> dict[str, str]:
    """Return variables with which `python` is that of this environment, as stages expect."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, **FEW_ATTEMPTS, "PATH": path}


def no_copies_here() -> str:
    """Return why DVC makes no copies of this folder for experiments, "" where it does.

    It gives Git the place of a copy as an address, in which # and ? have a meaning.
    """
    here = Path.cwd()
    letter = next((each for each in "#?" if each in str(here)), "")
    if not letter:
        return ""
    return (
        f"{here} has {letter} in its path, below which DVC's experiments in a copy fail: rename "
        "that folder, or run `dvc exp run` without --temp and --queue"
    )
