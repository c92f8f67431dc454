"""Values that many versions share, each written once, so that a page of a thousand stays small."""

import json
from typing import Any

# How deep the parts of a fact stand for themselves: a section of the params is often that of the
# version before, where all of the params are not.
DEPTH = {
    **{f"compared {part}": 1 for part in ("data", "params", "environment", "model", "metrics")},
    **{"card_text": 1, "code": 1, "scores": 1, "plots": 3, "stages": 1},
}


class Shared:
    """A list of values, and the place of each in it."""

    def __init__(self) -> None:
        """Start with none."""
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def take(self, facts: dict[str, Any]) -> dict[str, int]:
        """Return key -> the place of its value."""
        return {key: self._place(value, DEPTH.get(key, 0)) for key, value in facts.items()}

    def _place(self, value: Any, depth: int) -> int:
        if depth and isinstance(value, dict):
            value = {key: self._place(each, depth - 1) for key, each in value.items()}
        elif depth and isinstance(value, list):
            value = [self._place(each, depth - 1) for each in value]
        text = f"{depth} {json.dumps(value)}"
        if text not in self._places:
            self._places[text] = len(self.values)
            self.values.append(value)
        return self._places[text]
