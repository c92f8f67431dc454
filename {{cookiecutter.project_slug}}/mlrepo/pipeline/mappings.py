"""Nested values by their dotted names, and what changed from one such mapping to another."""

from typing import Any

from mlrepo.core.errors import ProjectError, known


def flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    """Return dotted key -> value of nested mappings; an empty mapping is a value."""
    if not isinstance(node, dict) or (prefix and not node):
        return {prefix: node}
    found: dict[str, Any] = {}
    for key, value in node.items():
        found |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return found


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return name -> [before, after] where they differ; None stands for what is not there."""
    names = dict.fromkeys([*before, *after])
    pairs = {name: [before.get(name), after.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def lookup(values: object, key: str) -> object:
    """Return the value at a dotted ``key``; raise a KeyError if there is none."""
    for part in key.split("."):
        if not isinstance(values, dict):
            raise KeyError(key)
        values = values[part]
    return values


def as_mapping(value: object, name: str) -> dict[str, Any]:
    """Return ``value``, which must be a mapping; ``name`` is that of its file, or "FILE: KEY"."""
    if not isinstance(value, dict):
        fix = known.how_to_fix(name.partition(":")[0])
        raise ProjectError(f"{name} must hold keys and values, not {value!r:.60}: {fix}")
    return value
