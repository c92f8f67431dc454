"""Files for people, editors and robots around a project: each does what it says."""

import json
import re
import shutil
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from ci_runners import read_yaml
from conftest import TEMPLATE, Bake, Project, run
from helpers import copy_project, in_long_form

EXTENSION = "Iterative.dvc"


def reviewed(folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Return what sp-repo-review says of a repository: the checks that apply, by their codes."""
    command = ["repo-review", ".", "--format", "json"]
    said = run(*command, cwd=folder, environment=environment, check=False).stdout
    checks: dict[str, Any] = json.loads(said)["checks"]
    assert len(checks) > 50
    return checks


@pytest.mark.parametrize("which", ["template", "project"])
def test_what_a_repository_should_have_it_has_or_says_why_not(
    bake: Bake, environment: dict[str, str], which: str
) -> None:
    checks = reviewed(TEMPLATE if which == "template" else bake(), environment)
    assert [name for name, check in checks.items() if check["result"] is False] == []
    given = [check["skip_reason"] for check in checks.values() if check["skip_reason"]]
    assert given
    assert all(len(reason.split()) > 3 for reason in given)


@pytest.mark.parametrize("which", ["template", "project"])
def test_its_reasons_are_of_checks_that_would_fail(
    bake: Bake, environment: dict[str, str], tmp_path: Path, which: str
) -> None:
    """So that none stays when what it excuses is fixed."""
    reviews = tmp_path / "reviewed"
    leave = shutil.ignore_patterns(".git", ".venv", "build", "*_cache", "__pycache__")
    shutil.copytree(TEMPLATE if which == "template" else bake(), reviews, ignore=leave)
    pyproject = reviews / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    before, _, reasons = text.partition("[tool.repo-review.ignore]\n")
    pyproject.write_text(before, encoding="utf-8")
    checks = reviewed(reviews, environment)
    failing = {name for name, check in checks.items() if check["result"] is False}
    assert failing == set(re.findall(r"^(\w+) = ", reasons, re.MULTILINE))


@pytest.mark.slow
def test_hooks_of_pre_commit_pass_without_a_network(project: Project, tmp_path: Path) -> None:
    copy = copy_project(project, tmp_path / "copy")

    def hooked(check: bool = True) -> str:
        command = ("pre-commit", "run", "--all-files", "--color", "never")
        home = str(tmp_path / "home")
        return copy.run(*command, check=check, PRE_COMMIT_HOME=home, UV_OFFLINE="1").stdout

    hooks = read_yaml(copy.path / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert hooked().count("...Passed\n") == len(hooks) == 5
    (copy.path / "penguins/data.py").write_text("import os\n", encoding="utf-8")
    said = hooked(check=False)
    assert "F401" in said
    assert "dvc.lock" in said.split("F401")[1]
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (copy.path / "Makefile").read_text("utf-8"), re.M)
    assert lint
    commands = [line.strip() for line in lint[1].splitlines()]
    assert [hook["entry"].replace(" --no-sync", "") for hook in hooks] == commands


@pytest.mark.parametrize("remote", ["local", "gs"])
def test_files_are_as_editors_would_write_them(
    bake: Bake, environment: dict[str, str], remote: str
) -> None:
    path = bake(remote=remote, tracker="mlflow", service="fastapi")
    files = [str(file) for file in path.rglob("*") if file.is_file() and file.suffix != ".js"]
    told = ConfigParser(interpolation=None)
    told.read_string(run("editorconfig", *files, cwd=path, environment=environment).stdout)
    assert len(told.sections()) == len(files) > 200
    for name, wanted in told.items():
        if wanted.get("charset", "unset") == "unset":
            continue
        file = Path(name)
        text = file.read_bytes().decode()
        assert "\r" not in text, file
        assert text == "" or text.endswith("\n"), file
        if wanted["trim_trailing_whitespace"] == "true":
            assert re.search(r"[ \t]$", text, re.MULTILINE) is None, file
        indents = {line[:1] for line in text.splitlines()} & {" ", "\t"}
        assert indents <= {"\t" if wanted["indent_style"] == "tab" else " "}, file


def test_owners_are_of_files_that_exist(bake: Bake) -> None:
    for ci, there in (("github", True), ("gitlab", True), ("jenkins", False), ("none", False)):
        assert (bake(ci=ci) / "CODEOWNERS").exists() == there
    path = bake(ci="gitlab")
    lines = (path / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owned = re.findall(r"^# (\*|/\S+) +@\S+$", "\n".join(lines), re.MULTILINE)
    assert owned == ["*", "/mlrepo/", "/versions.yaml", "/deploy.py"]
    assert all((path / name.strip("/*")).exists() for name in owned)


def test_the_page_on_security_is_true(bake: Bake) -> None:
    path = bake(author="Ada Lovelace")
    said = (path / "SECURITY.md").read_text(encoding="utf-8")
    assert "Tell Ada Lovelace of a weakness in private" in said
    ignored = (path / ".dvc/.gitignore").read_text(encoding="utf-8").splitlines()
    assert "/config.local" in ignored
    for link in re.findall(r"\]\((\S+?)\)", said):
        assert (path / link.partition("#")[0]).exists()


def test_vs_code_is_told_of_dvcs_extension(bake: Bake) -> None:
    recommended = json.loads((bake() / ".vscode/extensions.json").read_text(encoding="utf-8"))
    assert recommended == {"recommendations": [EXTENSION]}
    container = json.loads((bake() / ".devcontainer/devcontainer.json").read_text("utf-8"))
    assert container["customizations"]["vscode"]["extensions"] == [EXTENSION]


def created(bake: Bake) -> str:
    """Return what a development container runs once, without the installation of uv."""
    container = json.loads((bake() / ".devcontainer/devcontainer.json").read_text("utf-8"))
    minors = re.findall(r'"(3\.\d+)"', (bake() / "bootstrap.py").read_text(encoding="utf-8"))
    assert container["image"].removeprefix("python:") in minors
    install, command = container["postCreateCommand"].split(" && ", 1)
    assert install == "pip install --quiet 'uv>=0.9,<1'"
    assert isinstance(command, str)
    return command


def test_a_development_container_finds_a_python_and_sets_up(
    bake: Bake, environment: dict[str, str], tmp_path: Path
) -> None:
    command = created(bake)
    assert command.endswith(" && python bootstrap.py")
    shutil.copytree(bake(), tmp_path / "project")
    find = command.removesuffix(" && python bootstrap.py")
    run("sh", "-c", find, cwd=tmp_path / "project", environment=environment)


@in_long_form
@pytest.mark.slow
def test_a_development_container_is_set_up(
    bake: Bake, environment: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(bake(), tmp_path / "project")
    run("sh", "-c", created(bake), cwd=tmp_path / "project", environment=environment)
    log = run("git", "log", "--oneline", cwd=tmp_path / "project", environment=environment)
    assert len(log.stdout.splitlines()) == 1
