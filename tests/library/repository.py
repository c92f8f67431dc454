"""A Git repository in the current folder, for tests of what reads commits."""

import shutil
import subprocess
from pathlib import Path

from mlrepo.storage.store import Stored


class PathStore:
    """A store whose hashes are the paths of its files."""

    def fetch(self, stored: Stored, target: Path, _: str | None) -> None:
        """Copy a file to ``target``."""
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(stored.md5, target)

    def parts(self, stored: Stored) -> list[Stored]:
        """Return the files of a folder."""
        files = sorted(Path(stored.md5).iterdir())
        return [Stored(f"{stored.path}/{file.name}", str(file)) for file in files]


def git(*arguments: str) -> str:
    """Run Git as a known author and return what it prints."""
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    done = subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit() -> str:
    """Commit all that is here and return the commit."""
    git("add", "--all")
    git("commit", "--quiet", "--message", "A commit")
    return git("rev-parse", "HEAD")
