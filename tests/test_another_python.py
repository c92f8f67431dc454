"""The Pythons that a project runs on: each has all packages, and is enough where it is alone."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import Bake, lack, run
from helpers import LONG, in_long_form

TEXT = (Path(__file__).parents[1] / "{{cookiecutter.project_slug}}/bootstrap.py").read_text("utf-8")
MINORS = re.findall(r'"(3\.\d+)"', re.findall(r"^MINORS = (.*)$", TEXT, re.MULTILINE)[0])
HERE = "{}.{}".format(*sys.version_info)


@pytest.mark.parametrize("minor", MINORS if LONG else MINORS[:1])
def test_every_package_has_a_wheel_for_it(
    bake: Bake, environment: dict[str, str], tmp_path: Path, minor: str
) -> None:
    for tracker in ("mlflow", "wandb"):
        shutil.copytree(bake(tracker=tracker, service="fastapi"), tmp_path / tracker)
        pyproject = tmp_path / tracker / "pyproject.toml"
        text = pyproject.read_text(encoding="utf-8").replace(">=3.11,<3.14", f"=={minor}.*")
        pyproject.write_text(text, encoding="utf-8")
        groups = [f"--group={name}" for name in tomllib.loads(text)["dependency-groups"]]
        command = ("uv", "pip", "compile", "--quiet", "--only-binary=:all:", "--all-extras")
        wanted = (*groups, f"--python-version={minor}", "--output-file=all.txt", "pyproject.toml")
        run(*command, *wanted, cwd=tmp_path / tracker, environment=environment)
        locked = (tmp_path / tracker / "all.txt").read_text(encoding="utf-8")
        assert re.search(rf"^{tracker}(-skinny)?==", locked, re.MULTILINE)


@in_long_form
@pytest.mark.slow
@pytest.mark.parametrize("minor", [each for each in MINORS if each != HERE])
def test_it_is_enough_where_it_is_alone(
    bake: Bake, environment: dict[str, str], tmp_path: Path, minor: str
) -> None:
    """From nothing to a project that is checked, made again, pushed and experimented with."""
    found = subprocess.run(
        ["uv", "python", "find", "--system", minor], capture_output=True, text=True, check=False
    )
    if found.returncode:
        lack(f"there is no Python {minor}: uv python install {minor}")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3").symlink_to(found.stdout.strip())
    (tools / "uv").symlink_to(str(shutil.which("uv")))
    for program in Path("/usr/bin").iterdir():
        if not program.name.startswith(("python", "uv")):
            (tools / program.name).symlink_to(program)
    alone = {**environment, "PATH": str(tools), "UV_PYTHON_INSTALL_DIR": str(tmp_path / "none")}
    path = Path(shutil.copytree(bake(), tmp_path / "penguins"))

    said = run("python3", "bootstrap.py", cwd=path, environment=alone).stdout
    assert f"==> Python {minor}\n" in said
    assert (path / ".python-version").read_text(encoding="utf-8") == f"{minor}\n"
    assert f'requires-python = "=={minor}.*"' in (path / "pyproject.toml").read_text("utf-8")
    active = {**alone, "PATH": f"{path / '.venv/bin'}{os.pathsep}{tools}"}
    assert run("python", "--version", cwd=path, environment=active).stdout.startswith(
        f"Python {minor}"
    )
    for command in (
        ("uv", "run", "dvc", "repro", "--force"),
        ("git", "diff", "--exit-code"),
        ("uv", "run", "model", "doctor", "--offline"),
        ("uv", "run", "pytest", "--quiet"),
        ("uv", "run", "dvc", "push", "--quiet"),
        ("uv", "run", "dvc", "exp", "run", "--temp", "--name", "x", "-S", "train.seed=1"),
    ):
        run(*command, cwd=path, environment=active)
