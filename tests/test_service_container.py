"""The files of the container hold what the service needs; there is no container engine to run them.

What they do is done by hand: the packages that the Containerfile installs are installed in the same
way, and serve.
"""

import re
from pathlib import Path

import pytest
from conftest import CHOICES, Bake, Project, run
from releases import Released, copied
from serving import GOOD, serving


@pytest.mark.parametrize("remote", CHOICES["remote"])
def test_they_pass_their_linters(bake: Bake, environment: dict[str, str], remote: str) -> None:
    path = bake(service="fastapi", remote=remote)
    run("hadolint", "--no-color", "Containerfile", cwd=path, environment=environment)
    schema = ("--builtin-schema", "vendor.compose-spec")
    run("check-jsonschema", *schema, "compose.yaml", cwd=path, environment=environment)


def test_its_packages_serve_and_are_no_more_than_that(
    served_versions: Released, tmp_path: Path
) -> None:
    copy = copied(served_versions, tmp_path / "copy")
    text = (copy.path / "Containerfile").read_text(encoding="utf-8")
    [sync] = re.findall(r"^RUN (uv sync .*)$", text, re.MULTILINE)
    venv = str(tmp_path / "venv")
    copy.run(*sync.split(), UV_PROJECT_ENVIRONMENT=venv, UV_COMPILE_BYTECODE="1")
    there = {path.name for path in Path(venv, "bin").iterdir()}
    assert {"dvc", "uvicorn"} <= there
    assert not there & {"pytest", "mypy", "ruff"}
    assert list(Path(venv).rglob("fastapi/__pycache__/applications.*.pyc"))
    there_only = Project(tmp_path / "image", copy.project.environment, copy.project.setup)
    there_only.path.mkdir()
    (there_only.path / ".venv").symlink_to(venv)
    with serving(Released(copy.path, there_only), "--version", "v1") as service:
        assert service.client().ask("/predict", GOOD).status == 200


def test_what_is_left_out_of_the_image_holds_no_code_and_the_rest_no_secret(bake: Bake) -> None:
    left_out = (bake(service="fastapi") / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".dvc/config.local", ".dvc/cache", "data", "models"} <= set(left_out)
    assert not {".git", ".dvc", "penguins", "versions.yaml", "params.yaml"} & set(left_out)
