"""Commands that a job runs in view of whoever reads its log, and what it leaves behind."""

import os
import subprocess
import sys
from pathlib import Path

from ..errors import ProjectError

FOLDER = Path("reports/ci")  # Git ignores it


def say(step: str) -> None:
    """Announce a step, in its order among what commands print."""
    print(f"==> {step}", flush=True)


def module(name: str, *arguments: str) -> int:
    """Run a module of this environment in view; return its exit code."""
    done = subprocess.run([sys.executable, "-m", name, *arguments], env=active(), check=False)
    return done.returncode


def need(name: str, *arguments: str, mend: str) -> None:
    """Run a module in view.

    Raises:
        ProjectError: if it fails.
    """
    if module(name, *arguments):
        raise ProjectError(f"`{name} {' '.join(arguments)}` failed: {mend}")


def active() -> dict[str, str]:
    """Return variables with which `python` is the project's own, as the stages expect."""
    scripts = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")])}


def summarize(text: str) -> bool:
    """Add Markdown to the page of the job, where the provider has one."""
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    return bool(page)
