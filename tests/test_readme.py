"""Every command of both READMEs is run, from the first on a machine with Python and Git."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import TEMPLATE, run
from pages import console, page

pytestmark = pytest.mark.slow

README = (TEMPLATE / "README.md").read_text(encoding="utf-8")
# As the default answers leave it; the commands of a tracker and of a service have tests of theirs.
GENERATED = page("README.md")

BACK = (
    "git checkout params.yaml dvc.lock environment env.json metrics reports MODEL_CARD.md"
    " && uv run dvc checkout"
)
PROOF = "uv run dvc repro --force && git diff --exit-code && uv run model doctor"
# The commands that stand in the text of the generated README, in an order in which they can be
# run one after the other, with what its words in capitals stand for.
IN_TEXT = {
    "uv run": "uv run python --version",
    "uv run dvc repro": "uv run dvc repro",
    "uv run model ci JOB": "uv run model ci verify",
    "uv run model scores": "uv run model scores",
    "python -m mlrepo STAGE": ". .venv/bin/activate && python -m mlrepo card",
    "uv run python -m mlrepo train": "uv run python -m mlrepo train && uv run dvc status --quiet",
    "uv run pytest": "uv run pytest --collect-only --quiet",
    "uv run dvc plots show --open": "BROWSER=true uv run dvc plots show --open",
    "dvc repro": ". .venv/bin/activate && dvc repro",
    "source .venv/bin/activate": ". .venv/bin/activate && dvc --version",
    "dvc exp run -S train.arguments.n_estimators=300": (
        ". .venv/bin/activate && dvc exp run -S train.arguments.n_estimators=300"
    ),
    "dvc exp run --run-all": ". .venv/bin/activate && dvc exp run --run-all",  # nothing waits
    "uv run dvc metrics diff": "uv run dvc metrics diff",
    "uv run dvc params diff": "uv run dvc params diff",
    BACK: f"! uv run dvc exp run -S train.arguments.n_estimators=-5 && {BACK}"
    ' && test -z "$(git status --porcelain)" && uv run dvc status --quiet',
    "uv run dvc metrics diff HEAD~1": "uv run dvc metrics diff HEAD~1",
    "dvc exp show -A": "uv run dvc exp show -A --no-pager",
    "uv run model sweep": (
        "sed -i.old 's/^trials: .*/trials: 2/' sweep.yaml && rm sweep.yaml.old"
        " && uv run model sweep"
    ),
    "uv run model sweep apply": "git checkout sweep.yaml && uv run model sweep apply",
    "git checkout . && uv run dvc checkout": (
        "git checkout . && uv run dvc checkout && uv run dvc status --quiet"
    ),
    "git checkout dvc.lock": "git checkout dvc.lock",
    'git add -A && git commit -m "What changed"': (
        'uv run dvc repro && echo >> params.yaml && git add -A && git commit -m "What changed"'
    ),
    "uv run model push && git push": (
        "git init --quiet --bare ../origin.git && git remote add origin ../origin.git"
        " && git push --quiet --set-upstream origin main && git push --quiet --tags"
        " && uv run model push && git push"
    ),
    "git clone ADDRESS FOLDER && cd FOLDER && python bootstrap.py": (
        "git clone --quiet ../origin.git ../second && cd ../second && python bootstrap.py"
        " && uv run dvc status --quiet && cmp models/model.skops ../penguins/models/model.skops"
    ),
    PROOF: f"cd ../second && {PROOF}",
    "uv run dvc remote modify --local storage url ADDRESS": (
        "cd ../second && mv ../penguins-remote ../moved && ! uv run model pull"
        " && uv run dvc remote modify --local storage url ../moved"
    ),
    "uv run model pull": (
        "cd ../second && rm -r .dvc/cache data/prepared models && uv run model pull"
        " && mv ../moved ../penguins-remote"
        " && cmp models/model.skops ../penguins/models/model.skops"
    ),
    "git pull && uv sync && uv run model pull": "git pull && uv sync && uv run model pull",
    "model promote": "uv run model promote --help",
    "model rollback": "uv run model rollback --help",
    "model show": "uv run model show && uv run model show --json",
    "model at 2026-03-01 prod": "uv run model at 2026-03-01 prod",
    "model get prod -o FOLDER": "uv run model get prod -o ../deployed",
    "model record v1 --format slsa": "uv run model record v1 --format slsa",
    "model gate": "uv run model gate",
    "model deprecate v1.1 -m WHY": "uv run model deprecate v1.1 -m WHY",
    "model retire staging -m WHY": (
        "uv run model promote v1 staging -m WHY && uv run model retire staging -m WHY"
    ),
    "model note v1 -m WHY --link ADDRESS": (
        "uv run model note v1 -m WHY --link https://example.com/tickets/7"
    ),
    "model restore v1": (
        "uv run model restore v1 && git switch --quiet main && uv run dvc checkout"
    ),
    "model doctor": "uv run model doctor",
    "uv run model doctor": "uv run model doctor | grep 'mlrepo .*, as released'",
    "model predict": "uv run model predict --help",
    "uv sync": "uv sync",
    "git checkout COMMIT && uv run dvc checkout": ("git checkout HEAD~1 && uv run dvc checkout"),
    "git switch main && uv run dvc checkout": "git switch main && uv run dvc checkout",
    "make": "make",
    "make help": "make help",
    "make lint test": "make lint test",
    "make merge": (
        "git checkout --quiet -b side HEAD~1 && git commit --quiet --allow-empty -m side"
        " && git checkout --quiet main && git merge --quiet side && make merge"
    ),
    "uv add NAME": "uv add --dev six && git checkout pyproject.toml uv.lock && uv sync",
    "uv sync --extra lightgbm": "uv sync --extra lightgbm && uv sync",
    "uv run model start TABLE --target COLUMN": (
        "cp data/raw/penguins.csv ../new.csv && uv run model start ../new.csv --target species"
        " --purpose Why --source Where --licence MIT"
        " && git checkout --quiet . && git clean --quiet --force data && uv run dvc checkout"
    ),
    "model start --help": "uv run model start --help",
    "uv run dvc add data/raw/NAME": (
        "cp data/raw/penguins.csv data/raw/new.csv && uv run dvc add data/raw/new.csv"
    ),
    "uv run model schema --force": ("uv run model schema --force && git checkout schema.yaml"),
    "uv run model remote ADDRESS": ("uv run model remote ../elsewhere && git checkout .dvc/config"),
    "uv run model gc --cloud": "uv run model gc --cloud --yes",
}


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


def test_the_second_command_passes_all_tests(project: Terminal) -> None:
    assert re.search(r"= \d+ passed in", project.run(console(README)[1]))


def test_the_pipeline_runs_with_the_network_cut(project: Terminal) -> None:
    cut = ["unshare", "--map-root-user", "--net", "true"]
    if shutil.which("unshare") is None or subprocess.run(cut, check=False).returncode:
        pytest.skip("this system gives no network namespace: run the tests as root on Linux")
    said = project.run("unshare --map-root-user --net uv run dvc repro --force")
    assert said.count("Running stage") == 5
    assert project.run("git status --porcelain") == ""


def test_the_commands_of_the_generated_readme_work(project: Terminal) -> None:
    commands = [command for command in console(GENERATED) if "islands" not in command]
    assert commands[:2] == ["python bootstrap.py", "uv run pytest"]
    said = {command: project.run(command) for command in commands if "pytest" not in command}
    shown = next(text for command, text in said.items() if "exp show" in command)
    values = re.compile(r"(trees|leaves|main|workspace)\S*" + r" +([\d.]+)" * 4)
    assert len(values.findall(shown)) == 4
    assert values.findall(shown) == values.findall(GENERATED.split("exp show")[1])
    changes = next(text for command, text in said.items() if "model diff" in command)
    told = re.compile(r"^ +(test\.\w+) +([\d.]+ -> [\d.]+ +\S+)$", re.MULTILINE)
    assert len(told.findall(GENERATED)) == 3
    assert set(told.findall(GENERATED)) <= set(told.findall(changes))
    proof = GENERATED.split("verify prod --rebuild\n")[1].split("```")[0]
    said_of_it = next(text for command, text in said.items() if "--rebuild" in command)
    assert said_of_it == proof
    for command in ("model predict", "head -3"):
        [(line, text)] = [(line, text) for line, text in said.items() if command in line]
        assert text == GENERATED.split(f"$ {line}\n")[1].partition("$ ")[0].partition("```")[0]
    assert project.run("git status --porcelain") == "?? predictions.csv\n"
    project.run("rm predictions.csv")


def test_every_command_in_its_text_is_known() -> None:
    assert set(inline(GENERATED)) == set(IN_TEXT)


@pytest.mark.parametrize("command", IN_TEXT)
def test_a_command_in_its_text_works(project: Terminal, command: str) -> None:
    if shutil.which("make", path=project.environment["PATH"]) is None and "make" in command:
        pytest.skip("make is not installed: apt-get install make")
    project.run(IN_TEXT[command])


def test_ci_runs_what_the_readme_says() -> None:
    script = (TEMPLATE / ".ci/run").read_text(encoding="utf-8")
    section = README.split("## Work on the template")[1]
    install, test = console(section)
    # uv does there what pip does here, in a tenth of the time.
    assert f"uv pip install --quiet {install.removeprefix('python -m pip install ')}" in script
    assert re.search(rf"^{test} ", script, re.MULTILINE)
