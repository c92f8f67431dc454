"""Whether the commands that pages and messages name are there: each is parsed, and none is run.

A word in capitals stands for any, as it does on a page, and so do three dots.
"""

import logging
import re
import shlex
import subprocess
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import typer.main
from conftest import TEMPLATE
from dvc.cli import DvcParserError  # type: ignore[import-untyped]
from dvc.cli.parser import get_main_parser  # type: ignore[import-untyped]
from library import conftest as _  # noqa: F401  # which lets the library be imported

from mlrepo.commands.app import app

PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
MODEL, DVC = typer.main.get_command(app), get_main_parser()
# Programs of other makers, and of the system.
OTHERS = (
    *("cd", "chmod", "cruft", "dask", "jupyter", "lint-imports", "mlflow", "mypy", "openssl"),
    *("pip", "pytest", "rm", "ruff", "sha256sum", "wandb"),
)
RELEASED = "predict.py"  # which stands in the folder of a release
NO_USAGE = {"diff", "log"}  # commands of Git whose -h lists few of their options


def of_model(words: list[str]) -> None:
    """Fail unless there is such a command with such options."""
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


def of_dvc(words: list[str]) -> None:
    """The same; a name alone lacks what the command needs."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("dvc")
    logger.addHandler(handler)
    try:
        DVC.parse_args(words)
    except DvcParserError:
        assert re.search("arguments are required|expected one argument", "".join(said))
    finally:
        logger.removeHandler(handler)


def of_git(words: list[str]) -> None:
    """The same, by what `git COMMAND -h` lists."""
    command, *rest = words
    usage = _said("git", command, "-h")[1]
    assert "usage:" in usage
    options = rest[: rest.index("--")] if "--" in rest else rest
    known = re.sub(r"--(no-|\[no-\])", "--", usage)
    long = {re.sub("^--no-", "--", each) for each in options if each.startswith("--")}
    assert command in NO_USAGE or all(each in known for each in long)


def of_uv(words: list[str]) -> None:
    """The same; `uv run` runs a command that is looked at by itself."""
    if words[0] == "run":
        rest = words[1:]
        while rest and rest[0].startswith("--"):
            del rest[:2]
        assert not rest or rest[0].isupper() or exists(shlex.join(rest))
    else:
        assert _said("uv", *words, "--help")[0] == 0


def of_python(words: list[str]) -> None:
    """Fail unless there is such a module or file."""
    first, second = (*words, "")[:2]
    if first == "-m":
        assert second.isupper() or find_spec(second)
    else:
        places = [top / first.removeprefix("../") for top in (PROJECT, TEMPLATE)]
        assert first in ("-c", RELEASED) or any(place.exists() for place in places)


PARSERS: dict[str, Callable[[list[str]], None]] = {
    "model": of_model,
    "dvc": of_dvc,
    "git": of_git,
    "uv": of_uv,
    "python": of_python,
    **dict.fromkeys(OTHERS, lambda words: None),
}
NAMED = re.compile(rf"`((?:{'|'.join(PARSERS)}) [^`]+)`")


def named(text: str) -> set[str]:
    """Return what stands between backticks and begins like a command, on one line each."""
    return {" ".join(command.split()) for command in NAMED.findall(text)}


@cache
def exists(commands: str) -> bool:
    """Whether each of some commands, with && between them, can be typed so."""
    for command in commands.replace("...", "ETC").split(" && "):
        try:
            program, *words = shlex.split(command)
            if not program.startswith(".venv"):
                PARSERS[program](words)
        except (AssertionError, LookupError, ModuleNotFoundError, ValueError):
            return False
    return True


@cache
def _said(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
