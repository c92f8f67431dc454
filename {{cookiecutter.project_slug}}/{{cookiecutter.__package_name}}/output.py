"""What commands print: a table for people, JSON for programs."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .layout import plain

Tell = Callable[[str], None]  # takes a step of long work, which is no part of the result


@dataclass(frozen=True)
class Table:
    """Rows of equal keys, and what to say where there are none."""

    rows: list[dict[str, Any]]
    empty: str = "nothing"

    def json(self) -> str:
        """Return the rows as JSON."""
        return as_json(self.rows)

    def text(self) -> str:
        """Return the rows in columns."""
        if not self.rows:
            return self.empty
        head = list(self.rows[0])
        lines = [head, *([_cell(row[key]) for key in head] for row in self.rows)]
        return plain(lines)


def as_json(content: Any) -> str:
    """Return JSON that a person can read as well."""
    return json.dumps(content, indent=2, ensure_ascii=False)


def report(checks: dict[str, list[str]]) -> str:
    """Return checks, each with what it finds wrong, as text."""
    return "\n".join(
        "\n  ".join([f"{'WRONG' if wrong else 'ok   '}  {name}", *wrong])
        for name, wrong in checks.items()
    )


def rebuilt(found: dict[str, Any]) -> str:
    """Return what a rebuild found as text."""
    lines = [f"{found['verdict']}: {found.get('why', 'all outputs have the recorded bytes')}"]
    lines += [f"  {path} differs" for path in found["differing"]]
    lines += [f"  {part}" for part in found.get("parts", [])]
    if "largest_difference" in found:
        lines.append(
            f"  largest difference of a prediction: {found['largest_difference']:.3g} "
            f"in {found['rows']} rows; labels {'equal' if found['labels_equal'] else 'differ'}"
        )
    return "\n".join(lines)


def changes(parts: dict[str, dict[str, Any]]) -> str:
    """Return part -> name -> [before, after] as text, one line each."""
    lines = []
    for part, found in parts.items():
        lines.append(part if found else f"{part}: the same")
        # Of a metric, the file that it stands in is of no interest to people.
        names = [name.rpartition(".json.")[2] for name in found]
        width = max(map(len, names), default=0)
        for name, change in zip(names, found.values(), strict=True):
            if not isinstance(change, list):
                text = str(change)
            elif all(isinstance(value, float) for value in change):
                text = f"{change[0]:.4f} -> {change[1]:.4f}  ({change[1] - change[0]:+.4f})"
            else:
                text = " -> ".join("(none)" if value is None else str(value) for value in change)
            lines.append(f"  {name:<{width}}  {text}")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
