"""Refuse JSON in which a key stands twice: pydantic takes the last value and drops the others."""

import json
from typing import Any

from fastapi import HTTPException

_SHOWN = 20  # mistakes


def refuse(body: bytes, keys: int) -> None:
    """Refuse a body, a row or ``{"rows": [...]}``, that repeats one of its ``keys`` keys.

    Each key has one colon. To count them costs next to nothing, so only where texts and times may
    have the others is the body read once more.
    """
    if body.count(b":") == keys:
        return
    if body.translate(None, b" \t\r\n").count(b'":') == keys:
        return
    outer, rows = json.loads(body, object_pairs_hook=_read)
    found: list[tuple[list[Any], str, str | None]] = [([], "", outer)]
    if isinstance(rows, list):
        found += [(["rows", n], f"row {n + 1}, ", twice) for n, (twice, _) in enumerate(rows)]
    mistakes = [
        {"loc": [*where, name], "msg": f"{row}'{name}' stands twice", "type": "repeated_key"}
        for where, row, name in found
        if name is not None
    ]
    if mistakes:
        raise HTTPException(422, mistakes[:_SHOWN])


def _read(pairs: list[tuple[str, Any]]) -> tuple[str | None, Any]:
    """Return a key that an object has twice, if it has one, and its rows, if it has some."""
    names = [name for name, _ in pairs]
    twice = None if len(set(names)) == len(names) else max(names, key=names.count)
    return twice, dict(pairs).get("rows")
