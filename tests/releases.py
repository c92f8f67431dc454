"""Copies with a Git remote and DVC's remote beside them, and what `model` says there."""

import csv
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import Project
from helpers import QUICK, Copy, copy_project, sha256
from once import once_in

MODEL = "models/model.skops"
RAW = "data/raw/penguins.csv"
TEST = "data/prepared/test.parquet"
OLDER = "threadpoolctl==3.6.0"  # of what scikit-learn needs


@dataclass(frozen=True)
class Released(Copy):
    """A copy in a folder that holds all that belongs to it, so that it can be copied as a whole."""

    @property
    def origin(self) -> Path:
        """The Git remote."""
        return self.path.parent / "origin.git"

    @property
    def storage(self) -> Path:
        """DVC's remote."""
        return self.path.parent / "penguins-remote"

    def model(
        self, *arguments: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `model` as the project's command line does."""
        return self.run("python", "-m", "mlrepo.commands", *arguments, check=check, **variables)

    def json(self, *arguments: str, **variables: str) -> Any:
        """Return what `model ... --json` prints."""
        return json.loads(self.model(*arguments, "--json", check=True, **variables).stdout)

    def push(self) -> None:
        """Send data and model to DVC's remote, then the commits; the hook has nothing to add."""
        self.run("dvc", "push", "--quiet")
        self.run("git", "push", "--quiet", "--no-verify", "origin", "HEAD")

    def ready(self, message: str, params: dict[str, Any] | None = None, **variables: str) -> None:
        """Run the pipeline, commit and push everything."""
        self.set_params(params or {})
        self.repro(**variables)
        self.commit(message)
        self.push()

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a part of a text file, at its first place."""
        text = (self.path / path).read_text(encoding="utf-8")
        assert old in text
        (self.path / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    def commit_anyway(self) -> str:
        """Commit all that has changed past the hook, which refuses what is stale."""
        self.run("git", "commit", "--quiet", "--all", "--no-verify", "--message", "Changed")
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str) -> str:
        """Return the hash of a tag, "" if there is none."""
        return self.git("for-each-ref", "--format=%(objectname)", f"refs/tags/{name}")

    def record(self, version: str) -> Any:
        """Return the record of a version."""
        return json.loads(self.model("record", version).stdout)

    def recorded(self, version: str) -> dict[str, str]:
        """Return path -> SHA-256 of each file in a record, those in folders among them."""
        found: dict[str, str] = {}
        for path, entry in self.record(version)["files"].items():
            parts = {f"{path}/{name}": each for name, each in entry.get("parts", {}).items()}
            found |= {name: each["sha256"] for name, each in (parts or {path: entry}).items()}
        return found

    def object(self, path: str) -> Path:
        """Return the path of a file of dvc.lock below the cache and the remote."""
        outs = [out for stage in self.lock()["stages"].values() for out in stage["outs"]]
        deps = [dep for stage in self.lock()["stages"].values() for dep in stage["deps"]]
        md5 = next(file["md5"] for file in [*outs, *deps] if file["path"] == path)
        return Path("files/md5", md5[:2], md5[2:])

    def state(self) -> dict[str, Any]:
        """Return all that a refused command must leave as it is."""
        there = self.run("git", "ls-remote", "origin", check=False).stdout
        return {
            "here": self.run("git", "show-ref", check=False).stdout,
            "there": there,
            "on": self.run("git", "symbolic-ref", "HEAD", check=False).stdout,
            "changes": self.changed(),
            "files": {str(path): sha256(path) for path in self._files()},
        }

    def _files(self) -> list[Path]:
        return [path for path in (self.path / "models").iterdir() if path.is_file()]


def new_released(project: Project, folder: Path) -> Released:
    """Return a copy of the project, in `folder`, with a small model that is pushed everywhere."""

    def make(at: Path) -> Path:
        released = Released(copy_project(project, at / "penguins").path, project)
        released.run("git", "init", "--quiet", "--bare", str(released.origin))
        released.run("git", "remote", "add", "origin", "../origin.git")
        released.ready("A small model", QUICK)
        return at

    made = once_in(project.path.parent, "released", make)
    shutil.copytree(made, folder, symlinks=True, dirs_exist_ok=True)
    return Released(folder / "penguins", project)


def two_versions(project: Project, folder: Path) -> Released:
    """Return v1.0.0 in staging, then v1.1.0 in prod and in staging; HEAD is v1.1.0."""
    new = new_released(project, folder)
    new.model("register", "-m", "The first one")
    new.model("promote", "v1", "staging", "-m", "To try it")
    new.ready("More trees", {"train.arguments": {"n_estimators": 6}})
    new.model("register", "-m", "More trees")
    new.model("promote", "v1.1", "prod", "-m", "It is better")
    new.model("promote", "v1.1", "staging", "-m", "So that both are the same")
    return new


def three_versions(project: Project, folder: Path) -> Released:
    """Return five commits with other data, params, code and packages, three of them versions."""
    new = new_released(project, folder)
    new.model("register", "-m", "The first one")

    new.ready("More trees", {"train.arguments": {"n_estimators": 6}})

    head, *rows = read_rows(new)
    write_rows(new, [head, *rows[:-12], *([*row[:-1], "2009"] for row in rows[:5])])
    with (new.path / "penguins/model.py").open("a", encoding="utf-8") as file:
        file.write("\n\n# Reviewed.\n")
    new.ready("New rows, and code", {"train.arguments": {"n_estimators": 7}})
    new.model("register", "-m", "New rows\n\nSeen in the field.")

    packages = str(new.path.parent / "packages")
    new.run("uv", "lock", "--quiet", "--upgrade-package", OLDER)
    new.run("uv", "pip", "install", "--quiet", "--target", packages, OLDER)
    new.ready("An older package", PYTHONPATH=packages)

    head, *rows = read_rows(new)
    write_rows(new, [[*head, "wing"], *([*row, str(20 + n % 7)] for n, row in enumerate(rows))])
    with (new.path / "schema.yaml").open("a", encoding="utf-8") as file:
        file.write("- name: wing\n  type: integer\n")
    new.ready("The wing", {"train.seed": 3}, PYTHONPATH=packages)
    refused(new, "register", "-m", "It knows the wing", words=["threadpoolctl", "`uv sync`"])
    new.model("register", "--bump", "major", "-m", "It knows the wing", PYTHONPATH=packages)
    return new


def read_rows(copy: Copy) -> list[list[str]]:
    """Return the raw table."""
    with (copy.path / RAW).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def write_rows(copy: Copy, rows: list[list[str]]) -> None:
    """Replace the raw table."""
    with (copy.path / RAW).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    copy.run("dvc", "add", "--quiet", RAW)


def copied(released: Released, folder: Path) -> Released:
    """Copy everything to `folder`, which must not exist."""
    shutil.copytree(released.path.parent, folder, symlinks=True)
    return Released(folder / released.path.name, released.project)


def push_first(released: Released) -> None:
    """Let DVC's remote have the files of the first commit, which no version is of."""
    released.run("git", "checkout", "--quiet", released.git("rev-list", "--max-parents=0", "HEAD"))
    released.run("dvc", "push", "--quiet")
    released.run("git", "checkout", "--quiet", "main")


def refused(
    released: Released, *command: str, words: list[str], code: int = 2, **variables: str
) -> str:
    """Run `model` and demand its exit code, one message with all `words`, and nothing changed."""
    before = released.state()
    done = released.model(*command, check=False, **variables)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    steps = [line for line in done.stderr.splitlines() if line.startswith("- ")]
    message = done.stderr.partition("error: ")[2]
    assert message, done.stderr
    assert done.stderr.splitlines()[: len(steps)] == steps
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in message
    assert released.state() == before
    return message


def wrong(copy: Released, version: str = "v1.1", *options: str) -> dict[str, str]:
    """Verify a version that does not hold; return check -> what is wrong."""
    done = copy.model("verify", version, "--json", *options, check=False)
    assert done.returncode == 1, f"{done.stdout}\n{done.stderr}"
    said = json.loads(done.stdout)
    assert said["ok"] is False
    return {name: "\n".join(found) for name, found in said["checks"].items() if found}


def flip(path: Path) -> None:
    """Change one byte of a file that may be read-only, as DVC leaves those of its cache."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    path.chmod(mode)
