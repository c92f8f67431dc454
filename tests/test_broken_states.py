"""Broken projects: each command ends with words and a fix, whatever it meets, or does its work."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest
from broken_states import COMMANDS, STATES
from conftest import Project
from helpers import LONG, in_long_form
from releases import Released, copied

DRIVE = Path(__file__).with_name("drive.py")
PROGRAMS = ("git", "dvc", "uv", "model", "python", "rm", "cruft", "openssl")
# What a person can do that is no command.
ACTS = (
    r"\b(add|check|choose|commit|decide|delete|fix|free|give|install|look|make|mount|move|name"
    r"|run|save|say|see|set|take|try|use|write)\b"
)
# A place in a file of the project, and what is wrong there.
PLACE = r"^\S+\.(yaml|toml|json|csv|py|lock|dvc)(, line \d+)?: .*(must|is|has|names|needs) "
NOTHING_TO_DO = r"\balready\b|^no tag of model lacks a signature"

# In such a state, a command that needs the file may not say that all is well.
NEEDED = {
    "dvc.yaml": {"doctor", "status", "push", "pull", "links", "register", "gate"},
    "dvc.lock": {"doctor", "status", "push", "pull", "links", "register", "predict"},
    "params.yaml": {"doctor", "status", "prepare", "train", "evaluate", "gate", "start", "schema"},
    "schema.yaml": {"doctor", "status", "prepare", "predict"},
    ".dvc/config": {"doctor", "push", "pull", "promote", "register"},
    ".dvc: deleted": {"doctor", "push", "pull", "links", "register"},
    "the remote": {"doctor", "pull"},
    "Git: no repository": {"doctor", "register", "promote", "show", "history"},
    "Git: no remote": {"register", "promote", "retire", "note"},
    "model": {"status", "register", "gate", "predict"},
}
RESTORED = (
    "dvc.yaml: deleted",
    "dvc.yaml: conflict",
    "dvc.lock: conflict",
    "dvc.lock: deleted",
    "dvc.lock: cut short",
    "params.yaml: cut short",
    "params.yaml: deleted",
    "schema.yaml: deleted",
    ".dvc/config: conflict",
)


@dataclass(frozen=True)
class Done:
    """How a command ended, and all that it said."""

    code: int | None
    said: str
    seconds: float


Run = Callable[[Released, str], Done]


@pytest.fixture(scope="module")
def run(project: Project) -> Iterator[Run]:
    """Run a command in a copy, as a fork of a process that has its packages imported."""
    python = project.path / ".venv/bin/python"
    with subprocess.Popen(
        [python, DRIVE, project.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=project.active(),
        cwd=project.path,
        text=True,
    ) as process:
        asked, answers = process.stdin, process.stdout
        assert asked
        assert answers

        def once(copy: Released, command: str) -> Done:
            words = command.split()
            argv = words if words[0] == "stage" else ["model", *words]
            print(json.dumps({"folder": str(copy.path), "command": argv}), file=asked, flush=True)
            return Done(**json.loads(answers.readline()))

        yield once
        asked.close()


def has_fix(message: str) -> bool:
    """Whether a message names a command that is there, an option, an act, or place and value."""
    commands = re.findall(r"`([a-z]+)[ `]", message)
    assert set(commands) <= {*PROGRAMS, "artifacts"}, message
    forms = (ACTS, r"--[a-z]", PLACE, NOTHING_TO_DO)
    return bool(commands or any(re.search(form, message) for form in forms))


def assert_told(done: Done, state: str, name: str) -> None:
    """One message with a fix, or checks of which each wrong one has one; never a traceback."""
    said = f"{state}: {name}: {done.code} after {done.seconds:.1f} s\n{done.said}"
    assert done.code in (0, 1, 2), said
    assert "Traceback" not in done.said, said
    if done.code == 2:
        *others, message = re.split(r"^error: ", done.said, flags=re.MULTILINE)
        # The project's own deploy.py tells of itself.
        assert len(others) == 1 or "above" in message, said
        assert has_fix(message), said
    elif done.code == 1:
        wrong = re.findall(r"^WRONG .*\n((?:  .*\n?)+)", done.said, re.MULTILINE)
        assert all(map(has_fix, wrong)), said
        assert wrong or has_fix(done.said), said
    needed = [names for part, names in NEEDED.items() if state.startswith(part)]
    assert done.code or not any(name in names for names in needed), said


@pytest.fixture
def broken(two_versions: Released, tmp_path: Path) -> Iterator[Callable[[str], Released]]:
    """Make a copy of the project with two versions, in a state."""
    made: list[Path] = []

    def make(state: str) -> Released:
        made.append(tmp_path / str(len(made)))
        copy = copied(two_versions, made[-1])
        STATES[state](copy.path)
        return copy

    yield make
    for folder in made:
        shutil.rmtree(folder)


# Each state and each command once, in pairs; all but the one that tests and checks for a minute.
SHORT = [name for name in COMMANDS if name != "ci check"]
PAIRS = list(zip_longest(STATES, SHORT[: len(STATES)], fillvalue="status"))
PAIRS += zip(STATES, SHORT[len(STATES) :], strict=False)  # there are more commands than states
PAIRS.append(("Git: a damaged index", "doctor"))  # for which DVC waited without an end


@pytest.mark.parametrize(("state", "name"), PAIRS)
def test_a_command_that_meets_a_broken_project_says_what_helps(
    run: Run, broken: Callable[[str], Released], state: str, name: str
) -> None:
    assert_told(run(broken(state), COMMANDS[name]), state, name)


@in_long_form
@pytest.mark.parametrize("state", STATES)
def test_every_command_in_every_state(
    run: Run, broken: Callable[[str], Released], state: str
) -> None:
    for name, command in COMMANDS.items():
        assert_told(run(broken(state), command), state, name)


@pytest.mark.parametrize("state", STATES if LONG else RESTORED)
def test_the_doctor_goes_on_and_the_mend_that_it_names_works(
    run: Run, broken: Callable[[str], Released], state: str
) -> None:
    copy = broken(state)
    done = run(copy, "doctor --offline")
    assert_told(done, state, "doctor offline")
    checks = set(re.findall(r"^(?:ok   |WRONG)  (.*)$", done.said, re.MULTILINE))
    assert checks >= {"tools", "packages", "hooks", "params and schema", "dvc.lock", "cache"}
    fixes = set(re.findall("`(git checkout HEAD -- [^`]+)`", done.said))
    if state in RESTORED:
        assert len(fixes) == 1
        copy.run(*fixes.pop().split())
        after = run(copy, "doctor --offline")
        assert after.code == 0, after.said
