"""Every command of both READMEs, and of the pages that go with them, is run in their order.

The first on a machine with Python and Git alone. What the pages show is compared with what comes.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import TEMPLATE, lack, run
from pages import blocks, console, page, section, shown
from typed import GENERATED, IN_TEXT, NAMED, STORY, TEXTS

pytestmark = pytest.mark.slow

README = (TEMPLATE / "README.md").read_text(encoding="utf-8")


@dataclass
class Terminal:
    """A shell in a folder, on a machine with only Python and Git."""

    folder: Path
    environment: dict[str, str]

    def run(self, line: str) -> str:
        return run("bash", "-c", line, cwd=self.folder, environment=self.environment).stdout


def inline(text: str) -> list[str]:
    """Return the commands between backticks in the text and the tables."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    starts = r"(?:uv|git|make|model|python|source|dvc (?:repro|exp|push|pull))"
    return re.findall(rf"`({starts}(?: [^`]+)?)`", prose)


def table(text: str) -> list[str]:
    """Return the lines of the table of metrics."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("metric  "))
    return [line.rstrip() for line in lines[start : start + 8]]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Terminal:
    """A shell in a clone of this repository, with a Python that has no packages."""
    folder = tmp_path_factory.mktemp("readme")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "python"], check=True)
    tools = folder / "tools"
    tools.mkdir()
    for name in ("git", "make", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    clone = shutil.ignore_patterns(".git", ".venv", "*.egg-info", "*_cache", "__pycache__")
    shutil.copytree(TEMPLATE, folder / "template", ignore=clone)
    system = os.pathsep.join(["/usr/bin", "/bin"])
    path = f"{folder / 'python/bin'}{os.pathsep}{tools}{os.pathsep}{system}"
    return Terminal(folder / "template", {**environment, "PATH": path, "COLUMNS": "120"})


@pytest.fixture(scope="module")
def first(terminal: Terminal) -> str:
    """What the first command of the README prints."""
    return terminal.run(console(README)[0])


@pytest.fixture(scope="module")
def project(terminal: Terminal, first: str) -> Terminal:
    """A shell in the project that the first command made, with what it left on the PATH."""
    assert first
    path = f"{terminal.folder / '.venv/bin'}{os.pathsep}{terminal.environment['PATH']}"
    return Terminal(terminal.folder.parent / "penguins", {**terminal.environment, "PATH": path})


def test_the_first_command_ends_with_the_table_and_one_commit(
    first: str, project: Terminal
) -> None:
    assert table(first) == table(README) == table(GENERATED)
    assert project.run("git status --porcelain") == ""
    project.run(".venv/bin/dvc status -q")
    assert len(project.run("git log --oneline").splitlines()) == 1


def test_the_project_is_as_large_as_the_readme_says(project: Terminal) -> None:
    [said] = re.findall(r"about (\d+) MB for the project with its environment", README)
    size = sum(each.lstat().st_size for each in project.folder.rglob("*")) / 1e6
    # Without bytecode here, which is a sixth of it.
    assert 0.7 < size / int(said) < 1.1


def test_the_second_command_passes_all_tests(project: Terminal) -> None:
    assert re.search(r"= \d+ passed in", project.run(console(README)[1]))


def test_the_pipeline_runs_with_the_network_cut(project: Terminal) -> None:
    cut = ["unshare", "--map-root-user", "--net", "true"]
    if shutil.which("unshare") is None or subprocess.run(cut, check=False).returncode:
        lack("this system gives no network namespace: run the tests as root on Linux")
    said = project.run("unshare --map-root-user --net uv run dvc repro --force")
    assert said.count("Running stage") == 5
    assert project.run("git status --porcelain") == ""


def masked(text: str) -> str:
    """Return what a command prints without times, commits and ends of lines."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00", "TIME", text)
    text = re.sub(r"\b[0-9a-f]{7}\b", "COMMIT", text)
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def test_the_commands_of_the_pages_work_and_print_what_they_show(project: Terminal) -> None:
    commands = [command for command in console(GENERATED + STORY) if "islands" not in command]
    assert commands[:2] == ["python bootstrap.py", "uv run pytest"]
    ada = {f"GIT_{role}_NAME": "Ada" for role in ("AUTHOR", "COMMITTER")}
    story = Terminal(project.folder, {**project.environment, **ada})
    said = {command: story.run(command) for command in commands if "pytest" not in command}
    show = next(command for command in said if "exp show" in command)
    changes = "uv run model diff v1 v1.1"
    for command, expected in shown(STORY).items():
        if expected and command not in (show, changes):
            assert masked(said[command]) == masked(expected), command
    # Of these two the pages show a part.
    values = re.compile(r"(trees|leaves|main|workspace)\S*" + r" +([\d.]+)" * 4)
    assert len(values.findall(said[show])) == 4
    assert values.findall(said[show]) == values.findall(shown(STORY)[show])
    for line in shown(STORY)[changes].splitlines():
        assert line in said[changes] or line == "  and the others"
    [code] = blocks(page("docs/predict.md"), "python")
    assert "prediction" in story.run(f"uv run python -c {shlex.quote(code)}")
    story.run(f"uv run python -c {shlex.quote(blocks(page('docs/changes.md'), 'python')[-1])}")
    assert project.run("git status --porcelain") == "?? predictions.csv\n"
    project.run("rm predictions.csv")


def test_every_command_in_its_text_is_known() -> None:
    assert set(inline(TEXTS)) == set(IN_TEXT) | NAMED


@pytest.mark.parametrize("command", IN_TEXT)
def test_a_command_in_its_text_works(project: Terminal, command: str) -> None:
    if shutil.which("make", path=project.environment["PATH"]) is None and "make" in command:
        lack("make is not installed: apt-get install make")
    said = project.run(IN_TEXT[command])
    if command == "uv run model sweep":
        [expected] = blocks(section(STORY, "Sweeps"), "text")
        assert masked(expected) in masked(said)


def test_ci_runs_what_the_readme_says() -> None:
    script = (TEMPLATE / ".ci/run").read_text(encoding="utf-8")
    section = README.split("## Work on the template")[1]
    install, test = console(section)
    # uv does there what pip does here, in a tenth of the time.
    assert f"uv pip install --quiet {install.removeprefix('python -m pip install ')}" in script
    assert re.search(rf"^{test} ", script, re.MULTILINE)
