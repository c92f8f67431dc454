"""The hook pre-commit looks at what is staged, with the library that is staged."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import PROJECT

STATUS = "import sys\n\nsys.exit({!r})\n"


@pytest.mark.skipif(os.name == "nt", reason="stands in for .venv with a script of the shell")
@pytest.mark.parametrize("safe_path", ["", "1"])
def test_the_library_is_that_of_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, safe_path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONSAFEPATH", safe_path)
    subprocess.run(["git", "init", "--quiet"], check=True)
    status = Path("mlrepo/pipeline/status.py")
    status.parent.mkdir(parents=True)
    for package in (status.parents[1], status.parent):
        (package / "__init__.py").write_text('"""Test."""\n', encoding="utf-8")
    status.write_text(STATUS.format("staged"), encoding="utf-8")
    subprocess.run(["git", "add", "mlrepo"], check=True)
    status.write_text(STATUS.format("not staged"), encoding="utf-8")
    python = Path(".venv/bin/python")
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    # What is installed is the library of the working folder.
    monkeypatch.setenv("PYTHONPATH", str(tmp_path) if safe_path else "")

    hook = PROJECT / ".githooks/pre-commit"
    done = subprocess.run(["sh", str(hook)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "staged"
