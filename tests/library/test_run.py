"""The start of a stage, as a process: what happens before the owner's page is imported."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import PROJECT, PYPROJECT, render_yaml

# As if these packages were not installed.
WITHOUT = """
import runpy, sys
sys.modules.update(dict.fromkeys(sys.argv.pop(1).split(",")))
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
TELLS = """
import os, sys

assert "numpy" not in sys.modules
assert os.environ["OMP_NUM_THREADS"] == "1"


def main(params):
    print(params.data.target)
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page `tell` of a project that has this page, its params and no more."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    render_yaml("params.yaml")
    locked = {"python": "{}.{}".format(*sys.version_info), "closures": {}}
    (tmp_path / "env.json").write_text(json.dumps(locked), encoding="utf-8")
    package = tmp_path / "penguins"
    package.mkdir()
    (package / "__init__.py").touch()
    params = PROJECT / "{{cookiecutter.__package_name}}/params.py"
    (package / "params.py").write_bytes(params.read_bytes())
    (package / "tell.py").write_text(TELLS, encoding="utf-8")
    return package / "tell.py"


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_arithmetic_is_pinned_before_a_page_is_imported(page: Path) -> None:
    done = start("-m", "mlrepo", "tell")
    assert (done.returncode, done.stdout, done.stderr) == (0, "sex\n", "")


def test_when_a_stage_ran_is_noted_where_dvc_has_its_folder(page: Path) -> None:
    notes = Path(".dvc/tmp/stages.jsonl")
    notes.parent.mkdir(parents=True)
    before = time.time()
    for _ in range(2):
        start("-m", "mlrepo", "tell")
    start("-m", "mlrepo", "absent")
    lines = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    assert [stage for stage, _, _ in lines] == ["tell", "tell"]
    moments = [moment for _, *both in lines for moment in both]
    assert before <= moments[0]
    assert moments == sorted(moments)
    assert moments[-1] <= time.time()


@pytest.mark.parametrize("arguments", [(), ("tell", "tell")])
def test_one_stage_is_named(page: Path, arguments: tuple[str, ...]) -> None:
    done = start("-m", "mlrepo", *arguments)
    assert done.returncode == 2
    assert done.stderr == "error: name one step, such as `python -m mlrepo prepare`\n"


@pytest.mark.parametrize("absent", ["ruamel", "pydantic"])
@pytest.mark.parametrize("module", ["mlrepo", "mlrepo.core.environment"])
def test_a_python_without_the_packages_is_told_in_words(
    page: Path, absent: str, module: str
) -> None:
    done = start("-c", WITHOUT, absent, module, "tell")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {absent}")
    assert f"is not installed in {sys.executable}: run `uv sync`" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_package_that_a_page_imports_and_nobody_installed_is_told(page: Path) -> None:
    page.write_text(f"import colour_of_birds.blue\n{TELLS}", encoding="utf-8")
    done = start("-m", "mlrepo", "tell")
    assert done.returncode == 2
    assert done.stderr.startswith("error: colour_of_birds is not installed in ")
    assert "`uv add` first adds a package that pyproject.toml does not name" in done.stderr


def test_a_lost_module_of_the_owner_keeps_its_traceback(page: Path) -> None:
    page.write_text(f"from .lost import found\n{TELLS}", encoding="utf-8")
    done = start("-m", "mlrepo", "tell")
    assert done.returncode == 1
    assert "tell.py" in done.stderr
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'penguins.lost'\n")


def test_params_that_bring_numpy_too_early_are_told(page: Path) -> None:
    params = page.with_name("params.py")
    params.write_text(f"{params.read_text(encoding='utf-8')}\nimport numpy\n", encoding="utf-8")
    done = start("-m", "mlrepo", "tell")
    assert done.returncode == 2
    assert done.stderr.startswith("error: numpy is imported before numerics.pinned can take effect")
