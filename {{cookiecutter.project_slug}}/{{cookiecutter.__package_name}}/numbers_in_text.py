"""Compare texts such as CSV and JSON by the numbers in them."""

import re

_NUMBER = re.compile(r"-?\d+\.?\d*(?:[eE][-+]?\d+)?")


def same_but_for_numbers(a: str, b: str, tolerance: float) -> bool:
    """Return whether two texts differ in numbers only, and those by no more than ``tolerance``."""
    if _NUMBER.sub("#", a) != _NUMBER.sub("#", b):
        return False
    numbers = (map(float, _NUMBER.findall(text)) for text in (a, b))
    return all(abs(old - new) <= tolerance for old, new in zip(*numbers, strict=True))
