"""Lists of versions are there at once: what reads tags alone waits for no large package."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "{{ cookiecutter.__package_name }}"
SLOW = {"dvc", "numpy", "polars", "scipy", "skops", "sklearn"}
SCRIPT = f"""
import json, sys
sys.path.insert(0, {str(ROOT)!r})
from {PACKAGE}.cli import main
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with a version that is in production."""
    for name in ("dvc.yaml", "params.yaml", "versions.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    for command in (
        ("init", "--quiet"),
        ("commit", "--quiet", "--allow-empty", "--message", "A commit"),
        ("tag", "model@v1.0.0", "--message", "Notes"),
        ("tag", "model#prod#1", "--message", "Why"),
    ):
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    ["show", "show --json", "history", "history --stage prod", "at 2999-01-01 prod"],
)
def test_a_list_imports_no_large_package(folder: Path, command: str) -> None:
    python = [sys.executable, "-c", SCRIPT, *command.split()]
    done = subprocess.run(python, cwd=folder, capture_output=True, text=True, check=True)
    assert "v1.0.0" in done.stdout
    assert set(json.loads(done.stderr)) & SLOW == set()
