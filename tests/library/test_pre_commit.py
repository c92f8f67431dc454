"""The hook pre-commit looks at what is staged, with the library that is staged."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import PROJECT
from .repository import commit, git

ENDS = "import sys\n\nsys.exit({!r})\n"
STATUS, RULES = Path("mlrepo/pipeline/status.py"), Path("mlrepo/versions/rules/here.py")


# A script of the shell stands in for .venv.
pytestmark = pytest.mark.skipif(os.name == "nt", reason="a script of the shell")


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A repository with a library of two modules; run the hook there and return what it says."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    subprocess.run(["git", "init", "--quiet"], check=True)
    for module in (STATUS, RULES):
        module.parent.mkdir(parents=True)
        for package in (module.parent, *module.parent.parents[:-1]):
            (package / "__init__.py").write_text('"""Test."""\n', encoding="utf-8")
        module.write_text(ENDS.format(0), encoding="utf-8")
    python = Path(".venv/bin/python")
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)

    def run() -> list[str]:
        command = ["sh", str(PROJECT / ".githooks/pre-commit")]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == bool(done.stderr)
        return done.stderr.splitlines()

    return run


@pytest.mark.parametrize("safe_path", ["", "1"])
def test_the_library_is_that_of_the_commit(
    hook: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, safe_path: str
) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", safe_path)
    STATUS.write_text(ENDS.format("staged"), encoding="utf-8")
    git("add", "mlrepo")
    STATUS.write_text(ENDS.format("not staged"), encoding="utf-8")
    # What is installed is the library of the working folder.
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()) if safe_path else "")
    assert hook()[0] == "staged"


@pytest.mark.parametrize("name", ["versions.yaml", "second/versions.yaml"])
def test_rules_are_read_where_they_are_new(
    hook: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", "")
    RULES.write_text(ENDS.format("cannot be read"), encoding="utf-8")
    git("add", "mlrepo")
    assert hook() == []
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).touch()
    git("add", name)
    assert hook()[0] == "cannot be read"
    commit()
    assert hook() == []
