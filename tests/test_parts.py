"""The parts that are off by default, a tracker and a service: every combination works."""

import re
import tomllib
from itertools import product
from pathlib import Path

import pytest
from conftest import CHOICES, Bake, Project, set_up
from helpers import LONG, Copy

PARTS = {name: values for name, values in CHOICES.items() if values[0] == "none"}
_, *ON = (dict(zip(PARTS, chosen, strict=True)) for chosen in product(*PARTS.values()))
SHORT = [each for each in ON if tuple(each.values()) == ("mlflow", "fastapi")]
# What the parts are made of: packages, and words of their own.
WORDS = ("fastapi", "uvicorn", "starlette", "prometheus", "mlflow", "wandb", "model mirror")
# The library has the same bytes whatever the answers, and its lint knows all that it imports.
SAME = ("mlrepo/", "pyproject.toml")


@pytest.mark.slow
@pytest.mark.parametrize(
    "answers", ON if LONG else SHORT, ids=lambda answers: "-".join(answers.values())
)
def test_its_own_tests_pass_and_no_output_is_another(
    bake: Bake,
    project: Project,
    mlflow_project: Project,
    environment: dict[str, str],
    tmp_path: Path,
    answers: dict[str, str],
) -> None:
    chosen = mlflow_project  # which is set up once for all tests, and not changed here
    if answers not in SHORT:
        chosen = set_up(bake(**answers), tmp_path / "penguins", environment)
    outputs, expected = (Copy(each.path, each).outputs() for each in (chosen, project))
    assert outputs == expected
    assert {"dvc.lock", "env.json"} <= outputs.keys()
    for check in ("ruff check", "ruff format --check", "mypy"):
        chosen.run(*check.split())
    said = chosen.run("pytest", "-q", "-p", "no:cacheprovider").stdout
    assert re.search(r"\d+ passed", said)
    assert chosen.run("git", "status", "--porcelain").stdout == ""


def test_a_part_that_is_off_leaves_nothing(project: Project) -> None:
    files = project.run("git", "ls-files").stdout.splitlines()
    assert files
    for file in set(files) - {"uv.lock", ".gitignore"}:
        if file.startswith(SAME):
            continue
        text = (project.path / file).read_bytes().decode("utf-8", "replace").lower()
        assert [word for word in WORDS if word in text] == [], file
    lock = tomllib.loads((project.path / "uv.lock").read_text(encoding="utf-8"))
    locked = {package["name"] for package in lock["package"]}
    parts = {"fastapi", "uvicorn", "starlette", "prometheus-client", "mlflow", "wandb"}
    assert not locked & parts
    wanted = tomllib.loads((project.path / "pyproject.toml").read_text("utf-8"))
    listed = str([wanted["project"]["dependencies"], wanted["dependency-groups"]])
    assert [name for name in parts if name in listed] == []


@pytest.mark.parametrize("tracker", CHOICES["tracker"])
def test_what_a_project_holds_of_trackers(bake: Bake, tracker: str) -> None:
    path = bake(tracker=tracker)
    files = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    without = {f.relative_to(bake()).as_posix() for f in bake().rglob("*") if f.is_file()}
    assert without <= files
    assert bool(files - without) == (tracker != "none")
    groups = tomllib.loads((path / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    wanted = {"none": [], "mlflow": ["mlflow"], "wandb": ["pillow", "wandb"]}[tracker]
    assert [each.partition(">")[0] for each in groups.get("tracker", [])] == wanted
    for name in {"mlflow", "wandb"} - set(wanted):
        for file in (each for each in files if not each.startswith(SAME)):
            assert name not in (path / file).read_bytes().decode("utf-8", "replace").lower(), file
    for name in ("dvc.yaml", "params.yaml"):
        assert (path / name).read_bytes() == (bake() / name).read_bytes()
