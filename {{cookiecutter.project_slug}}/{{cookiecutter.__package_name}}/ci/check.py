"""All that must hold of a commit before it is merged, each told whatever the others say."""

import shutil
import subprocess
from collections.abc import Callable

from .. import freshness
from ..errors import ProjectError
from ..layout import markdown
from ..output import report
from ..store import Store
from .reach import shut_out
from .shell import module, say, summarize

_TOOLS = {
    "lint": ("ruff", "check"),
    "format": ("ruff", "format", "--check"),
    "types": ("mypy",),
    "tests": ("pytest",),
}


class _LeftOutError(Exception):
    """A check that cannot be made here, and why."""


def check() -> bool:
    """Run every check and return whether all hold."""
    checks: dict[str, Callable[[], list[str]]] = {
        name: lambda command=command: _tool(*command)  # type: ignore[misc]
        for name, command in _TOOLS.items()
    }
    checks |= {"dvc.lock": _lock, "uv.lock": _packages, "data at DVC's remote": _pushed}
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


def _tool(name: str, *arguments: str) -> list[str]:
    code = module(name, *arguments)
    return [f"`uv run {' '.join([name, *arguments])}` ended with exit code {code}"] if code else []


def _lock() -> list[str]:
    found = freshness.report()
    if found.unread:
        raise _LeftOutError(f"only `dvc status` can compare {', '.join(found.unread)}")
    return [*found.stale, freshness.MEND] if found.stale else []


def _packages() -> list[str]:
    if shutil.which("uv") is None:
        return ["uv is not in PATH: `python -m pip install uv` installs it"]
    done = subprocess.run(["uv", "lock", "--check"], capture_output=True, check=False)
    wrong = "uv.lock is not what pyproject.toml asks for: `uv lock`, `uv sync`, `dvc repro`"
    return [wrong] if done.returncode else []


def _pushed() -> list[str]:
    why = shut_out()
    if why:
        raise _LeftOutError(why)
    store = Store()
    absent = store.absent_from_remote(store.used())
    found = [f"{path} is not in {store.remote_name}: `model push` sends it" for path in absent]
    more = [f"and {len(found) - 10} more"] if len(found) > 10 else []
    return [*found[:10], *more, *store.lost()]
