"""Keep the raw data in DVC's cache: `python -m <package>.raw_data`, as set-up and merges do.

A file that is not what its .dvc file says is left alone: `dvc repro` would take it for the new
version without a word.
"""

import json
import subprocess
import sys
from pathlib import Path

from . import imported, strict_yaml
from .errors import ProjectError, run

FOLDER = Path("data")


def secure() -> None:
    """Put tracked files into the cache, and absent ones back from there.

    Raises:
        ProjectError: if a file has changed, or is neither here nor in the cache.
    """
    pointers = sorted(path.as_posix() for path in FOLDER.rglob("*.dvc"))
    if not pointers:
        return
    for pointer, name, state in _changes(pointers):
        if state == "modified":
            raise ProjectError(
                f"{name} is not what {pointer} says: `dvc add {name}` takes the new content, "
                f"`dvc checkout --force {pointer}` brings the old one back"
            )
        if not Path(name).exists():
            if _dvc("checkout", pointer).returncode:
                raise ProjectError(f"{name} is not on this machine: `dvc pull` fetches it")
            continue
        if "deps" in strict_yaml.load(Path(pointer)):
            imported.keep_all()
            continue
        # Without --force it refuses a file that has changed since.
        done = _dvc("commit", pointer)
        if done.returncode and "commit changed stage" in done.stderr:
            raise ProjectError(
                f"{name} is not what {pointer} says: `dvc add {name}` takes the new content; "
                "the old one is not in DVC's cache"
            )
        if done.returncode:
            raise ProjectError(f"`dvc commit {pointer}` failed: {done.stderr.strip()}")


def _changes(pointers: list[str]) -> list[tuple[str, str, str]]:
    """Return (pointer, file, what is wrong: modified, deleted or not in cache)."""
    done = _dvc("status", "--no-updates", "--json", *pointers)  # asks no bucket for newer data
    if done.returncode:
        raise ProjectError(f"`dvc status` failed: {done.stderr.strip()}")
    return [
        (pointer, name, state)
        for pointer, changes in json.loads(done.stdout).items()
        for change in changes
        if isinstance(change, dict)
        for name, state in change.get("changed outs", {}).items()
    ]


def _dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


if __name__ == "__main__":
    run(secure)
