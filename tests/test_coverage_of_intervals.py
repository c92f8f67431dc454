"""The simulation behind docs/intervals.md; LONG=1 runs it whole, as the page was made."""

import subprocess
import sys
from pathlib import Path

import pytest
from helpers import LONG

TEMPLATE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TEMPLATE / "benchmarks"))
import coverage_of_intervals as coverage  # noqa: E402
from distributions import CASES  # noqa: E402

CHOSEN = ("two classes, 5%", "groups of ten rows", "normal errors", "heavy tails (t, 3 degrees)")


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    few = ["--within", "3", "--tables", "100", "--rows", "200", "--cases", *CHOSEN]
    done = subprocess.run(
        [sys.executable, coverage.__file__, "--check", *([] if LONG else few)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Where no interval would be right, none is given.
    assert "heavy tails (t, 3 degrees), 200 rows, rmse: none (" in done.stdout


@pytest.mark.parametrize(
    ("rows", "cell", "off"),
    [
        (200, (1000, 1000, 950), False),
        (200, (1000, 1000, 912), True),  # too narrow
        (200, (1000, 1000, 988), True),  # too wide
        (50, (1000, 1000, 800), False),  # of so few rows the page promises nothing
        (200, (1000, 499, 0), False),  # most tables were given none
    ],
)
def test_a_broken_promise_is_seen(rows: int, cell: coverage.Cell, off: bool) -> None:
    assert coverage.is_off(rows, cell) is off


def test_the_page_has_every_case_and_size() -> None:
    page = coverage.PAGE.read_text(encoding="utf-8")
    for case in CASES:
        lines = [line for line in page.splitlines() if line.startswith(f"| {case} |")]
        assert len(lines) == len(coverage.ROWS)
