"""The environment is part of the graph: an upgrade runs again what it can change, and no more."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from conftest import Project
from helpers import QUICK, Copy, copy_project

STAGES = ["prepare", "train", "evaluate"]


@pytest.fixture(scope="module")
def own(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A project with a small model and an environment of its own."""
    copy = copy_project(project, tmp_path_factory.mktemp("upgrades") / "penguins")
    (copy.path / ".venv").unlink()
    copy = Copy(copy.path, replace(project, path=copy.path))
    copy.run("uv", "sync", "--frozen")
    copy.set_params(QUICK)
    copy.repro()
    copy.commit("A small model")
    return copy


@pytest.fixture
def copy(own: Copy) -> Iterator[Copy]:
    yield own
    own.run("git", "reset", "--quiet", "--hard")
    own.run("uv", "sync", "--frozen")
    own.run("dvc", "checkout")


def locked(copy: Copy, package: str) -> str:
    """Return the version in uv.lock."""
    found = re.search(rf'^name = "{package}"\nversion = "(.+)"$', text(copy), re.MULTILINE)
    assert found
    return found[1]


def text(copy: Copy) -> str:
    return (copy.path / "uv.lock").read_text(encoding="utf-8")


def lock_another(copy: Copy, package: str) -> tuple[str, str]:
    """Lock an earlier version that pyproject.toml allows; return the old and the new one.

    The first set-up took the latest, so that every other one is earlier.
    """
    before = locked(copy, package)
    copy.run("uv", "lock", "--upgrade-package", f"{package}<{before}")
    after = locked(copy, package)
    assert after != before
    assert copy.changed() == [" M uv.lock"]
    return before, after


def refused(copy: Copy, *command: str) -> str:
    """Return the message of a stage that does not run."""
    result = copy.run(*command, check=False)
    assert result.returncode != 0
    found = re.search(r"^error: (.*\n(?: {7}.*\n)*)", result.stderr, re.MULTILINE)
    assert found, result.stderr
    return found[1]


def test_another_scikit_learn_trains_again(copy: Copy) -> None:
    first = copy.outputs()
    lock_another(copy, "scikit-learn")
    copy.run("uv", "sync")
    assert copy.repro().ran == ["environment", "train", "evaluate", "card"]
    assert copy.run("dvc", "status", "--quiet").returncode == 0
    assert copy.repro().ran == []

    copy.run("git", "checkout", "--quiet", ".")
    copy.run("uv", "sync")
    assert copy.repro().ran == []
    assert copy.outputs() == first
    assert copy.changed() == []


def test_another_developer_tool_runs_environment_alone(copy: Copy) -> None:
    first, lock = copy.outputs(), copy.path / "environment/dvc.lock"
    before = lock.read_bytes()
    _, after = lock_another(copy, "ruff")
    copy.run("uv", "sync")
    assert after in copy.run("ruff", "--version").stdout
    assert copy.repro().ran == ["environment"]
    assert copy.outputs() == first
    assert lock.read_bytes() != before


def test_a_lock_that_is_not_installed_is_refused(copy: Copy) -> None:
    before, after = lock_another(copy, "scikit-learn")
    copy.set_params({"train.arguments": {"n_estimators": 6}})  # in no run cache
    message = refused(copy, "dvc", "repro")
    assert message.startswith(f"scikit-learn {before} is installed, env.json has {after}\n")
    assert "`uv sync`" in message
    copy.run("uv", "sync")
    assert copy.repro().ran == ["train", "evaluate", "card"]


@pytest.mark.parametrize("stage", STAGES)
def test_an_environment_that_no_run_has_seen_is_refused(copy: Copy, stage: str) -> None:
    first = copy.outputs()
    before, after = lock_another(copy, "scikit-learn")
    copy.run("uv", "sync")
    message = refused(copy, "python", "-m", "mlrepo", stage)
    assert message.startswith(f"scikit-learn {after} is installed, env.json has {before}\n")
    assert "`dvc repro`" in message
    assert copy.outputs() == first
