"""The command `model`: its help, its exit codes, where paths start, and what it waits for."""

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from broken_states import COMMANDS as BROKEN

from mlrepo.commands import app, mirror, release, use
from mlrepo.core.errors import NotPassedError, ProjectError
from mlrepo.pipeline import git
from mlrepo.prediction import sources, write
from mlrepo.versions.gate import verdict as gate

from . import tagging
from .conftest import PROJECT, PYPROJECT, TinyProject, render_yaml
from .ring import Ring

Run = Callable[..., int]
LIBRARY = PROJECT / "mlrepo"
PROMOTE = {"promote", "rollback"}  # which the gate and approvals can refuse


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a version that is in production, as the current folder."""
    monkeypatch.chdir(tmp_path)
    render_yaml("dvc.yaml", "params.yaml", "versions.yaml")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    for command in (
        ("init", "--quiet"),
        ("commit", "--quiet", "--allow-empty", "--message", "A commit"),
    ):
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    git.folder_in_repository.cache_clear()
    tagging.version("1.0.0")
    tagging.assign("1.0.0", "prod")
    return tmp_path


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `model ...` in this process; return its exit code."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["model", *arguments])
        with pytest.raises(SystemExit) as end:
            app.main()
        return int(end.value.code or 0)

    return run


def each_command(group: Any, name: str = "model") -> Iterator[tuple[str, Any]]:
    """Yield the path and the click object of a command and of all below it."""
    yield name, group
    for below, command in getattr(group, "commands", {}).items():
        yield from each_command(command, f"{name} {below}")


COMMANDS = dict(each_command(typer.main.get_command(app.app)))


def test_a_copied_environment_does_not_run_the_code_of_the_old_place(
    folder: Path, model: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mlrepo/core").mkdir(parents=True)
    (folder / "mlrepo/core/paths.py").touch()
    assert model("show") == 0  # by an environment that is somewhere else
    monkeypatch.setattr(sys, "prefix", str(folder / ".venv"))
    assert model("show") == 2
    assert capsys.readouterr().err == (
        f"error: this would run the code in {PROJECT} and not that of this folder, whose .venv was "
        "made there: run `uv sync` here\n"
    )


def test_every_command_argument_and_option_has_a_word_of_help() -> None:
    assert len(COMMANDS) > 35
    silent = [name for name, command in COMMANDS.items() if not command.help]
    for name, command in COMMANDS.items():
        silent += [f"{name} {each.name}" for each in command.params if not each.help]
    assert silent == []


@pytest.mark.usefixtures("folder")
def test_every_help_can_be_read(model: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert model(*name.split()[1:], "--help") == 0
        assert f"Usage: {name} " in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_help_says_what_the_command_is_and_lists_the_first_steps_first(
    model: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert model("--help") == 0
    said = capsys.readouterr().out
    assert "A version is a Git tag" in said
    assert "Exit codes:\n\n    0    done" in said
    assert "...\n" not in said.partition("Commands:")[2]  # no line is cut
    order = [said.index(f"\n  {name} ") for name in ("doctor", "show", "register", "sweep", "ci")]
    assert order == sorted(order)


@pytest.mark.usefixtures("folder")
def test_exit_codes_are_those_of_the_help(
    model: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert model("show") == 0
    assert model("doctor", "--offline") == 1  # it is no DVC project
    assert model("show", "--no-such-option") == 2
    capsys.readouterr()
    assert model("at", "yesterday", "prod") == 2
    assert capsys.readouterr().err == (
        "error: 'yesterday' is no date: write 2026-03-01 or 2026-03-01T12:00Z\n"
    )

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "app", lambda **_: interrupted())
    assert model("show") == 130


GROUPS = {name for name, command in COMMANDS.items() if getattr(command, "commands", None)}
LEAVES = COMMANDS.keys() - GROUPS | {"model sweep"}  # a group that does something itself
CODES: list[tuple[BaseException | None, int, str]] = [
    (None, 0, ""),
    (typer.Exit(1), 1, ""),
    (NotPassedError("no"), 1, "error: no\n"),
    (ProjectError("no"), 2, "error: no\n"),
    (KeyboardInterrupt(), 130, "error: interrupted\n"),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("end", "code", "said"), CODES, ids=lambda each: type(each).__name__)
def test_every_command_ends_with_the_codes_of_the_table(
    model: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: BaseException | None,
    code: int,
    said: str,
) -> None:
    def invoke(_: Any) -> None:
        if end:
            raise end

    root = typer.main.get_command(app.app)
    monkeypatch.setattr(app, "app", root)
    for name, command in each_command(root):
        if name in LEAVES:
            for parameter in command.params:
                monkeypatch.setattr(parameter, "required", False)
            monkeypatch.setattr(command, "invoke", invoke)
            assert model(*name.split()[1:]) == code, name
            assert capsys.readouterr().err == said, name


def test_the_help_of_a_command_says_where_it_ends_with_code_1() -> None:
    raising = [path.stem for path in LIBRARY.rglob("*.py") if "raise NotPassedError(" in text(path)]
    assert raising == ["promotion"]
    for name in LEAVES:
        source = inspect.getsource(inspect.unwrap(COMMANDS[name].callback))
        ends = re.search(r"\b(end|typer\.Exit)\(", source) or name.split()[-1] in PROMOTE
        assert ("Exit code 1: " in (COMMANDS[name].help or "")) == bool(ends), name


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_paths_start_where_the_command_is_typed(
    model: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def predict(*arguments: Any) -> write.Counts:
        asked.extend(arguments[1:3])
        return write.Counts(3, 0)

    found = SimpleNamespace(version="this model", sha256="0" * 64)
    monkeypatch.setattr(use, "pin", lambda: None)  # here is NumPy imported already
    monkeypatch.setattr(sources, "of_folder", lambda _: found)
    monkeypatch.setattr(write, "predict", predict)
    (folder / "data").mkdir()
    monkeypatch.chdir(folder / "data")
    assert model("predict", "new.csv", "-o", "out.csv") == 0
    assert asked == [folder / "data/new.csv", folder / "data/out.csv"]
    assert "in out.csv" in capsys.readouterr().out
    assert Path.cwd() == folder


def test_outside_of_a_project_it_says_so(
    model: Run, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert model("show") == 2


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["from-mlflow", "v1", "-o", "out"], "`uv add --dev mlflow` adds it"),
        (["serve"], "the packages of the service are not installed: `cruft update"),
        (["predict", "a", "-o", "b", "--version", "v1", "--stage", "prod"], "not both"),
        (["serve", "--version", "v1", "--stage", "prod"], "not both"),
    ],
)
def test_what_cannot_be_done_here_is_told_with_what_helps(
    model: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    words: str,
) -> None:
    for module in (mirror, use):
        monkeypatch.setattr(module, "find_spec", lambda _: None)
    assert model(*command) == 2
    assert words in capsys.readouterr().err


def rows(model: Run, capsys: pytest.CaptureFixture[str], *command: str) -> list[dict[str, Any]]:
    assert model(*command, "--json") == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("folder")
def test_lists_say_what_the_tags_say(model: Run, capsys: pytest.CaptureFixture[str]) -> None:
    [shown] = rows(model, capsys, "show")
    assert (shown["version"], shown["stages"], shown["bad"]) == ("v1.0.0", ["prod"], False)
    assert (shown["by"], shown["notes"]) == ("Test", "Notes")
    events = rows(model, capsys, "history")
    assert {(e["event"], e["stage"], e["why"]) for e in events} == {
        ("register", "", "Notes"),
        ("promote", "prod", "Why"),
    }
    assert [e["tag"] for e in rows(model, capsys, "history", "--stage", "prod")] == ["model#prod#1"]


@pytest.mark.usefixtures("folder")
def test_a_day_means_its_end_and_nothing_is_no_mistake(
    model: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    [found] = rows(model, capsys, "at", "2999-01-01", "prod")
    assert (found["version"], found["why"]) == ("v1.0.0", "Why")
    assert found["at"].startswith("2999-01-01 23:59:59")
    assert rows(model, capsys, "at", "1999-01-01T12:00Z", "prod") == []
    assert model("at", "1999-01-01", "prod") == 0
    assert "nothing was in 'prod' at 1999-01-01 23:59:59" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", [("at", "2999-01-01", "prd"), ("history", "--stage", "prd")])
def test_a_slip_in_the_name_of_a_stage_is_no_empty_answer(
    model: Run, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert model(*command) == 2
    assert "'prd' is no stage" in capsys.readouterr().err


SLOW = {"dvc", "numpy", "polars", "pydantic", "scipy", "skops", "sklearn"}
SCRIPT = """
import json, sys
from mlrepo.commands.app import main
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "command",
    ["show", "show --json", "history", "history --stage prod", "at 2999-01-01 prod"],
)
def test_a_list_waits_for_no_large_package(folder: Path, command: str) -> None:
    tagging.assign("1.0.0", "prod", override="In spite of the gate")
    python = [sys.executable, "-c", SCRIPT, *command.split()]
    done = subprocess.run(python, cwd=folder, capture_output=True, text=True, check=True)
    assert "v1.0.0" in done.stdout
    assert set(json.loads(done.stderr)) & SLOW == set()


def test_the_gate_computes_as_stages_do_and_ends_with_the_verdict(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    render_yaml("dvc.yaml", "versions.yaml")
    ring = Ring(tiny)
    steps: list[Any] = []
    monkeypatch.setattr(release, "pin", lambda: steps.append("pin"))
    verdicts = {"staging": ring.judge("bad", "good"), None: ring.judge("near", "good")}

    def against(model: str, stage: str | None, _: Any) -> gate.Verdict:
        steps.append((model, stage))
        return verdicts[stage]

    monkeypatch.setattr(gate, "against", against)
    release.gate()
    assert capsys.readouterr().out == f"{gate.describe(verdicts[None])}\n"
    with pytest.raises(typer.Exit) as end:
        release.gate(against="staging", json=True)
    assert end.value.exit_code == 1
    assert json.loads(capsys.readouterr().out) == verdicts["staging"]
    assert steps == ["pin", ("model", None), "pin", ("model", "staging")]


def test_each_command_meets_broken_projects() -> None:
    """In tests/test_broken_states.py, which gives each its arguments."""
    driven = set(BROKEN.values())
    assert {
        name for name in LEAVES if not any(f"{each} ".startswith(f"{name} ") for each in driven)
    } == set()
