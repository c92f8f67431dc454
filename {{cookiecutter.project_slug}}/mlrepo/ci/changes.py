"""What differs between a commit and this folder, as Markdown that renders everywhere."""

import csv
import io
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlrepo.core import paths, yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import read_csv
from mlrepo.core.markdown import Lines, markdown
from mlrepo.pipeline import dvc_lock, git, mappings
from mlrepo.scoring.score_report import bounds, shown
from mlrepo.storage.store import Store, Stored

_BAR = "█" * 20
_FEATURES = 10


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: a commit, or this folder (None).

    What a side does not have is empty: a base may be older than the file.
    """

    commit: str | None

    def text(self, path: Path) -> str:
        """Return a file that Git keeps."""
        with suppress(ProjectError, FileNotFoundError):
            if self.commit:
                return git.file_at(self.commit, path.as_posix())
            return path.read_text(encoding="utf-8")
        return ""

    def values(self, path: Path) -> dict[str, Any]:
        """Return dotted key -> value of a YAML or JSON file."""
        text = self.text(path)
        if not text:
            return {}
        is_json = path.suffix == ".json"
        return mappings.flatten(json.loads(text) if is_json else yaml.parse(text, str(path)))

    def rows(self, path: Path) -> list[dict[str, str]]:
        """Return the rows of a CSV file that Git keeps."""
        return list(csv.DictReader(io.StringIO(self.text(path), newline="")))

    def locked(self) -> dict[str, dict[str, Any]]:
        """Return path -> MD5 and size of all files in each dvc.lock."""
        with suppress(ProjectError):
            return dvc_lock.files(dvc_lock.at(self.commit) if self.commit else dvc_lock.here())
        return {}

    @cached_property
    def plots(self) -> dict[str, Stored]:
        """The files of the folder of plots, by path; none where nobody has the list of them."""
        whole = self.locked().get(paths.PLOTS.as_posix())
        with suppress(ProjectError):
            if whole:
                found = Store().parts(Stored(paths.PLOTS.as_posix(), whole["md5"]))
                return {stored.path: stored for stored in found}
        return {}

    def plot(self, path: str) -> list[dict[str, str]]:
        """Return the rows of a plot's CSV file."""
        if self.commit is None:
            return read_csv(Path(path)) if Path(path).exists() else []
        if path not in self.plots:
            return []
        with TemporaryDirectory() as folder, suppress(ProjectError):  # it may be nowhere
            target = Path(folder, "plot.csv")
            Store().fetch(self.plots[path], target, None)
            return read_csv(target)
        return []


def scores(base: Side, head: Side, sliced: bool) -> str:
    """Return the test metrics with their intervals on both sides."""
    sides = [_scores(side.rows(paths.SCORES), sliced) for side in (base, head)]
    lines: Lines = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        before, after = (side.get(key) for side in sides)
        change = shown(key[-1], after[0] - before[0], 4, "+") if before and after else ""
        lines.append([*key, before[1] if before else "", after[1] if after else "", change])
    title = ["slice", "metric"] if sliced else ["metric"]
    return markdown([[*title, "base", "here", "change"], *lines]) if lines else "None."


def _scores(rows: list[dict[str, str]], sliced: bool) -> dict[tuple[str, ...], tuple[float, str]]:
    found: dict[tuple[str, ...], tuple[float, str]] = {}
    for row in rows:
        if bool(row["slice"]) == sliced:
            name = f"{row['slice']} = {row['value']}, {row['rows']} rows"
            key = (name, row["metric"]) if sliced else (row["metric"],)
            value = float(row["estimate"])
            text = shown(row["metric"], value, 4)
            if row["low"] and row["high"]:  # few rows, or one class, have no interval
                text += f" ({bounds(row)})"
            found[key] = (value, text)
    return found


def params(base: Side, head: Side) -> str:
    """Return the params that differ."""
    return _changes(base.values(paths.PARAMS), head.values(paths.PARAMS), "param")


def data(base: Side, head: Side) -> str:
    """Return hash and size of what the pipeline starts from, and its rows."""
    sides = []
    for side in (base, head):
        facts: dict[str, Any] = {}
        for path, file in side.locked().items():
            if Path(f"{path}.dvc").exists():
                facts |= {f"{path}: MD5": file["md5"], f"{path}: bytes": file.get("size")}
        sides.append(facts | side.values(paths.ROWS))
    return _changes(sides[0], sides[1], "data")


def plots(base: Side, head: Side) -> str:
    """Return which plots differ, and those of importance and confusion as tables."""
    place = paths.PLOTS.as_posix()
    whole = [side.locked().get(place, {}).get("md5") for side in (base, head)]
    if whole[0] == whole[1]:
        return "The same."
    differ = sorted(mappings.changes(base.plots, head.plots))
    which = ", ".join(f"`{path}`" for path in differ or [place])
    parts = [f"Changed: {which}. `dvc plots diff` draws them."]
    drawn = {"importance": (("feature",), "mean"), "confusion": (("actual", "predicted"), "rows")}
    for name, (keys, value) in drawn.items():
        path = f"{place}/{name}.csv"
        if path in differ:
            parts.append(_plot(base, head, path, keys, value))
    return "\n\n".join(filter(None, parts))


def _plot(base: Side, head: Side, path: str, keys: tuple[str, ...], value: str) -> str:
    old, new = (
        {tuple(row[key] for key in keys): float(row[value]) for row in rows if row.get(value)}
        for rows in (base.plot(path), head.plot(path))
    )
    names = list(dict.fromkeys([*new, *old]))[: None if len(keys) > 1 else _FEATURES]
    top = max(map(abs, new.values()), default=0.0) or 1.0
    lines = []
    for name in names:
        numbers = [f"{side[name]:.4g}" if name in side else "" for side in (old, new)]
        bar = _BAR[: round(len(_BAR) * max(new.get(name, 0.0), 0.0) / top)]
        lines.append([*name, *numbers, bar])
    return markdown([[*keys, "base", "here", Path(path).stem], *lines]) if lines else ""


def _changes(before: dict[str, Any], after: dict[str, Any], title: str) -> str:
    # Compared as they are shown: to Python 1, 1.0 and true are equal.
    shown = (
        {name: json.dumps(value, ensure_ascii=False) for name, value in side.items()}
        for side in (before, after)
    )
    pairs = mappings.changes(*shown)
    lines = [[name, *(value or "(none)" for value in pair)] for name, pair in pairs.items()]
    return markdown([[title, "base", "here"], *lines]) if lines else "The same."
