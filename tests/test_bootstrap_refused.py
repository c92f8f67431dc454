"""bootstrap.py says in one line what it lacks, and changes nothing then."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import uv
from conftest import Bake, run
from spoil import Spoil, remove, write

HERE = "{}.{}".format(*sys.version_info)
ELSEWHERE = next(minor for minor in ("3.13", "3.12") if minor != HERE)
Tools = Callable[..., dict[str, str]]


def not_utf_8(name: str) -> Spoil:
    """Save a file as an editor of another platform might."""
    return write(name, "é".encode("utf-16"))


def contents(path: Path) -> dict[Path, bytes]:
    """Return what a project's files hold, except that which says that bootstrap.py runs."""
    files = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    files.pop(path / ".dvc/tmp/bootstrap.lock", None)
    return files


def refused(path: Path, python: str, environment: dict[str, str]) -> str:
    """Run bootstrap.py where it cannot work; it must say so in one line and leave no trace."""
    before = contents(path)
    result = run(python, "bootstrap.py", cwd=path, environment=environment, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1
    assert contents(path) == before
    return result.stderr


@pytest.fixture
def tools(tmp_path: Path, environment: dict[str, str]) -> Tools:
    """Make an environment whose PATH holds the named programs and nothing else."""

    def make(*names: str) -> dict[str, str]:
        folder = tmp_path / "tools"
        folder.mkdir()
        for name in names:
            (folder / name).symlink_to(str(shutil.which(name)))
        pythons = {"UV_PYTHON_INSTALL_DIR": str(tmp_path / "none")}
        return {**environment, **pythons, "PATH": str(folder)}

    return make


@pytest.fixture
def baked(bake: Bake, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bake(), tmp_path / "penguins"))


def test_without_git_it_says_where_git_is(baked: Path, tools: Tools) -> None:
    assert "git is missing: get it from https://git-scm.com" in refused(
        baked, sys.executable, tools("uv")
    )


def test_in_another_users_clone_it_writes_nothing(baked: Path, environment: dict[str, str]) -> None:
    run("git", "init", "--quiet", cwd=baked, environment=environment)
    other = environment | {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    said = refused(baked, sys.executable, other)
    assert said.startswith("error: run this as the owner of this folder, or do as Git says: ")
    assert f"git config --global --add safe.directory {baked}" in said
    assert not (baked / ".dvc/tmp").exists()


def test_without_uv_it_says_how_to_install_it(baked: Path, tools: Tools, tmp_path: Path) -> None:
    """Neither as a program nor as a module of this Python, which may refuse `pip install`."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", bare], check=True)
    environment = tools("git")
    said = refused(baked, str(bare / "bin/python"), environment)
    advice = "uv is missing: `pip install uv` in an active virtual environment brings it, or see "
    assert advice in said

    # Done as it says, it comes to what the next step lacks.
    active = environment | {"PATH": f"{bare / 'bin'}{os.pathsep}{environment['PATH']}"}
    run("pip", "install", "uv", cwd=tmp_path, environment=active)
    (baked / ".python-version").write_text(f"{ELSEWHERE}\n", encoding="utf-8")
    assert f"needs Python {ELSEWHERE}" in refused(baked, "python", active)


def test_uv_as_a_module_of_this_python_is_found_and_named(baked: Path, tools: Tools) -> None:
    (baked / ".python-version").write_text(f"{ELSEWHERE}\n", encoding="utf-8")
    environment = tools("git")
    assert f"needs Python {ELSEWHERE}" in refused(baked, sys.executable, environment)
    said = run(sys.executable, "bootstrap.py", cwd=baked, environment=environment, check=False)
    folder = Path(uv.find_uv_bin()).parent
    assert f"==> uv, in {folder}: add that to PATH" in said.stdout


def test_a_python_that_is_not_there_is_named(baked: Path, tools: Tools) -> None:
    (baked / ".python-version").write_text(f"{ELSEWHERE}\n", encoding="utf-8")
    said = refused(baked, sys.executable, tools("git", "uv"))
    assert f"this project needs Python {ELSEWHERE}, which this machine lacks" in said
    assert f"`uv python install {ELSEWHERE}` installs it" in said


def test_a_python_that_the_project_does_not_run_on_is_refused(baked: Path, tools: Tools) -> None:
    (baked / ".python-version").write_text("3.10\n", encoding="utf-8")
    said = refused(baked, sys.executable, tools("git", "uv"))
    assert ".python-version says 3.10: this project runs on 3.14, 3.13, 3.12, 3.11." in said


def test_pins_that_disagree_are_refused(baked: Path, tools: Tools) -> None:
    (baked / ".python-version").write_text(f"{HERE}\n", encoding="utf-8")
    pyproject = baked / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8").replace(">=3.11,<3.14", f"=={ELSEWHERE}.*")
    pyproject.write_text(text, encoding="utf-8")
    said = refused(baked, sys.executable, tools("git", "uv"))
    assert (
        f'.python-version says {HERE}: pyproject.toml must say requires-python = "=={HERE}' in said
    )


@pytest.mark.parametrize(
    ("name", "spoil", "says", "otherwise"),
    [
        (name, spoil(name), says, otherwise)
        for names, spoil, says, otherwise in (
            (["pyproject.toml"], remove, "does not exist", "generate the project again"),
            (["pyproject.toml", ".python-version", "uv.lock"], not_utf_8, "is not UTF-8", "save"),
        )
        for name in names
    ],
)
def test_a_lost_or_damaged_file_comes_back_as_it_says(
    baked: Path, environment: dict[str, str], name: str, spoil: Spoil, says: str, otherwise: str
) -> None:
    """From the last commit, if that has it."""
    pyproject = baked / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8").replace(">=3.11,<3.14", f"=={HERE}.*")
    pyproject.write_text(text, encoding="utf-8")
    (baked / ".python-version").write_text(f"{HERE}\n", encoding="utf-8")
    (baked / "uv.lock").touch()
    whole = contents(baked)
    spoil(baked)
    said = refused(baked, sys.executable, environment)
    assert said.startswith(f"error: {name} {says}: {otherwise}")

    (baked / name).write_bytes(whole[baked / name])
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "All")):
        run("git", *command, cwd=baked, environment=environment)
    spoil(baked)
    fix = f"git checkout HEAD -- {name}"
    said = refused(baked, sys.executable, environment)
    assert said == f"error: {name} {says}: `{fix}` brings the committed one back.\n"
    run(*fix.split(), cwd=baked, environment=environment)
    assert (baked / name).read_bytes() == whole[baked / name]
