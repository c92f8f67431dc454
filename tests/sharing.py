"""Copies whose DVC remote is a bucket, and what commands say of one that cannot be used."""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from conftest import Project
from helpers import LONG, copy_project
from releases import Released
from servers import S3

IN_SECONDS = 15  # a remote that cannot be used is told within that: this is the requirement
NAMED = "DVC's remote 'storage'"
MANY = 2001 if LONG else 801  # files of a folder that takes long enough to be cut short


@dataclass(frozen=True)
class Sharer(Released):
    """A copy that has the server's credentials and a bucket of its own."""

    s3: S3
    bucket: str

    def run(
        self, *command: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with credentials, or with those that ``variables`` give."""
        return super().run(*command, check=check, **{**self.s3.variables, **variables})

    def objects(self) -> dict[str, Path]:
        """Return MD5 -> file of all that is in the bucket."""
        return md5s(self.s3.folder / self.bucket / "penguins/files/md5")

    def cached(self) -> dict[str, Path]:
        """Return MD5 -> file of all that is in the cache."""
        return md5s(self.path / ".dvc/cache/files/md5")

    def clone(self, name: str) -> "Sharer":
        """Clone the Git remote, with an empty cache."""
        folder = self.path.parent / name
        self.run("git", "clone", "--quiet", str(self.origin), str(folder))
        (folder / ".venv").symlink_to(self.project.path / ".venv", target_is_directory=True)
        with (folder / ".git/info/exclude").open("a", encoding="utf-8") as exclude:
            exclude.write("/.venv\n")
        return Sharer(folder, self.project, self.s3, self.bucket)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the background."""
        program = shutil.which(command[0], path=self.project.active()["PATH"])
        assert program
        return subprocess.Popen(
            [program, *command[1:]],
            cwd=self.path,
            env={**self.project.active(), **self.s3.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def told(self, *command: str, **variables: str) -> str:
        """Run a command that cannot use the remote: it fails in time, with one line about it."""
        environment = {**self.project.active(), **self.s3.variables, **variables}
        program = shutil.which(command[0], path=environment["PATH"])
        assert program
        done = subprocess.run(
            [program, *command[1:]],
            cwd=self.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=IN_SECONDS,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode in (1, 2), said
        return one_line(said)

    def manage(self, folder: str) -> None:
        """Give DVC a folder below data/raw with MANY files, all but one of them small."""
        place = self.path / "data/raw" / folder
        place.mkdir()
        for number in range(MANY - 1):
            (place / f"{number}.bin").write_bytes(pseudorandom(number, 5_000))
        (place / "one.bin").write_bytes(pseudorandom(-1, 20_000_000 if LONG else 5_000_000))
        self.run("dvc", "add", "--quiet", f"data/raw/{folder}")
        self.commit(f"Add {folder}")


def share(project: Project, folder: Path, s3: S3, bucket: str) -> Sharer:
    """Copy a project that is for S3 to ``folder``, with a bucket and a Git remote of its own."""
    s3.make_bucket(bucket)
    copy = copy_project(project, folder / "penguins")
    sharer = Sharer(copy.path, project, s3, bucket)
    sharer.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(sharer.origin))
    sharer.run("git", "remote", "add", "origin", str(sharer.origin))
    sharer.run("model", "remote", f"s3://{bucket}/penguins", "--endpoint", s3.url)
    sharer.commit("A bucket")
    return sharer


def one_line(said: str) -> str:
    """Return the only line that names the remote; there is no traceback."""
    assert "Traceback" not in said
    lines = [line.strip() for line in said.replace("\r", "\n").splitlines() if NAMED in line]
    assert len(lines) == 1, said
    return lines[0]


def md5s(folder: Path) -> dict[str, Path]:
    """Return MD5 -> file for DVC's objects below ``folder``, each of which must be whole.

    A name that is no MD5 is what a killed server was writing.
    """
    found = {}
    for path in folder.glob("??/*"):
        if not path.name.removesuffix(".dir").isalnum():
            continue
        digest = md5(path)
        assert path.parent.name + path.name.removesuffix(".dir") == digest, f"{path} is not whole"
        found[digest] = path
    return found


def md5(path: Path) -> str:
    """Return the MD5 of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def pseudorandom(seed: int, size: int) -> bytes:
    """Return bytes that no compression makes smaller, the same each time."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


def tree(folder: Path) -> dict[str, str]:
    """Return path -> MD5 of every file below ``folder``."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): md5(path) for path in files}
