"""The hooks alone: rendered as cookiecutter and as cruft render them, then run."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import pytest
from conftest import TEMPLATE, VARIANTS, Bake, run

HOOKS = TEMPLATE / "hooks"
ANSWERS = {
    "project_name": "Penguins",
    "project_slug": "penguins",
    "description": "A model.",
    "author": "A team",
    "remote": "local",
    "remote_url": "../storage",
    "__package_name": "penguins",
}


def run_hook(
    name: str, folder: Path, answers: dict[str, str], **context: Any
) -> subprocess.CompletedProcess[str]:
    """Render a hook and run it in `folder`; cruft gives no context besides the answers."""
    source = (HOOKS / f"{name}.py").read_text(encoding="utf-8")
    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(source)
    script = folder.parent / f"{name}.py"
    script.write_text(template.render(cookiecutter=answers, **context), encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(script)], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


def test_good_answers_pass_in_silence(folder: Path) -> None:
    result = run_hook("pre_gen_project", folder, ANSWERS)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert not any(folder.iterdir())


NASTY = ['"', '"""', "'''", "\\", '\\"""', 'x""" + print("run me") + r"""', "\\u0022", "🐧", "</x>"]


@pytest.mark.parametrize("text", NASTY)
def test_answers_stay_data_inside_the_hooks(folder: Path, text: str) -> None:
    answers = {**ANSWERS, "description": text, "author": text}
    for hook in ("pre_gen_project", "post_gen_project"):
        result = run_hook(hook, folder, answers, _cookiecutter=answers)
        assert (result.returncode, result.stdout) == (0, "")


def test_message_shows_the_answer_even_where_it_cannot_be_printed(folder: Path) -> None:
    answers = {**ANSWERS, "remote_url": "../\udcff🐧"}
    result = run_hook("pre_gen_project", folder, answers)
    assert result.returncode == 1
    assert result.stderr.count("Cannot generate the project: remote_url") == 2


def test_template_code_is_seen_before_and_after_it_is_evaluated(folder: Path) -> None:
    typed = run_hook("pre_gen_project", folder, {**ANSWERS, "author": "{{ 7*7 }}"})
    evaluated = {**ANSWERS, "author": "49"}
    given = run_hook(
        "pre_gen_project", folder, evaluated, _cookiecutter={**ANSWERS, "author": "{{ 7*7 }}"}
    )
    for result in (typed, given):
        assert result.returncode == 1
        assert "author holds template code" in result.stderr


def test_post_hook_prunes_only_what_answers_left_empty(folder: Path) -> None:
    for name in (".github/workflows", ".git/refs/tags", "notebooks"):
        (folder / name).mkdir(parents=True)
    for _ in range(2):  # cruft calls the hook again
        result = run_hook("post_gen_project", folder, ANSWERS)
        assert result.returncode == 0
        assert "in the new folder penguins:\n\n  python3 bootstrap.py" in result.stderr
        assert result.stdout == ""  # where cruft prints its patch
        found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
        assert found == [".git", ".git/refs", ".git/refs/tags", "notebooks"]


def test_post_hook_keeps_what_holds_files(folder: Path) -> None:
    kept = folder / ".github" / "CODEOWNERS"
    (folder / ".github" / "workflows").mkdir(parents=True)
    kept.write_text("* @me\n", encoding="utf-8")
    assert run_hook("post_gen_project", folder, ANSWERS).returncode == 0
    assert list((folder / ".github").iterdir()) == [kept]


def test_hooks_reach_neither_network_nor_other_programs() -> None:
    harmless = {"collections", "json", "keyword", "pathlib", "re", "sys", "unicodedata"}
    for hook in HOOKS.glob("*.py"):
        for node in ast.walk(ast.parse(hook.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert {name.split(".")[0] for name in names} <= harmless, hook.name


def taken() -> re.Pattern[str]:
    """Return the names that the hook refuses as one of the owner's package."""
    source = (HOOKS / "pre_gen_project.py").read_text(encoding="utf-8")
    [value] = [
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TAKEN"
    ]
    assert isinstance(value, ast.Call)
    return re.compile(ast.literal_eval(value.args[0]), re.VERBOSE)


def requirements(bake: Bake) -> list[str]:
    """Return what projects of all answers depend on: every option, extra and group."""
    found = set()
    for name, value in VARIANTS:
        text = (bake(**{name: value}) / "pyproject.toml").read_text(encoding="utf-8")
        pyproject = tomllib.loads(text)
        found.update(pyproject["project"]["dependencies"])
        for group in pyproject["project"]["optional-dependencies"].values():
            found.update(group)
        for group in pyproject["dependency-groups"].values():
            found.update(group)
    return sorted(found)


@pytest.mark.slow
def test_no_slug_is_the_name_of_what_is_installed_with_any_option(
    bake: Bake, environment: dict[str, str], tmp_path: Path
) -> None:
    """A module would be hidden by the package; a distribution would depend on itself."""
    run("uv", "venv", "--quiet", "all", cwd=tmp_path, environment=environment)
    python = str(tmp_path / "all/bin/python")
    command = ("uv", "pip", "install", "--quiet", "--python", python, *requirements(bake))
    run(*command, cwd=tmp_path, environment=environment)
    script = (
        "import importlib.metadata as m; print(*m.packages_distributions()); "
        "print(*(each.name for each in m.distributions()))"
    )
    said = run(python, "-c", script, cwd=tmp_path, environment=environment).stdout.lower()
    imported, installed = (line.split() for line in said.splitlines())
    modules = {each for each in imported if each.isidentifier() and each[0] != "_"}
    distributions = {re.sub("[-.]", "_", each) for each in installed}
    assert {"sklearn", "ruamel", "filelock", "mlflow", "wandb", "fastapi"} <= modules
    assert {"scikit_learn", "gcsfs", "adlfs", "sshfs", "s3fs"} <= distributions
    pattern = taken()
    hidden = sorted(each for each in modules | distributions if not pattern.fullmatch(each))
    assert hidden == [], "add these to TAKEN"


def test_the_package_cannot_have_the_name_of_something_in_the_project(bake: Bake) -> None:
    at_top = [path for path in bake().iterdir() if path.is_dir() or path.suffix == ".py"]
    names = {path.stem for path in at_top if path.stem.isidentifier()} - {"penguins"}
    assert {"mlrepo", "data", "tests", "docs", "environment", "bootstrap", "deploy"} <= names
    names |= {"models", "metrics", "reports"}  # of the pipeline
    assert {name for name in names if not taken().fullmatch(name)} == set()
