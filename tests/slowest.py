"""What took the most time, printed in the end."""

from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the ten slowest tests and the ten largest set-ups."""
    reports = [each for many in terminalreporter.stats.values() for each in many]
    timed = [each for each in reports if hasattr(each, "when") and hasattr(each, "duration")]
    for when, title in (("call", "slowest tests"), ("setup", "largest set-ups")):
        terminalreporter.section(title)
        of_kind = [each for each in timed if each.when == when]
        for each in sorted(of_kind, key=lambda each: -each.duration)[:10]:
            terminalreporter.write_line(f"{each.duration:7.1f} s  {each.nodeid}")
