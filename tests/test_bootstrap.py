"""bootstrap.py ends with one commit and a clean tree, wherever it starts and whenever it is killed.

Most cases start from copies of the project that is set up already, so that only what a case is
about costs time; one environment of their own goes from copy to copy.
"""

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from conftest import Project, run
from helpers import LONG, MESSAGE, PATIENCE, Copy, Stages, assert_set_up, bootstrap
from setting_up import running

pytestmark = pytest.mark.slow

ALL = ["environment", "prepare", "train", "evaluate", "card"]
HERE = "{}.{}".format(*sys.version_info)


@pytest.fixture(scope="module")
def packages(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the session's environment; uv replaces files, so that links cost no time."""
    folder = tmp_path_factory.mktemp("packages") / ".venv"
    shutil.copytree(project.path / ".venv", folder, symlinks=True, copy_function=os.link)
    return folder


@pytest.fixture
def begun(project: Project, packages: Path, tmp_path: Path) -> Iterator[Copy]:
    """A copy of the project that was set up, with an environment but without a repository."""
    folder = tmp_path / "around" / "penguins"
    leave = shutil.ignore_patterns(".venv", ".git", "__pycache__")
    shutil.copytree(project.path, folder, ignore=leave)
    packages.rename(folder / ".venv")
    yield Copy(folder, replace(project, path=folder))
    (folder / ".venv").rename(packages)


@pytest.fixture
def done(project: Project, begun: Copy) -> Copy:
    """A copy with its repository."""
    shutil.copytree(project.path / ".git", begun.path / ".git")
    return begun


def test_a_fresh_folder_ends_with_one_commit(project: Project) -> None:
    said = project.setup.stdout
    steps = re.findall(r"^==> (.*)", said, re.MULTILINE)
    # Where uv is, if a new terminal may not find it.
    assert [each for each in steps if not each.startswith("uv, in ")] == [
        f"Python {HERE}",
        "Environment",
        "Git repository",
        "Raw data",
        "Plots that need no network",
        "Pipeline",
        "Metrics",
        "First commit",
    ]
    assert Stages.of(said).ran == ALL
    assert said.splitlines()[-1].endswith(MESSAGE)
    assert_set_up(Copy(project.path, project), project)
    assert (project.path / ".python-version").read_text(encoding="utf-8") == f"{HERE}\n"
    kept = project.run("git", "ls-files", "data", "models").stdout.split()
    assert kept == ["data/raw/.gitignore", "data/raw/penguins.csv.dvc"]


def test_a_second_run_does_nothing(project: Project, done: Copy) -> None:
    bootstrap(done)  # the environment is that of another folder
    (done.path / "notes.md").write_text("Mine.\n", encoding="utf-8")
    head = done.git("rev-parse", "HEAD")
    result = bootstrap(done)
    assert Stages.of(result.stdout).ran == []
    assert "Git repository" not in result.stdout
    assert not re.search(r"(Installed|Uninstalled|Prepared) \d+", result.stderr)
    assert result.stdout.splitlines()[-2:] == ["Not committed, which is up to you:", "?? notes.md"]
    assert done.git("rev-parse", "HEAD") == head
    (done.path / "notes.md").unlink()
    assert_set_up(done, project)


def test_in_a_repository_around_it_only_this_folder_is_committed(begun: Copy) -> None:
    around = Copy(begun.path.parent, begun.project)
    around.git("init", "--quiet")
    (around.path / "README.md").write_text("Around.\n", encoding="utf-8")
    around.git("add", "README.md")
    around.git("commit", "--quiet", "--message", "Around")
    hook = around.path / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho ran >> ../ran\n", encoding="utf-8")
    hook.chmod(0o755)
    (around.path / "staged.txt").write_text("Staged.\n", encoding="utf-8")
    around.git("add", "staged.txt")
    (around.path / "README.md").write_text("Changed.\n", encoding="utf-8")

    result = bootstrap(begun)
    assert "the one around this folder; its hooks stay as they are" in result.stdout
    assert around.git("log", "--format=%s").splitlines() == [MESSAGE, "Around"]
    files = around.git("show", "--name-only", "--format=", "HEAD").splitlines()
    assert "penguins/dvc.lock" in files
    assert [file for file in files if not file.startswith("penguins/")] == []
    assert set(around.changed()) == {"A  staged.txt", " M README.md"}
    assert around.run("git", "config", "core.hooksPath", check=False).returncode == 1
    assert (around.path.parent / "ran").read_text(encoding="utf-8") == "ran\n"
    assert not (begun.path / ".git").exists()

    head = around.git("rev-parse", "HEAD")
    bootstrap(begun)
    assert around.git("rev-parse", "HEAD") == head


def test_a_folder_that_the_repository_around_it_ignores_gets_its_own(
    project: Project, begun: Copy
) -> None:
    around = Copy(begun.path.parent, begun.project)
    around.git("init", "--quiet")
    (around.path / ".gitignore").write_text("penguins/\n", encoding="utf-8")
    head = around.commit("Ignore")
    bootstrap(begun)
    assert_set_up(begun, project)
    assert around.git("rev-parse", "HEAD") == head
    assert around.changed() == []


def test_without_a_git_identity_the_author_of_the_project_commits(
    project: Project, begun: Copy, tmp_path: Path
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text("[user]\nuseConfigOnly = true\n", encoding="utf-8")
    unknown = {k: v for k, v in project.environment.items() if not k.startswith("GIT_")}
    unknown |= {"GIT_CONFIG_GLOBAL": str(settings), "GIT_CONFIG_NOSYSTEM": "1"}
    result = run(sys.executable, "bootstrap.py", cwd=begun.path, environment=unknown)
    assert "this commit is by The project authors" in result.stdout
    assert "git config --global user.name" in result.stdout
    people = begun.git("log", "--format=%an <%ae> %cn")
    assert people == "The project authors <author@localhost> The project authors"
    assert_set_up(begun, project)


def test_hooks_that_the_user_has_stay(project: Project, done: Copy) -> None:
    done.git("config", "core.hooksPath", "../hooks")
    result = bootstrap(done)
    assert "core.hooksPath is ../hooks already, so .githooks is not in use" in result.stdout
    assert done.git("config", "core.hooksPath") == "../hooks"


def test_a_changed_table_is_refused_and_the_advice_works(project: Project, done: Copy) -> None:
    """`dvc repro` would take it for the new version without a word."""
    table, changed = done.path / "data/raw/penguins.csv", b"species,sex\n"
    table.write_bytes(changed)
    first = bootstrap(done, check=False)
    assert first.returncode == 1
    assert "data/raw/penguins.csv is not what data/raw/penguins.csv.dvc says" in first.stderr
    assert "`dvc add data/raw/penguins.csv` takes the new content" in first.stderr
    assert "==> Pipeline" not in first.stdout
    advice = "dvc checkout --force data/raw/penguins.csv.dvc"
    assert f"`{advice}` brings the old one back" in first.stderr
    done.run(*advice.split())
    bootstrap(done)
    assert_set_up(done, project)

    shutil.rmtree(done.path / ".dvc/cache")
    table.write_bytes(changed)
    second = bootstrap(done, check=False)
    assert second.returncode == 1
    assert "takes the new content; the old one is not in DVC's cache" in second.stderr
    assert table.read_bytes() == changed


@pytest.mark.parametrize("packages_there", [10, *([1, 40] if LONG else [])])
def test_a_kill_while_packages_are_installed(
    project: Project, tmp_path: Path, packages_there: int
) -> None:
    """uv takes a package whose files are copied by half for an installed one."""
    folder = tmp_path / "penguins"
    leave = shutil.ignore_patterns(".venv", ".git", "__pycache__")
    shutil.copytree(project.path, folder, ignore=leave)
    copy = Copy(folder, replace(project, path=folder))
    with running(copy) as work:
        packages = ".venv/lib/*/site-packages/*"
        work.wait_for(lambda: len(list(folder.glob(packages))) > packages_there)
        work.kill()
    installed = len(list(folder.glob(f"{packages}.dist-info")))
    bootstrap(copy)
    assert len(list(folder.glob(f"{packages}.dist-info"))) > installed
    assert_set_up(copy, project)


@pytest.mark.parametrize("stage", ["train", *(["prepare", "evaluate", "card"] if LONG else [])])
def test_a_kill_while_a_stage_runs(project: Project, begun: Copy, stage: str) -> None:
    kept = ("dvc.lock", "environment/dvc.lock", "env.json", ".dvc/cache/runs")
    for name in (*kept, "models", "metrics", "reports"):
        path = begun.path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with running(begun) as work:
        work.wait_for(lambda: f"Running stage '{stage}'" in work.said())
        work.kill()
    again = bootstrap(begun)
    assert Stages.of(again.stdout).ran == ALL[ALL.index(stage) :]
    assert_set_up(begun, project)


def test_what_a_killed_run_started_keeps_the_next_one_out(project: Project, begun: Copy) -> None:
    """Kill bootstrap.py alone: the pipeline goes on, and so would uv."""
    lock = begun.lock()
    del lock["stages"]["evaluate"], lock["stages"]["card"]
    (begun.path / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False), encoding="utf-8")
    shutil.rmtree(begun.path / ".dvc/cache/runs")
    with running(begun) as work:
        work.wait_for(lambda: "Running stage 'evaluate'" in work.said())
        work.process.kill()
        work.process.wait()
        refused = 0
        while (again := bootstrap(begun, check=False)).returncode:
            assert again.stderr == "error: bootstrap.py is running in this folder already.\n"
            refused += 1
            time.sleep(0.1)
    assert refused
    assert Stages.of(again.stdout).ran == []
    assert_set_up(begun, project)


@pytest.mark.parametrize("locks", [["index.lock", "HEAD.lock", "refs/heads/main.lock"], []])
def test_a_kill_in_the_first_commit(project: Project, begun: Copy, locks: list[str]) -> None:
    mark, git = begun.path / ".dvc/tmp/first-commit", begun.path / ".git"
    with running(begun) as work:
        work.wait_for(lambda: mark.exists() and (locks or (git / "index").exists()))
        work.kill()
    assert mark.exists()
    for lock in locks:  # as Git leaves them, if it was at work on that file
        (git / lock).touch()
    assert "Git repository" not in bootstrap(begun).stdout
    assert_set_up(begun, project)


def test_a_second_run_is_refused_while_the_first_one_works(project: Project, done: Copy) -> None:
    with running(done) as work:
        work.wait_for(lambda: "==> Environment" in work.said())
        second = bootstrap(done, check=False)
        assert second.returncode == 1
        assert second.stderr == "error: bootstrap.py is running in this folder already.\n"
        assert work.process.wait(PATIENCE) == 0
    assert_set_up(done, project)
