"""Bring an experiment of a sweep into this folder, and let DVC make it again to compare."""

import subprocess
import sys
from pathlib import Path

from .. import git, locks
from ..errors import ProjectError
from ..output import Tell
from .experiments import best, namespace
from .space import load_sweep
from .start import clean_commit


def apply(file: Path, name: str | None, tell: Tell) -> tuple[str, list[str]]:
    """Apply an experiment, the best unless named, and run every stage again without DVC's caches.

    Returns:
        Its name, and the outputs that came out with other bytes than those recorded.

    Raises:
        ProjectError: if there is none, this folder has changes, or DVC fails.
    """
    sweep, commit = load_sweep(file), clean_commit(file)
    if name is None:
        name = best(commit, sweep.name, sweep.metric).name
    elif git.ask("rev-parse", "--quiet", "--verify", f"{namespace(commit)}/{name}") is None:
        raise ProjectError(f"there is no experiment {name} on {commit[:7]}: see `dvc exp show`")
    tell(f"apply {name}")
    _dvc("exp", "apply", name)
    recorded = _outs()
    tell("run every stage again")
    pointers = {path: path.read_bytes() for path in Path("data").rglob("*.dvc")}
    _dvc("repro", "--force", "--no-run-cache")
    for path, content in pointers.items():  # a forced run pins an import to the newest version
        path.write_bytes(content)
    made = _outs()
    return name, [path for path in recorded if made.get(path) != recorded[path]]


def _outs() -> dict[str, object]:
    """Return output -> MD5 of each dvc.lock here."""
    return {
        out["path"]: out["md5"] for entry in locks.here().values() for out in entry.get("outs", [])
    }


def _dvc(*arguments: str) -> None:
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        said = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise ProjectError(f"`dvc {' '.join(arguments)}` failed:\n  {said}")
