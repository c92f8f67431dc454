"""AGENTS.md is true: what it names is there, its commands run, and what it forbids is told."""

import re
from pathlib import Path

import pytest
from conftest import Project
from helpers import Copy, copy_project
from pages import page

PAGE = page("AGENTS.md")
POINTS = dict(re.findall(r"^- \*\*([^*:]+):?\*\*(.*)$", PAGE, re.MULTILINE))
PATH = r"`([\w./]+(?:\.\w+|/))`"


@pytest.fixture(scope="module")
def copy(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return copy_project(project, tmp_path_factory.mktemp("agents") / "penguins")


def named(point: str) -> set[str]:
    """Return the paths that a point names."""
    return set(re.findall(PATH, POINTS[point]))


def test_it_is_ten_lines() -> None:
    assert len(POINTS) == len(re.findall(r"^- ", PAGE, re.MULTILINE)) == 10


def test_every_path_is_there(project: Project) -> None:
    for path in re.findall(PATH, PAGE.replace("STEP.py", "train.py")):
        assert (project.path / path).exists(), path


def test_every_file_is_in_one_list(project: Project) -> None:
    """But for settings, licence and set-up, which nobody changes in the course of work."""
    tracked = project.run("git", "ls-files").stdout.splitlines()
    tops = {f"{top}/" if rest else top for top, _, rest in (p.partition("/") for p in tracked)}
    known = {"LICENSE", "Makefile", "AGENTS.md", "CODEOWNERS", "SECURITY.md", "pyproject.toml"}
    settings = {name for name in tops if name.startswith(".") or name in known}
    scripts = {"bootstrap.py", "deploy.py", "environment/", "data/"}
    lists = [named("Edit"), named("Do not edit"), named("Do not write by hand")]
    for name in tops - settings - scripts:
        assert sum(name in each for each in lists) == 1, name


def test_what_a_run_writes_is_what_dvc_says(copy: Copy) -> None:
    written = named("Do not write by hand") - {"dvc.lock", "uv.lock"}
    outs = [out["path"] for stage in copy.lock()["stages"].values() for out in stage["outs"]]
    for path in [*outs, "env.json"]:
        assert path in written or any(path.startswith(each) for each in written), path
    for each in written:
        assert any(path.startswith(each) for path in [*outs, "env.json"]), each


def test_an_edit_of_the_library_is_named(copy: Copy) -> None:
    path = copy.path / "mlrepo/ci/check.py"
    before = path.read_bytes()
    path.write_bytes(before + b"# Mine.\n")
    done = copy.run("python", "-m", "mlrepo.commands", "doctor", "--offline", check=False)
    path.write_bytes(before)
    [said] = [line for line in done.stdout.splitlines() if "from the release" in line]
    assert "ci/check.py" in said


def test_a_key_that_is_missing_is_told(copy: Copy) -> None:
    """Every key must be there."""
    path = copy.path / "params.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("  cross_validation: 5\n", ""), encoding="utf-8")
    done = copy.run("python", "-m", "mlrepo", "train", check=False)
    path.write_text(before, encoding="utf-8")
    assert done.returncode == 2
    assert "train.cross_validation is missing" in done.stderr


def test_its_commands_are_the_ones_that_check_a_change(copy: Copy) -> None:
    done = POINTS["A change is done"]
    assert "`uv run dvc repro`" in done
    assert "`make lint test`" in done
    for command in re.findall(r"`uv run ([^`]+)`", PAGE):
        # The whole suite runs in a test of the README, which says the same.
        line = f"{command} --collect-only -q" if command == "pytest" else command
        line = re.sub("^model ", "python -m mlrepo.commands ", line)
        copy.run(*line.split(), *(["--offline"] if "doctor" in command else []))
    copy.run("lint-imports", "--no-cache")
    makefile = (copy.path / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z ]+)`", PAGE):
        for name in target.split():
            assert re.search(rf"^{name}:", makefile, re.MULTILINE), name
    # The commit is done: nothing is left.
    copy.run("dvc", "status", "--quiet")
    assert copy.changed() == []


def test_the_page_with_examples_is_named() -> None:
    assert "`docs/changes.md`" in POINTS["Examples"]
    assert "\n## A feature\n" in page("docs/changes.md")


def test_it_says_what_the_readme_says_of_the_two_rooms() -> None:
    readme = page("README.md").partition("## Two rooms")[2].partition("## Daily work")[0]
    for name in named("Edit") - {"README.md"}:
        assert name in readme, name
    assert "mlrepo/" in readme


def test_a_page_has_a_function_main() -> None:
    assert "`main(params)`" in POINTS["A step"]
    folder = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}"
    for stage in ("prepare", "train", "evaluate", "card"):
        path = folder / "{{cookiecutter.__package_name}}" / f"{stage}.py"
        assert "def main(params: Params) -> None:" in path.read_text(encoding="utf-8")
