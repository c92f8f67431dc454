"""All that must hold of a commit before it is merged, each told whatever the others say."""

import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mlrepo.ci.job import FOLDER, say, shut_out, summarize
from mlrepo.core.errors import ProjectError
from mlrepo.core.markdown import markdown
from mlrepo.pipeline import models, status
from mlrepo.pipeline.dvc import variables
from mlrepo.pipeline.output import few, report
from mlrepo.storage.store import Store

TESTS = FOLDER / "tests.xml"  # the form of JUnit, which providers show


class _LeftOutError(Exception):
    """A check that cannot be made here, and why."""


def check() -> bool:
    """Run every check and return whether all hold."""
    checks: dict[str, Callable[[], list[str]]] = {
        "lint": partial(_tool, "ruff", "check"),
        "format": partial(_tool, "ruff", "format", "--check"),
        "types": partial(_tool, "mypy"),
        **{
            f"types of {name}": partial(_tool, "mypy", f"{name}/{name}")
            for name in models.folders()
        },
        "imports": partial(_tool, "lint-imports"),
        "tests": partial(_tool, "pytest", f"--junit-xml={TESTS.as_posix()}"),
        **{
            f"{label}dvc.lock": partial(_in_folder, folder, lambda: _lock())
            for label, folder in models.places()
        },
        "uv.lock": _packages,
        "data at DVC's remote": _pushed,
    }
    found, left_out = {}, {}
    for name, run in checks.items():
        say(name)
        try:
            found[name] = run()
        except _LeftOutError as reason:
            left_out[name] = str(reason)
        except ProjectError as error:
            found[name] = [str(error)]
    say("result")
    print(report(found))
    for name, why in left_out.items():
        print(f"skipped  {name}: {why}")
    lines = [[name, "; ".join(wrong) or "ok"] for name, wrong in found.items()]
    lines += [[name, f"skipped: {why}"] for name, why in left_out.items()]
    summarize(f"## Checks\n\n{markdown([['check', 'result'], *lines])}")
    return not any(found.values())


def _tool(*command: str) -> list[str]:
    environment = variables()
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        return [f"{command[0]} is not installed: `uv sync` installs it"]
    code = subprocess.run([program, *command[1:]], env=environment, check=False).returncode
    why = f"`uv run {' '.join(command)}` ended with exit code {code}: see what it says above"
    return [why] if code else []


def _in_folder(folder: Path, run: Callable[[], list[str]]) -> list[str]:
    with models.inside(folder):
        return run()


def _lock() -> list[str]:
    found = status.report()
    if found.unread:
        raise _LeftOutError(f"only `dvc status` can compare {', '.join(found.unread)}")
    return [*few(found.stale), status.FIX] if found.stale else []


def _packages() -> list[str]:
    if shutil.which("uv") is None:
        return ["uv is not in PATH: get it from https://docs.astral.sh/uv"]
    done = subprocess.run(["uv", "lock", "--check"], capture_output=True, check=False)
    wrong = "uv.lock is not what pyproject.toml asks for: `uv lock`, `uv sync`, `dvc repro`"
    return [wrong] if done.returncode else []


def _pushed() -> list[str]:
    why = shut_out()
    if why:
        raise _LeftOutError(why)
    return list(Store().not_pushed())
