"""What the DOM of the page says, held against what the commands say."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Tool
from page_in_browser import Visit, by_id, visits
from releases import Released

MOVE = """(() => { const ruler = document.getElementById("ruler"); ruler.value = "%s";
  ruler.dispatchEvent(new Event("input")); })()"""


def value(cell: str, like: Any) -> Any:
    """The value that a cell of the page has, where `like` is a text or not."""
    return cell if isinstance(like, str) else json.loads(cell)


def dotted(node: Any, name: str = "") -> dict[str, Any]:
    """Nested values by their dotted names."""
    if not isinstance(node, dict) or (name and not node):
        return {name: node}
    found = [dotted(each, f"{name}.{key}" if name else key) for key, each in node.items()]
    return {key: each for part in found for key, each in part.items()}


def same_as_show(made: Released, visit: Visit) -> None:
    """Compare the list of versions with `model show`."""
    rows = made.json("show", TZ="UTC")
    listed = by_id(visit, "versions-table")
    assert [[row[0], row[3], row[4], row[5], row[6]] for row in listed] == [
        [row["version"], row["registered"], row["by"], row["notes"], row["commit"]] for row in rows
    ]
    for row, cells in zip(rows, listed, strict=True):
        assert row["bad"] == ("bad" in cells[1])
        assert all(f"in {stage}" in cells[1] for stage in row["stages"])


def same_as_history(made: Released, visit: Visit) -> None:
    """Compare the events with `model history`."""
    rows = made.json("history", TZ="UTC")
    listed = by_id(visit, "history-table")
    assert [[*row[:4], row[6]] for row in listed] == [
        [row[key] for key in ("when", "event", "version", "stage", "tag")] for row in rows
    ]
    for row, cells in zip(rows, listed, strict=True):
        assert cells[4] == row["by"] + (f"signed: {row['key']}" if row["key"] else "")
        assert cells[5].startswith(row["why"])


def same_as_at(tool: Tool, made: Released, page: Path, folder: Path, stage: str) -> None:
    """Move the ruler to each event of a stage, and compare with `model at`."""
    times = [row["when"] for row in made.json("history", "--stage", stage, TZ="UTC")]
    asked = [each.replace(" ", "T").replace("+00:00", "") for each in times]
    moves = [{"hash": "#model/timeline", "run": MOVE % each} for each in asked]
    for moment, visit in zip(asked, visits(tool, page, folder, moves), strict=True):
        [row] = [cells for cells in by_id(visit, "at-table") if cells[0] == stage]
        said = made.json("at", f"{moment}Z", stage, TZ="UTC")
        keys = ("stage", "version", "since", "by", "why", "commit")
        assert row == ([said[0][key] for key in keys] if said else [stage, "nothing", *[""] * 4])


def same_as_diff(made: Released, visit: Visit, before: str, after: str) -> None:
    """Compare what differs with `model diff`."""
    said = made.json("diff", before, after)
    # Counted from the tables and from Git, which the page is not made from.
    for name in ("rows added", "rows removed"):
        said["data"].pop(name, None)
    for part, changes in said.items():
        found = visit.dom.all("table", id=f"changes-{part}")
        rows = {row[0]: row[1:] for table in found for row in table.rows()}
        assert rows.keys() == changes.keys(), part
        for name, pair in changes.items():
            if part == "code":  # the page has the hashes, and `model diff` counts lines
                continue
            if name in ("columns added", "columns removed"):
                assert pair in rows[name]
            else:
                found_pair = [
                    value(cell, like) for cell, like in zip(rows[name], pair, strict=True)
                ]
                assert found_pair == pair, name


def same_as_record(made: Released, visit: Visit, version: str) -> None:
    """Compare a version with its record."""
    record = made.record(version)
    params = {row[0]: row[1] for row in by_id(visit, "params-table")}
    trained = dotted(record["stages"]["train"]["params"]["params.yaml"])
    assert {name: value(params[name], each) for name, each in trained.items()} == trained
    scores = {row[0].partition(",")[0]: float(row[1]) for row in by_id(visit, "scores-table")}
    metrics = record["metrics"]["metrics/evaluate.json"]["test"]
    assert scores == pytest.approx({name: metrics[name] for name in scores})
    model = {row[0]: row[1] for row in by_id(visit, "model-table")}
    assert model["sha256"] == record["artifact"]["sha256"]
    said = visit.dom.one("section", id="version").text
    for fact in (
        record["commit"],
        record["data"]["sha256"],
        record["environment"]["lock"]["sha256"],
    ):
        assert fact in said
    for each in (record["card"]["purpose"], *record["card"]["limits"], *record["data"]["columns"]):
        assert each in said
