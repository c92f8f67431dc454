"""What wrk, which asks a service for some seconds, says in the end."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What wrk measured: requests a second, milliseconds, and how many requests failed."""

    rate: float
    median: float
    slow: float
    failed: int

    @classmethod
    def of(cls, said: str) -> "Load":
        """Read it."""
        [rate] = re.findall(r"Requests/sec: +([\d.]+)", said)
        median, slow = (_milliseconds(share, said) for share in ("50%", "99%"))
        return cls(float(rate), median, slow, failures(said))


def failures(said: str) -> int:
    """Return how many requests wrk counts as failed."""
    failed = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", said)))
    for line in re.findall(r"Socket errors: (.*)", said):
        failed += sum(map(int, re.findall(r"\d+", line)))
    return failed


def _milliseconds(share: str, said: str) -> float:
    [(number, unit)] = re.findall(rf"{share} +([\d.]+)(us|ms|s|m) *\n", said)
    return float(number) * {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}[unit]
