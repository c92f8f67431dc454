"""Nested values by their dotted names, and what changed from one such mapping to another."""

from typing import Any


def leaves(node: Any, prefix: str = "") -> dict[str, Any]:
    """Return dotted key -> value of nested mappings; an empty mapping is a value."""
    if not isinstance(node, dict) or (prefix and not node):
        return {prefix: node}
    found: dict[str, Any] = {}
    for key, value in node.items():
        found |= leaves(value, f"{prefix}.{key}" if prefix else str(key))
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return name -> [before, after] where they differ; None stands for what is not there."""
    names = dict.fromkeys([*before, *after])
    pairs = {name: [before.get(name), after.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
