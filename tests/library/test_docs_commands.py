"""The commands of the docs: a test types each that stands alone, and each in a sentence exists."""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer.main
from conftest import TEMPLATE
from dvc.cli import DvcParserError  # type: ignore[import-untyped]
from dvc.cli.parser import get_main_parser  # type: ignore[import-untyped]
from words import comments, yaml_files

from mlrepo.commands.app import app

PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
# Without what the answers put round a name.
PAGES = {re.sub(r"{%.*?%}", "", path.name): path for path in (PROJECT / "docs").iterdir()}
# Part of a page with commands of its own -> the tests that type what stands there.
TYPED = {
    ("auditors.md", "Four eyes"): "test_versions_four_people.py",
    ("auditors.md", "A report to print"): "test_report.py",
    ("auditors.md", "Proof outside the repository"): "test_proofs.py",
    ("cluster.md", "From a laptop to a local cluster"): "test_cluster.py",
    ("cluster.md", "TLS"): "test_cluster.py",
    ("cluster.md", "SLURM (tested without one)"): "test_cluster.py",
    ("changes.md", "Join a second table on a page"): "test_own_edits.py",
    ("data.md", "A folder of Parquet parts"): "test_data_sources.py",
    ("data.md", "A table that stays in a bucket"): "test_data_buckets.py",
    ("data.md", "An extract of many objects"): "test_data_buckets.py",
    ("data.md", "A version of a Delta table"): "test_data_sources.py",
    ("page.md", "Write it"): "test_page.py",
}
# Of these one test types all that the page has.
WHOLE = {
    "models.md": "test_any_model.py",
    "experiments.md": "typed.py",
    "versions.md": "typed.py",
    "predict.md": "typed.py",
    "service.md": "test_service.py",
    "several.md": "test_several.py",
    "trackers.md": "test_mirror_wandb.py",
}


def text(name: str) -> str:
    return PAGES[name].read_text(encoding="utf-8")


def parts_with_commands() -> set[tuple[str, str]]:
    found = set()
    for name in PAGES:
        for part in text(name).split("\n## "):
            if "```console\n$ " in part:
                found.add((name, part.partition("\n")[0]))
    return found


def in_sentences() -> set[str]:
    """Return what stands between backticks and begins like a command, on one line each."""
    own = [PROJECT / name for name in ("README.md", "AGENTS.md", "SECURITY.md")]
    paths = [*PAGES.values(), *own, TEMPLATE / "README.md", TEMPLATE / "CONTRIBUTING.md"]
    prose = "".join(path.read_text(encoding="utf-8") for path in paths)
    prose += "".join(f" {comments(path.read_text(encoding='utf-8'))}" for path in yaml_files())
    prose = re.sub(r"```.*?```", "", prose, flags=re.DOTALL)
    named = re.findall(r"`(?:uv run )?((?:model|dvc|python -m) [^`{]+)`", prose)
    return {" ".join(command.split()) for command in named}


MODEL, DVC = typer.main.get_command(app), get_main_parser()
COMMANDS = sorted(in_sentences())


def test_a_test_types_the_commands_of_each_part() -> None:
    parts = parts_with_commands()
    on_paper = {part for part in parts if part[1].endswith("(on paper: not tested here)")}
    assert on_paper <= {part for part in parts if part[0] == "cluster.md"}
    assert {part for part in parts - on_paper if part[0] not in WHOLE} == set(TYPED)
    for (page, title), test in TYPED.items():
        code = Path(TEMPLATE / "tests" / test).read_text(encoding="utf-8")
        assert page in code
        assert re.split(" to | \\(", title)[0] in code or title == "TLS"
    for page, test in WHOLE.items():
        assert page.removesuffix(".md") in Path(TEMPLATE / "tests" / test).read_text(
            encoding="utf-8"
        )


def of_model(words: list[str]) -> None:
    """Fail unless there is such a command with such options; capitals stand for any."""
    command = MODEL
    while known := getattr(command, "commands", {}):
        if words and words[0] in known:
            command = known[words.pop(0)]
            continue
        alone = command.invoke_without_command or words == ["--help"]  # type: ignore[attr-defined]
        assert alone or words[0].isupper()
        break
    options = {name for param in command.params for name in param.opts} | {"--help"}
    assert {word for word in words if word.startswith("-")} <= options


def of_dvc(words: list[str], log: pytest.LogCaptureFixture) -> None:
    """The same; a name alone lacks what the command needs."""
    try:
        DVC.parse_args(words)
    except DvcParserError:
        assert "arguments are required" in log.text


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_a_sentence_exists(command: str, caplog: pytest.LogCaptureFixture) -> None:
    program, *words = shlex.split(command.partition(" && ")[0])
    if program == "model":
        of_model(words)
    elif program == "dvc":
        of_dvc(words, caplog)
    elif not words[1].isupper():
        assert find_spec(words[1])


def test_the_check_sees_commands_and_their_mistakes(caplog: pytest.LogCaptureFixture) -> None:
    assert len(COMMANDS) > 80
    for wrong in (["verify", "v1", "--rebuilt"], ["seals"], ["ci", "checks"]):
        with pytest.raises(AssertionError):
            of_model(wrong)
    for wrong in (["exp", "runs"], ["repro", "--forced"]):
        with pytest.raises(AssertionError):
            of_dvc(wrong, caplog)
