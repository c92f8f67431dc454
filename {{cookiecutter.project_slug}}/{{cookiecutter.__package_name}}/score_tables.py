"""The rows of reports/scores.csv as tables for people."""

from collections.abc import Callable
from typing import Any

from .layout import Lines

Row = dict[str, str]

# By which metric one slice is worse than another, and which end is the worse one.
_LEADING: dict[str, tuple[str, Callable[..., Any]]] = {
    "classification": ("accuracy", min),
    "regression": ("rmse", max),
}


def overall(scores: list[Row], train: dict[str, float]) -> Lines:
    """Return test value, interval and train value of each metric."""
    rows = [row for row in scores if not row["slice"]]
    lines = [["metric", f"test ({rows[0]['rows'] if rows else 0} rows)", "interval", "train"]]
    for row in rows:
        seen = f"{train[row['metric']]:.3f}" if row["metric"] in train else ""
        lines.append([row["metric"], f"{float(row['estimate']):.3f}", _bounds(row), seen])
    return lines


def by_slice(scores: list[Row]) -> Lines:
    """Return each metric and its interval in each slice; a metric is "" where it is undefined."""
    rows = [row for row in scores if row["slice"]]
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    slices: dict[tuple[str, ...], Row] = {}
    for row in rows:
        bounds = f" ({_bounds(row)})" if row["low"] else ""
        found = slices.setdefault((row["slice"], row["value"], row["rows"]), {})
        found[row["metric"]] = f"{float(row['estimate']):.3f}{bounds}"
    head = ["slice", "value", "rows", *metrics]
    return [head, *([*key, *(v.get(m, "") for m in metrics)] for key, v in slices.items())]


def worst_slice(scores: list[Row], task: str) -> Row | None:
    """Return the slice with the least accuracy, or the most RMSE; None if there are no slices."""
    leading, worse = _LEADING[task]
    rows = [row for row in scores if row["slice"] and row["metric"] == leading]
    worst: Row | None = worse(rows, key=lambda row: float(row["estimate"]), default=None)
    return worst


def _bounds(row: Row) -> str:
    return f"{float(row['low']):.3f} to {float(row['high']):.3f}" if row["low"] else ""
