"""The simulation behind docs/intervals.md; LONG=1 runs it whole, as the page was made."""

import re
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


@pytest.mark.slow
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
        (200, (1000, 300, 250), False),  # most tables were given none
        (200, (1000, 300, 200), True),  # but too many a wrong one
    ],
)
def test_a_broken_promise_is_seen(rows: int, cell: coverage.Cell, off: bool) -> None:
    assert coverage.is_off(rows, cell) is off


def test_the_page_has_every_case_and_size() -> None:
    page = coverage.PAGE.read_text(encoding="utf-8")
    for case in CASES:
        lines = [line for line in page.splitlines() if line.startswith(f"| {case} |")]
        assert len(lines) == len(coverage.ROWS)


def test_no_cell_of_the_page_breaks_the_promise() -> None:
    page = coverage.PAGE.read_text(encoding="utf-8")
    assert len(coverage.lines_of(page)) == len(CASES) * len(coverage.ROWS)
    for (case, rows), line in coverage.lines_of(page).items():
        tables, *cells = line.strip("| ").split(" | ")[2:]
        count = int(tables.replace(",", ""))
        for cell in cells:
            given, wrong = (
                float(found[1]) / 100 if (found := re.search(rf"(\d+)% {word}", cell)) else None
                for word in ("given", "wrong")
            )
            assert ("none" in cell) == (wrong is not None), (case, rows, cell)
            said = count if given is None else round(given * count)
            held = said - round(wrong * count) if wrong is not None else float(cell[:5]) * said
            assert not coverage.is_off(rows, (count, said, round(held))), (case, rows, cell)


def test_lines_that_are_made_now_replace_those_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "true_scores", lambda case: {"score": 1.0})
    page = coverage.PAGE.read_text(encoding="utf-8")
    old, made = coverage.lines_of(page), {("two classes, 5%", 200): "| two classes, 5% | 200 | 7 |"}
    assert coverage.lines_of(coverage.renewed(page, made) + "\n") == old | made
