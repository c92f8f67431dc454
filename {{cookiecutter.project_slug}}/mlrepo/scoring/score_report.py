"""The rows of reports/scores.csv as tables for people."""

from mlrepo.core.errors import ProjectError, exit_with_message
from mlrepo.core.files import read_csv, read_json
from mlrepo.core.markdown import Lines, plain
from mlrepo.core.paths import METRICS, SCORES

Row = dict[str, str]

SMALLEST_SLICE = 10  # rows: in a smaller one a single row decides
# Metrics on a scale of their own: of what is not here, the unit of the target sets the size.
_SCALED = {
    *("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "roc_auc", "roc_auc_weighted"),
    *("average_precision", "average_precision_weighted", "log_loss", "brier", "r2"),
}


def shown(metric: str, value: float | str, decimals: int = 3, sign: str = "-") -> str:
    """Return a score with three decimals; a small one in a unit of its own with three digits."""
    number = float(value)
    small = metric not in _SCALED and 0 < abs(number) < 0.1
    return f"{number:{sign}#.{decimals}g}" if small else f"{number:{sign}.{decimals}f}"


def last_run() -> str:
    """Return the test scores of the last run as a table."""
    return plain(overall(read_csv(SCORES), read_json(METRICS)["train"]))


def overall(scores: list[Row], train: dict[str, float]) -> Lines:
    """Return test value, interval or why there is none, constant and train value of each metric."""
    rows = [row for row in scores if not row["slice"]]
    if scores and "method" not in scores[0]:
        raise ProjectError(f"{SCORES} is of an earlier version of mlrepo: run `dvc repro`")
    test = f"test ({rows[0]['rows'] if rows else 0} rows)"
    lines = [["metric", test, "interval", "constant", "train"]]
    for row in rows:
        name = row["metric"]
        seen = shown(name, train[name]) if name in train else ""
        constant = shown(name, row["constant"]) if row["constant"] else ""
        lines.append([name, shown(name, row["estimate"]), bounds(row), constant, seen])
    return lines


def by_slice(scores: list[Row]) -> Lines:
    """Return each metric, its interval and the constant's value after a stroke, slice by slice.

    A metric is "" where it is undefined.
    """
    rows = [row for row in scores if row["slice"]]
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    slices: dict[tuple[str, ...], Row] = {}
    for row in rows:
        name = row["metric"]
        between = f" ({bounds(row)})" if row["low"] else ""
        found = slices.setdefault((row["slice"], row["value"], row["rows"]), {})
        constant = f" / {shown(name, row['constant'])}" if row["constant"] else ""
        found[name] = f"{shown(name, row['estimate'])}{between}{constant}"
    head = ["slice", "value", "rows", *metrics]
    return [head, *([*key, *(v.get(m, "") for m in metrics)] for key, v in slices.items())]


def worst_slice(scores: list[Row]) -> Row | None:
    """Return the worst slice by the metric that leads; None if no slice that is large has it."""
    leading = scores[0]
    large = [row for row in scores if row["slice"] and int(row["rows"]) >= SMALLEST_SLICE]
    rows = [row for row in large if row["metric"] == leading["metric"]]
    worse = min if leading["better"] == "larger" else max
    return worse(rows, key=lambda row: float(row["estimate"]), default=None)


def bounds(row: Row) -> str:
    """Return the interval of a score, or why there is none."""
    if not row["low"]:
        return f"none: {row['method']}"
    return f"{shown(row['metric'], row['low'])} to {shown(row['metric'], row['high'])}"


if __name__ == "__main__":
    exit_with_message(lambda: print(last_run()))
