"""The hooks alone: rendered as cookiecutter and as cruft render them, then run."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest
from conftest import TEMPLATE, Project

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
        assert "cd penguins\n  python bootstrap.py" in result.stderr
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


def runtime_distributions(project: Project) -> list[str]:
    """What `uv sync` installs without developer tools, but with pytest, which runs in-process."""
    tree = project.run("uv", "export", "--frozen", "--no-hashes", "--no-emit-project", "--no-dev")
    names = [line.split("==")[0] for line in tree.stdout.splitlines() if "==" in line[:60]]
    assert "scikit-learn" in names
    return [*names, "pytest", "pluggy", "iniconfig", "pygments"]


def test_package_cannot_hide_what_the_stages_import(project: Project, folder: Path) -> None:
    script = "import importlib.metadata as m, json; print(json.dumps(m.packages_distributions()))"
    provided: dict[str, list[str]] = json.loads(project.run("python", "-c", script).stdout)
    wanted = set(runtime_distributions(project))
    modules = {
        module.lower()
        for module, distributions in provided.items()
        if module.isidentifier()
        and not module.startswith("_")
        and wanted & {name.lower().replace("_", "-") for name in distributions}
    }
    assert {"sklearn", "yaml", "numpy", "pytest"} <= modules
    for module in sorted(modules):
        slug = module.replace("_", "-")
        result = run_hook(
            "pre_gen_project", folder, {**ANSWERS, "project_slug": slug, "__package_name": module}
        )
        assert "is taken by" in result.stderr, f"{module} can be hidden: add it to TAKEN"
