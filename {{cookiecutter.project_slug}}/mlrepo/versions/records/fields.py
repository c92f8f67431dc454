"""The fields of a record, held against what follows from its commit and its bytes.

What only the moment of the registration could tell is in `OBSERVED`, and all else is compared.
docs/auditors.md lists the fields.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Node = dict[str, Any]

# Facts of a machine, a moment and a measurement, which no later look can derive again.
_MACHINE: Final = ("architecture", "cores", "numerics", "system", "threads")
OBSERVED: Final = {
    *(("gate",), ("besides",), ("nonce",)),
    *(("environment", "registered_on", fact) for fact in _MACHINE),
    ("data", "rows_in_train_and_test"),  # of earlier releases; metrics/prepare.json has the like
}


@dataclass(frozen=True)
class Unknown:
    """Stands for what cannot be derived here, and says why."""

    why: str


def compare(record: Node, derived: Node) -> Iterator[tuple[str, Any, Any]]:
    """Yield the name of each field that differs, with its value in the record and as derived.

    That is an `Unknown` where it cannot be derived here. What a record need not have is None.
    """
    # The last part of the number is of the machine that registered it.
    environment = record.get("environment")
    if isinstance(environment, dict) and isinstance(environment.get("python"), str):
        minor = ".".join(environment["python"].split(".")[:2])
        record = {**record, "environment": {**environment, "python": minor}}
    yield from _compare((), record, derived)


def _compare(place: tuple[str, ...], claim: Any, true: Any) -> Iterator[tuple[str, Any, Any]]:
    if place in OBSERVED:
        return
    if isinstance(claim, dict) and isinstance(true, dict):
        for key in dict.fromkeys([*true, *claim]):
            yield from _compare((*place, key), claim.get(key), true.get(key))
    elif isinstance(true, Unknown) or json.dumps(claim, sort_keys=True) != json.dumps(
        true, sort_keys=True
    ):
        yield ".".join(place), claim, true
