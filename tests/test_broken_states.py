"""Broken projects: each command ends with words and a fix, whatever it meets, or does its work."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from broken_pairs import (
    AROUND,
    AROUND_LONG,
    CELLS,
    PAIRS,
    REFUSED_ANYWAY,
    RESTORED,
    SLOW,
    TRACKED,
    TRACKED_PAIRS,
    must_refuse,
)
from broken_states import COMMANDS, STATES
from conftest import Project
from helpers import LONG, in_long_form
from once import once
from releases import Released, copied
from told import Done, assert_told, has_fix, names_what_is_broken

DRIVE = Path(__file__).with_name("drive.py")
Run = Callable[[Released, str], Done]
Broken = Callable[[Released, str], Released]


@contextmanager
def driving(project: Project) -> Iterator[Run]:
    """Run commands in copies, as forks of a process that has the project's packages imported."""
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

        def drive(copy: Released, command: str) -> Done:
            job = {"folder": str(copy.path), "command": command}
            print(json.dumps(job), file=asked, flush=True)
            return Done(**json.loads(answers.readline()))

        yield drive
        asked.close()


@pytest.fixture(scope="module")
def run(project: Project) -> Iterator[Run]:
    with driving(project) as run:
        yield run


@pytest.fixture(scope="module")
def run_tracked(mlflow_project: Project) -> Iterator[Run]:
    with driving(mlflow_project) as run:
        yield run


@pytest.fixture(scope="session")
def tracked(served_versions: Released, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Two versions with tracker and service; the long form has them in the tracker as well."""
    if not LONG:
        return served_versions

    def mirror(folder: Path) -> Released:
        copy = copied(served_versions, folder / "mirrored")
        copy.model("mirror")
        return copy

    return once(tmp_path_factory, "mirrored", mirror)


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Broken]:
    """Make a copy of a project, in a state."""
    made: list[Path] = []

    def make(source: Released, state: str) -> Released:
        made.append(tmp_path / str(len(made)))
        copy = copied(source, made[-1])
        STATES[state](copy.path)
        return copy

    yield make
    for folder in made:
        shutil.rmtree(folder)


@pytest.mark.parametrize(("state", "name"), PAIRS)
def test_a_command_refuses_what_it_needs_and_says_what_helps(
    run: Run, broken: Broken, two_versions: Released, state: str, name: str
) -> None:
    done = run(broken(two_versions, state), COMMANDS[name])
    assert_told(done, f"{state}: {name}", must_refuse=True)
    assert names_what_is_broken(done.said, state), done.said


@pytest.mark.parametrize(("state", "name"), CELLS)
def test_a_damaged_file_is_not_the_fault_of_the_remote(
    run: Run, broken: Broken, two_versions: Released, state: str, name: str
) -> None:
    done = run(broken(two_versions, state), COMMANDS[name])
    assert_told(done, f"{state}: {name}", must_refuse=True)
    file = state.partition(":")[0]
    if name == "doctor":
        assert "ok     DVC remote\n" in done.said
        found = re.findall(r"^WRONG .*\n((?:  .*\n?)+)", done.said, re.MULTILINE)
        assert all(each.startswith(f"  {file} ") and len(each.splitlines()) == 1 for each in found)
    else:
        assert done.said.startswith(f"error: {file} ")
        assert len(done.said.splitlines()) == 1
        assert "remote" not in done.said


@pytest.mark.parametrize(("state", "name"), TRACKED_PAIRS)
def test_tracker_and_service_meet_it_as_well(
    run_tracked: Run, broken: Broken, tracked: Released, state: str, name: str
) -> None:
    done = run_tracked(broken(tracked, state), TRACKED[name])
    assert_told(done, f"{state}: {name}", must_refuse=must_refuse(state, name))
    assert "not installed" not in done.said or "plug-in" in state


@in_long_form
@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - SLOW))
def test_a_command_that_would_refuse_anything_meets_no_state(
    run: Run, two_versions: Released, tmp_path: Path, name: str
) -> None:
    done = run(copied(two_versions, tmp_path / "copy"), COMMANDS[name])
    assert (done.code != 0) == (name in REFUSED_ANYWAY), done.said


@in_long_form
@pytest.mark.parametrize("state", STATES)
def test_every_command_in_every_state(
    run: Run, broken: Broken, two_versions: Released, state: str
) -> None:
    assert_all_told(run, lambda: broken(two_versions, state), state, COMMANDS)


@in_long_form
@pytest.mark.parametrize("state", STATES)
def test_tracker_and_service_in_every_state(
    run_tracked: Run, broken: Broken, tracked: Released, state: str
) -> None:
    assert_all_told(run_tracked, lambda: broken(tracked, state), state, TRACKED)


def assert_all_told(
    run: Run, make: Callable[[], Released], state: str, commands: dict[str, str]
) -> None:
    for name, command in commands.items():
        assert_told(run(make(), command), f"{state}: {name}", must_refuse(state, name))


@pytest.mark.parametrize(("state", "command", "code"), AROUND + AROUND_LONG * LONG)
def test_programs_that_call_ours_hand_its_words_on(
    run: Run, broken: Broken, two_versions: Released, state: str, command: str, code: int
) -> None:
    """DVC, Git by its hooks, and bootstrap.py."""
    done = run(broken(two_versions, state), command)
    assert done.code == code, done.said
    assert "Traceback" not in done.said
    words = re.split(r"^(?:error|post-checkout|pre-commit): ", done.said, flags=re.MULTILINE)[1:]
    assert any(has_fix(each) for each in words), done.said


@pytest.mark.parametrize("state", STATES if LONG else RESTORED)
def test_the_doctor_goes_on_and_the_fix_that_it_names_works(
    run: Run, broken: Broken, two_versions: Released, state: str
) -> None:
    copy = broken(two_versions, state)
    done = run(copy, "model doctor --offline")
    assert_told(done, f"{state}: doctor offline")
    checks = set(re.findall(r"^(?:ok   |WRONG)  (.*)$", done.said, re.MULTILINE))
    assert checks >= {"tools", "packages", "hooks", "params and schema", "dvc.lock", "cache"}
    fixes = set(re.findall("`(git checkout HEAD -- [^`]+)`", done.said))
    if state in RESTORED:
        assert len(fixes) == 1
        copy.run(*fixes.pop().split())
        after = run(copy, "model doctor --offline")
        assert after.code == 0, after.said
