"""Copies of the set-up project that a test may change, and what their files and runs say."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Project, run
from once import once_in

# Of the first commit.
MESSAGE = "Pin data, params, code, environment and model"

# More rounds of races and kills, each kind of them, and larger files.
LONG = os.environ.get("LONG") == "1"
in_long_form = pytest.mark.skipif(not LONG, reason="LONG=1 runs it")

PATIENCE = 300  # seconds that a moment may take to come

# Small enough to run often: five trees, no cross-validation, short intervals.
QUICK = {
    "train.arguments": {"n_estimators": 5},
    "train.cross_validation": 0,
    "evaluate.intervals.resamples": 100,
    "evaluate.importance_repeats": 1,
}
# Of a table that is not the example's.
OWN_CARD: dict[str, object] = {
    "card.purpose": "To test.",
    "card.data": {"source": "made by a test", "licence": "CC0-1.0"},
    "card.limits": [],
}


@dataclass(frozen=True)
class Copy:
    """A copy of the set-up project, run with the environment of the original."""

    path: Path
    project: Project

    def run(
        self, *command: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` in the copy; `check` demands exit code 0."""
        return self.project.run(*command, cwd=self.path, check=check, **variables)

    def repro(self, *options: str, **variables: str) -> "Stages":
        """Run `dvc repro` and return what it did with each stage."""
        return Stages.of(self.run("dvc", "repro", *options, check=True, **variables).stdout)

    def set_params(self, values: dict[str, Any]) -> None:
        """Change params.yaml; the keys are dotted."""
        path = self.path / "params.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key, value in values.items():
            *sections, last = key.split(".")
            node = content
            for section in sections:
                node = node[section]
            node[last] = value
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def commit(self, message: str) -> str:
        """Commit everything and return the commit."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """Return what Git prints."""
        return self.run("git", *arguments).stdout.strip()

    def changed(self) -> list[str]:
        """Return the lines of `git status --porcelain`: state and path."""
        return self.run("git", "status", "--porcelain").stdout.splitlines()

    def outputs(self) -> dict[str, str]:
        """Return the SHA-256 of the model's dvc.lock, and of all outputs of the pipeline."""
        paths = ["dvc.lock", "env.json"]
        for stage in self.lock()["stages"].values():
            paths += [out["path"] for out in stage["outs"]]
        files = [name for path in paths for name in self.files(path)]
        return {path: sha256(self.path / path) for path in files}

    def files(self, path: str) -> list[str]:
        """Return the files of a folder; a file is its own only one."""
        place = self.path / path
        if not place.is_dir():
            return [path]
        return sorted(f"{path}/{each.name}" for each in place.iterdir())

    def lock(self) -> dict[str, Any]:
        """Return the content of dvc.lock."""
        text = (self.path / "dvc.lock").read_text(encoding="utf-8")
        content: dict[str, Any] = yaml.safe_load(text)
        return content

    def lines(self, path: str) -> list[str]:
        """Return the lines of a text file."""
        return (self.path / path).read_text(encoding="utf-8").splitlines()

    def json(self, *command: str) -> Any:
        """Run a command in the copy and return the JSON that it prints."""
        return json.loads(self.run(*command).stdout)

    def read(self, path: str) -> Any:
        """Return the content of a JSON file."""
        return json.loads((self.path / path).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Stages:
    """What a run of the pipeline did: names of stages, in order."""

    ran: list[str]
    restored: list[str]

    @classmethod
    def of(cls, output: str) -> "Stages":
        """Read the output of `dvc repro` or `dvc exp run`."""
        return cls(
            ran=re.findall(r"^Running stage '(?:.*:)?(\w+)':", output, re.MULTILINE),
            restored=re.findall(r"^Stage '(\w+)' is cached - skipping run", output, re.MULTILINE),
        )


def copy_project(project: Project, folder: Path) -> Copy:
    """Copy the set-up project to `folder`, which must not exist; its environment is a link.

    Its DVC remote is relative to it, so that the copy has an empty one of its own.
    """
    return _copy(project.path, project, folder)


def copy_again(source: Copy, folder: Path) -> Copy:
    """Copy a copy with its cache and all that is not committed."""
    return _copy(source.path, source.project, folder)


def own_environment(project: Project, folder: Path) -> Project:
    """Copy the set-up project with an environment of its own, for what packages are added to."""
    path = copy_project(project, folder).path
    (path / ".venv").unlink()
    own = Project(path, project.environment, project.setup)
    own.run("uv", "sync", "--quiet", "--frozen")
    return own


def quick_project(project: Project, folder: Path) -> Copy:
    """Copy the set-up project to `folder`; the last commit of the copy holds a small model."""

    def make(at: Path) -> Path:
        copy = copy_project(project, at / "penguins")
        copy.set_params(QUICK)
        copy.repro()
        copy.commit("A small model")
        return copy.path

    return copy_again(Copy(once_in(project.path.parent, "quick", make), project), folder)


def _copy(source: Path, project: Project, folder: Path) -> Copy:
    shutil.copytree(
        source, folder, symlinks=True, ignore=shutil.ignore_patterns(".venv", "__pycache__")
    )
    (folder / ".venv").symlink_to(project.path / ".venv", target_is_directory=True)
    # .gitignore names the folder .venv/, which a link is not.
    with (folder / ".git/info/exclude").open("a", encoding="utf-8") as exclude:
        exclude.write("/.venv\n")
    return Copy(folder, project)


def clone(source: Copy, folder: Path, **variables: str) -> Copy:
    """Clone a copy to `folder` beside it, so that both have the same relative DVC remote."""
    source.run("git", "clone", "--quiet", str(source.path), str(folder), check=True, **variables)
    return Copy(folder, source.project)


def bootstrap(copy: Copy, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run bootstrap.py as a user does, without the project's environment in front."""
    variables = {**copy.project.environment, **variables}
    return run(sys.executable, "bootstrap.py", cwd=copy.path, environment=variables, check=check)


def assert_set_up(copy: Copy, project: Project) -> None:
    """One commit, a clean tree, and the same outputs as everywhere."""
    assert copy.git("log", "--format=%s").splitlines() == [MESSAGE]
    assert copy.changed() == []
    assert copy.git("config", "core.hooksPath") == ".githooks"
    assert copy.outputs() == Copy(project.path, project).outputs()
    assert copy.run("dvc", "status", "--quiet").returncode == 0
    assert not list((copy.path / ".dvc/tmp").glob("bootstrap.sync"))
    assert not list((copy.path / ".dvc/tmp").glob("first-commit"))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
