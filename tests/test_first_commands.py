"""The first two commands of README.md, typed as they stand there into four kinds of environment.

Each has a clone with another name than the repository's, a home folder without a file, and no uv.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import TEMPLATE, lack, run
from helpers import LONG
from pages import console

pytestmark = pytest.mark.slow

README = (TEMPLATE / "README.md").read_text(encoding="utf-8")
COMMANDS = console(README)[:2]
BASE = Path(sys.base_prefix)
VERSION = "{}.{}".format(*sys.version_info)
REFUSES = "EXTERNALLY-MANAGED"


def interpreter(folder: Path, *without: str) -> Path:
    """Make a Python of its own prefix in `folder`, with this one's standard library by links.

    Return its folder of programs. It has no packages; `without` names what its library lacks.
    """
    (folder / "bin").mkdir(parents=True)
    # A link would lead Python to the prefix of the original.
    shutil.copy2(Path(sys._base_executable).resolve(), folder / f"bin/python{VERSION}")  # type: ignore[attr-defined]
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(f"python{VERSION}")
    stdlib = Path(sysconfig.get_path("stdlib"))
    copy = folder / stdlib.relative_to(BASE)
    (copy / "site-packages").mkdir(parents=True)
    for path in stdlib.iterdir():
        if path.name not in {"site-packages", "dist-packages", REFUSES, *without}:
            (copy / path.name).symlink_to(path)
    return folder / "bin"


def externally_managed(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """A Python whose pip may install nothing: PEP 668, as Debian and Ubuntu ship it."""
    path = interpreter(folder)
    # Debian's own has no `python`.
    (path / "python").unlink()
    marker = folder / Path(sysconfig.get_path("stdlib")).relative_to(BASE) / REFUSES
    marker.write_text("[externally-managed]\nError=Use a virtual environment.\n", encoding="utf-8")
    return [path], {}


def pyenv(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """pyenv's shims; where pyenv is not installed, scripts that do what a shim comes down to."""
    root = folder / "pyenv"
    interpreter(root / "versions" / "mine")
    (root / "version").write_text("mine\n", encoding="utf-8")
    variables = {"PYENV_ROOT": str(root), "PYENV_SHELL": "sh"}
    if program := shutil.which("pyenv"):
        run(program, "rehash", cwd=folder, environment={**os.environ, **variables})
        return [root / "shims", Path(program).parent], variables
    (root / "shims").mkdir()
    for name in ("python", "python3"):
        shim = root / "shims" / name
        shim.write_text(f'#!/bin/sh\nexec "{root}/versions/mine/bin/{name}" "$@"\n', "utf-8")
        shim.chmod(0o755)
    return [root / "shims"], variables


def conda(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """A stand-in for conda's base, as PyPI has no conda: its layout, and the variables it sets."""
    path = interpreter(folder)
    (folder / "conda-meta").mkdir()
    (folder / "conda-meta/history").touch()
    variables = {"CONDA_PREFIX": str(folder), "CONDA_DEFAULT_ENV": "base", "CONDA_SHLVL": "1"}
    return [path], variables


def active_venv(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """A virtual environment that is active, with a pip of its own."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return [folder / "bin"], {"VIRTUAL_ENV": str(folder)}


KINDS = (externally_managed, pyenv, conda, active_venv)
Kind = Callable[[Path], tuple[list[Path], dict[str, str]]]


@dataclass(frozen=True)
class Terminal:
    """A shell in a clone, with an environment of the test's own."""

    clone: Path
    prefix: Path
    environment: dict[str, str]

    def type(self, *lines: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Type lines one after the other, until one fails."""
        script = "\n".join(["set -e", *lines])
        return run("sh", "-c", script, cwd=self.clone, environment=self.environment, check=check)


def terminal(folder: Path, environment: dict[str, str], kind: Kind) -> Terminal:
    """Open a terminal in a clone with this kind of environment."""
    paths, variables = kind(folder / "prefix")
    tools, home = folder / "tools", folder / "home"
    for each in (tools, home):
        each.mkdir()
    for name in ("git", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    path = os.pathsep.join([*map(str, paths), str(tools), "/usr/bin", "/bin"])
    if shutil.which("uv", path=path):
        lack("uv is among the system's own programs: these tests need a machine without")
    clone = folder / "work" / "Template, renamed"
    leave = shutil.ignore_patterns(".git", ".venv", "*.egg-info", "*_cache", "__pycache__")
    shutil.copytree(TEMPLATE, clone, ignore=leave)
    variables |= {"HOME": str(home), "PATH": path, "COLUMNS": "120"}
    return Terminal(clone, folder / "prefix", {**environment, **variables})


def files(folder: Path) -> set[str]:
    """Return what a folder holds, bytecode aside."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    return {path for path in found if "__pycache__" not in path}


def table(text: str) -> list[str]:
    """Return the lines of the table of metrics."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("metric  "))
    return [line.rstrip() for line in lines[start : start + 8]]


@pytest.mark.parametrize("kind", KINDS if LONG else KINDS[:1], ids=lambda kind: kind.__name__)
def test_both_work_as_they_stand_in_the_readme(
    tmp_path: Path, environment: dict[str, str], kind: Kind
) -> None:
    here = terminal(tmp_path, environment, kind)
    prefix, clone = files(here.prefix), files(here.clone)

    said = here.type(*COMMANDS, "command -v uv")
    assert table(said.stdout) == table(README)
    assert re.search(r"= \d+ passed", said.stdout)
    uv = Path(said.stdout.splitlines()[-1])
    assert uv == here.clone / ".venv/bin/uv"
    assert f"uv, in {here.clone / '.venv'}: activate that" in said.stdout

    # Nothing else was touched: neither the user's Python, nor the home folder's programs.
    assert files(here.prefix) == prefix
    assert {path for path in files(here.clone) - clone if not path.startswith(".venv")} == set()
    assert not (tmp_path / "home/.local/bin").exists()

    project = here.clone.parent / "penguins"
    git = here.type(f"cd {project}", "git log --oneline", "git status --porcelain").stdout
    assert len(git.splitlines()) == 1
    # The project needs the clone no more.
    shutil.rmtree(here.clone)
    active = {**here.environment, "PATH": f"{project}/.venv/bin:{here.environment['PATH']}"}
    run("python", "-m", "mlrepo", "evaluate", cwd=project, environment=active)


def test_the_first_environment_refuses_pip(tmp_path: Path, environment: dict[str, str]) -> None:
    """Else the test above shows nothing of PEP 668."""
    here = terminal(tmp_path, environment, externally_managed)
    refused = here.type(
        "python3 -m venv .venv",
        ".venv/bin/python -m pip --python prefix/bin/python3 install six".replace(
            "prefix", str(here.prefix)
        ),
        check=False,
    )
    assert refused.returncode == 1
    assert "externally-managed-environment" in refused.stderr


def test_without_what_venv_needs_it_stops_and_goes_on_later(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """Debian has ensurepip in a package of its own, which README.md names."""
    assert "apt install python3-venv" in README

    def bare(folder: Path) -> tuple[list[Path], dict[str, str]]:
        return [interpreter(folder, "ensurepip")], {}

    here = terminal(tmp_path, environment, bare)
    stopped = here.type(COMMANDS[0], check=False)
    assert stopped.returncode == 1
    assert "ensurepip" in stopped.stdout + stopped.stderr
    assert [path.name for path in here.clone.parent.iterdir()] == [here.clone.name]

    stdlib = Path(sysconfig.get_path("stdlib"))
    (here.prefix / stdlib.relative_to(BASE) / "ensurepip").symlink_to(stdlib / "ensurepip")
    make, activate, *_ = COMMANDS[0].split(" && ")
    found = here.type(make, activate, "command -v pip").stdout
    assert found == f"{here.clone}/.venv/bin/pip\n"
