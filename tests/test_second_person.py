"""The set-up of a clone: the second person of a team gets data and models from DVC's remote."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Project
from helpers import Copy, Stages, assert_set_up, bootstrap, clone, copy_project

pytestmark = pytest.mark.slow

ALL = ["environment", "prepare", "train", "evaluate", "card"]


@pytest.fixture(scope="module")
def packages(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the session's environment; uv replaces files, so that links cost no time."""
    folder = tmp_path_factory.mktemp("packages") / ".venv"
    shutil.copytree(project.path / ".venv", folder, symlinks=True, copy_function=os.link)
    return folder


@pytest.fixture
def second(project: Project, packages: Path, tmp_path: Path) -> Iterator[Copy]:
    """A clone beside the first person's copy, with neither data nor models nor a cache."""
    first = copy_project(project, tmp_path / "penguins")
    first.run("dvc", "push", "--quiet")
    # As Git for Windows is set up, and on Linux as well.
    settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.autocrlf"}
    new = clone(first, tmp_path / "second", **settings, GIT_CONFIG_VALUE_0="true")
    new.git("config", "core.autocrlf", "true")
    packages.rename(new.path / ".venv")
    yield Copy(new.path, replace(project, path=new.path))
    (new.path / ".venv").rename(packages)


def strange_shell(folder: Path) -> dict[str, str]:
    """Variables of a shell where conda is active, modules come from elsewhere, text is ASCII."""
    (folder / "elsewhere").mkdir()
    for name in ("numpy", "dvc", "mlrepo"):  # of which a set-up in a clone needs two
        (folder / f"elsewhere/{name}.py").write_text("raise SystemExit('not the project')\n")
    return {
        "CONDA_PREFIX": str(folder / "elsewhere"),
        "CONDA_DEFAULT_ENV": "base",
        "PYTHONPATH": str(folder / "elsewhere"),
        "PYTHONSAFEPATH": "1",
        "LC_ALL": "POSIX",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }


def test_a_clone_gets_data_and_models_from_the_remote(project: Project, second: Copy) -> None:
    # In a shell with all that may lead Python elsewhere.
    shell = strange_shell(second.path.parent)
    said = bootstrap(second, check=True, **shell).stdout
    assert Stages.of(said) == Stages([], [])
    assert re.search(r"^\d+ files pulled$", said, re.MULTILINE)
    assert_set_up(second, project)

    again = bootstrap(second)
    assert "pulled" not in again.stdout
    # The proof in the README.
    text = (second.path / "README.md").read_text(encoding="utf-8")
    proof = re.search(r" uv run (dvc repro --force) && (git diff --exit-code) && uv run", text)
    assert proof is not None
    assert Stages.of(second.run(*proof[1].split()).stdout).ran == ALL
    second.run(*proof[2].split())
    second.run("python", "-m", "mlrepo.commands", "doctor")
    assert_set_up(second, project)


def test_a_clone_whose_remote_is_gone_is_set_up_and_told(project: Project, second: Copy) -> None:
    storage = second.path.parent / "penguins-remote"
    storage.rename(storage.with_name("moved"))
    done = bootstrap(second)
    assert "Traceback" not in done.stderr
    assert f"remote 'storage': DVC's remote 'storage' ({storage}) cannot be reached" in done.stdout
    modify = "uv run dvc remote modify --local storage url ADDRESS"
    assert f"`{modify}` says where; then `uv run model pull` brings them" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("==> Set up but for data and models")
    assert not storage.exists()
    assert second.changed() == []
    assert second.git("config", "core.hooksPath") == ".githooks"
    assert not (second.path / "models/model.skops").exists()

    second.run(*modify.split()[2:-1], str(storage.with_name("moved")))
    second.run("python", "-m", "mlrepo.commands", "pull")
    assert_set_up(second, project)
    bootstrap(second)
    assert_set_up(second, project)
