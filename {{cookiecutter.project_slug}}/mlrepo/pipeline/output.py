"""What commands print: a table for people, JSON for programs."""

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from mlrepo.core.errors import ProjectError, told
from mlrepo.core.markdown import plain

Tell = Callable[[str], None]  # takes a step of long work, which is no part of the result


def show_table(rows: list[dict[str, Any]], empty: str, for_programs: bool) -> None:
    """Print rows of equal keys as JSON or in columns; ``empty`` is what people read of none."""
    if for_programs:
        print(as_json(rows))
    elif rows:
        print(plain([list(rows[0]), *(list(map(_cell, row.values())) for row in rows)]))
    else:
        print(empty)


def few(names: list[str]) -> list[str]:
    """Return the first five."""
    return [*names[:5], "..."] if len(names) > 5 else names


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command that failed said at last, or that it said nothing."""
    lines = f"{done.stdout}{done.stderr}".strip().splitlines()
    return "\n  ".join(lines[-15:]) or f"it said nothing, and ended with {done.returncode}"


def as_json(content: Any) -> str:
    """Return JSON that a person can read as well."""
    return json.dumps(content, indent=2, ensure_ascii=False)


def findings(check: Iterator[str]) -> list[str]:
    """Return what a check yields as wrong, and after that the mistake that ends it, if one does."""
    wrong: list[str] = []
    try:
        with told():
            wrong.extend(check)
    except ProjectError as error:
        wrong.append(str(error))
    return wrong


def report(checks: dict[str, list[str]]) -> str:
    """Return checks, each with what it finds wrong, as text."""
    return "\n".join(
        "\n  ".join([f"{'WRONG' if wrong else 'ok   '}  {name}", *wrong])
        for name, wrong in checks.items()
    )


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
