"""The results of a benchmark: printed as they come, and kept as JSON and a plot for the page."""

import argparse
import json
import os
import platform
import re
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from baked import Cost


@dataclass(frozen=True)
class Line:
    """One side of one work: medians, and its cost through that of the side which it is beside."""

    work: str
    side: str
    beside: str
    wall: float  # seconds
    cpu: float | None  # seconds, if they were measured
    memory: float | None  # the most MB of one process, if that was measured
    ratio: float
    measure: str = "CPU"  # of what the ratio is


# What the numbers of a generated project depend on.
PROJECT = ("DVC", "polars", "scikit-learn")


def parser(text: str | None, project: bool = True) -> argparse.ArgumentParser:
    """Return a parser with the options that all benchmarks have, or all with a project."""
    found = argparse.ArgumentParser(description=(text or "").split("\n")[0])
    if project:
        found.add_argument("--project", type=Path, help="take this one, which is set up already")
    found.add_argument("--json", type=Path, help="keep the results here, and a plot beside it")
    return found


def pairs(
    runs: int, ours: Callable[[int], Cost], theirs: Callable[[int], Cost]
) -> tuple[list[Cost], list[Cost]]:
    """Run both in turn, so that a busy minute of the machine meets both."""
    costs = [(ours(number), theirs(number)) for number in range(runs)]
    return [cost for cost, _ in costs], [cost for _, cost in costs]


def line(work: str, side: str, ours: list[Cost], beside: str, theirs: list[Cost]) -> Line:
    """Print the medians of two sides and their ratios; return the first side's."""
    a, b = (
        Cost(*(median(getattr(c, kind) for c in costs) for kind in ("wall", "cpu", "memory")))
        for costs in (ours, theirs)
    )
    print(
        f"{work:32} {len(ours):4} {a.wall:7.2f} {a.cpu:7.2f}   {beside:26} {b.wall:7.2f}"
        f" {b.cpu:7.2f} {a.wall / b.wall:6.2f}x {a.cpu / b.cpu:6.2f}x",
        flush=True,
    )
    return Line(work, side, beside, a.wall, a.cpu, a.memory, a.cpu / b.cpu)


HEAD = f"runs    wall     CPU   {'beside it':26}    wall     CPU    wall     CPU"


def facts(python: str, *packages: str) -> dict[str, Any]:
    """Print and return what the numbers depend on, with the versions of ``python``'s packages."""
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    ask = "import platform, sys; from importlib.metadata import version"
    ask += "; print(platform.python_version(), *map(version, sys.argv[1:]))"
    command = [python, "-c", ask, *packages]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    versions = dict(zip(("Python", *packages), said.split(), strict=True))
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {model[1] if model else platform.processor()}, "
        f"{platform.system()} {platform.machine()}",
        "load at the start": round(os.getloadavg()[0], 1),
        "versions": versions,
    }
    print(f"{found['machine']}, load {found['load at the start']} at the start")
    print(", ".join(" ".join(pair) for pair in versions.items()), end="\n\n")
    return found


def keep(path: Path | None, python: str, about: dict[str, Any], lines: list[Line]) -> None:
    """Write the results and a plot of the ratios, if ``path`` is given; ``python`` draws."""
    if path is None:
        return
    rows = [asdict(each) for each in lines]
    text = json.dumps({**about, "lines": rows}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
    draw = "import sys, vl_convert; print(vl_convert.vegalite_to_svg(sys.stdin.read()))"
    spec = json.dumps(_plot(rows))
    svg = subprocess.run(
        [python, "-c", draw], input=spec, capture_output=True, text=True, check=True
    ).stdout
    path.with_suffix(".svg").write_text(svg, encoding="utf-8")


def _plot(rows: list[dict[str, Any]]) -> dict[str, Any]:
    title = "cost through that of the side it is beside"
    one = {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"x": {"datum": 1}}}
    bars = {
        "mark": "bar",
        "encoding": {
            "y": {"field": "side", "type": "nominal", "sort": None, "title": None},
            "x": {"field": "ratio", "type": "quantitative", "title": title},
            "color": {"field": "beside", "type": "nominal", "title": "beside"},
        },
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": rows},
        "facet": {"row": {"field": "work", "type": "nominal", "sort": None, "title": None}},
        "spec": {"width": 400, "layer": [bars, one]},
        "resolve": {"scale": {"y": "independent"}},
    }
