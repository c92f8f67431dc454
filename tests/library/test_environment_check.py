"""A stage refuses to run in an environment that is not the locked one."""

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from mlrepo.core import environment, yaml
from mlrepo.core.errors import ProjectError

from .conftest import PYPROJECT, template_yaml

HERE = "{}.{}".format(*sys.version_info)
NUMPY = metadata.version("numpy")
LOCK = """\
[[package]]
name = "penguins"
source = { virtual = "." }
dependencies = [
    { name = "absent" },
    { name = "numpy" },
    { name = "windows-only", marker = "sys_platform == 'win32'" },
]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a lock."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uv.lock").write_text(LOCK, encoding="utf-8")
    return tmp_path


def lay(folder: Path, **locked: Any) -> Path:
    """Write env.json; ``python`` is the version of Python, all others are packages."""
    python = locked.pop("python", HERE)
    path = folder / "env.json"
    content = {"python": python, "closures": locked}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_installed_packages_as_locked_pass(folder: Path) -> None:
    names = ("numpy", "scikit-learn", "threadpoolctl")
    versions = {name: metadata.version(name) for name in names}
    environment.check(lay(folder, **{"scikit-learn": versions}))


@pytest.mark.parametrize("name", ["sklearn/__init__.py", "sklearn.py"])
def test_a_module_that_hides_the_installed_one_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = lay(folder, **{"scikit-learn": {"scikit-learn": metadata.version("scikit-learn")}})
    monkeypatch.setattr(sys, "path", [str(folder / "first"), *sys.path])
    (folder / "first/sklearn").mkdir(parents=True)
    environment.check(path)  # a folder without code hides nothing
    (folder / "first" / name).touch()
    with pytest.raises(
        ProjectError, match=r"scikit-learn is not the installed one, .*first.sklear"
    ):
        environment.check(path)


def test_every_difference_is_named_with_the_fix(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)  # of these tests
    path = lay(folder, numpy={"numpy": "0.1"}, absent={"absent": "0.2"}, python="3.9")
    with pytest.raises(ProjectError) as caught:
        environment.check(path)
    assert [line.strip() for line in str(caught.value).splitlines()] == [
        f"this is Python {HERE}, {path} has 3.9",
        "absent is not installed",
        f"numpy {NUMPY} is installed, {path} has 0.1",
        "Run `uv sync`; if uv.lock has changed, `dvc repro` after it.",
    ]


def test_what_only_another_platform_needs_may_be_absent(folder: Path) -> None:
    path = lay(folder, numpy={"numpy": metadata.version("numpy"), "elsewhere": "1.0"})
    environment.check(path)
    environment.check(lay(folder, **{"windows-only": {"windows-only": "5.0"}}))


@pytest.mark.parametrize("order", [1, -1])
def test_a_version_that_any_dependency_allows_is_no_difference(folder: Path, order: int) -> None:
    closures = {"forked": {"numpy": f"0.1 or {NUMPY}"}, "linux-only": {"numpy": "0.1"}}
    environment.check(lay(folder, **dict([*closures.items()][::order])))


def test_code_without_a_version_may_have_any(folder: Path) -> None:
    environment.check(lay(folder, numpy={"numpy": "unversioned (editable ../numpy)"}))
    locked = f"{NUMPY} (git https://example.com/numpy#7bb4ba0)"
    environment.check(lay(folder, numpy={"numpy": locked}))


@pytest.mark.parametrize("text", [None, "", "<<<<<<< HEAD\n"])
def test_a_missing_or_broken_file_is_told(folder: Path, text: str | None) -> None:
    path = folder / "env.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    message = r"env\.json .*: run `python -m mlrepo\.core\.environment`"
    with pytest.raises(ProjectError, match=message):
        environment.check(path)


def test_a_stage_ends_with_the_message_alone(folder: Path) -> None:
    lay(folder, numpy={"numpy": "0.1"})
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    params = yaml.dump(template_yaml("params.yaml"))
    (folder / "params.yaml").write_text(params, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mlrepo", "prepare"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert re.match(r"error: numpy [\d.]+ is installed, env.json has 0.1\n", done.stderr)
    assert "Traceback" not in done.stderr
