"""Print the test scores of the last run: ``python -m <package>.summary``."""

import csv
import json
from pathlib import Path

from .errors import ProjectError, run

SCORES = Path("reports/scores.csv")
METRICS = Path("metrics/evaluate.json")


def table(scores: list[dict[str, str]], train: dict[str, float]) -> str:
    """Return the scores as text: test value, interval and train value of each metric."""
    overall = [row for row in scores if not row["slice"]]
    rows = overall[0]["rows"] if overall else "0"
    lines = [["metric", f"test ({rows} rows)", "interval", "train"]]
    for row in overall:
        bounds = f"{float(row['low']):.3f} to {float(row['high']):.3f}" if row["low"] else ""
        value = f"{float(row['estimate']):.3f}"
        seen = f"{train[row['metric']]:.3f}" if row["metric"] in train else ""
        lines.append([row["metric"], value, bounds, seen])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    padded = (map(str.ljust, line, widths) for line in lines)
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def main() -> None:
    """Print the table of the last run.

    Raises:
        ProjectError: if there is no run yet.
    """
    try:
        with SCORES.open(encoding="utf-8", newline="") as file:
            scores = list(csv.DictReader(file))
        train = json.loads(METRICS.read_text(encoding="utf-8"))["train"]
    except FileNotFoundError as error:
        raise ProjectError(f"{error.filename} does not exist: `dvc repro` makes it") from None
    print(table(scores, train))


if __name__ == "__main__":
    run(main)
