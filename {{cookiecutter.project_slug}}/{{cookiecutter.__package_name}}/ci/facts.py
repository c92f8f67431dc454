"""What differs between a commit and this folder, as Markdown that renders everywhere."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .. import git, locks, results, strict_yaml
from ..errors import ProjectError
from ..layout import Lines, markdown
from ..leaves import leaves
from ..store import Store, Stored

PARAMS = Path("params.yaml")
PLOTS = "reports/plots/"
_BARS = 20  # characters of the longest bar
_FEATURES = 10


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: a commit, or this folder (None)."""

    commit: str | None

    def text(self, path: Path) -> str:
        """Return a file that Git keeps, "" if there is none."""
        try:
            if self.commit:
                return git.file_at(self.commit, path.as_posix())
            return path.read_text(encoding="utf-8")
        except (ProjectError, FileNotFoundError):
            return ""

    def values(self, path: Path) -> dict[str, Any]:
        """Return dotted key -> value of a YAML or JSON file."""
        text = self.text(path)
        if not text:
            return {}
        is_json = path.suffix == ".json"
        return leaves(json.loads(text) if is_json else strict_yaml.parse(text, str(path)))

    def rows(self, path: Path) -> list[dict[str, str]]:
        """Return the rows of a CSV file that Git keeps."""
        return list(csv.DictReader(io.StringIO(self.text(path))))

    def locked(self) -> dict[str, dict[str, Any]]:
        """Return path -> hash and size of all files in each dvc.lock."""
        try:
            stages = locks.at(self.commit) if self.commit else locks.here()
        except ProjectError:
            return {}
        files = [f for s in stages.values() for k in ("deps", "outs") for f in s.get(k, [])]
        return {file["path"]: file for file in files if "md5" in file}

    def plot(self, path: str) -> list[dict[str, str]]:
        """Return the rows of a CSV file that DVC keeps, none if it is not to be had."""
        if self.commit is None:
            return results.read_csv(Path(path)) if Path(path).exists() else []
        file = self.locked().get(path)
        if file is None:
            return []
        with TemporaryDirectory() as folder:
            target = Path(folder, "plot.csv")
            try:
                Store().fetch(Stored(path, file["md5"]), target, None)
            except ProjectError:
                return []
            return results.read_csv(target)


def scores(base: Side, head: Side, sliced: bool) -> str:
    """Return the test metrics with their intervals on both sides."""
    sides = [_scores(side.rows(results.SCORES), sliced) for side in (base, head)]
    lines: Lines = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        before, after = (side.get(key) for side in sides)
        change = f"{after[0] - before[0]:+.4f}" if before and after else ""
        lines.append([*key, before[1] if before else "", after[1] if after else "", change])
    title = ["slice", "metric"] if sliced else ["metric"]
    return markdown([[*title, "base", "here", "change"], *lines]) if lines else "None."


def _scores(rows: list[dict[str, str]], sliced: bool) -> dict[tuple[str, ...], tuple[float, str]]:
    found: dict[tuple[str, ...], tuple[float, str]] = {}
    for row in rows:
        if bool(row["slice"]) == sliced:
            name = f"{row['slice']} = {row['value']}, {row['rows']} rows"
            value = float(row["estimate"])
            interval = f" ({float(row['low']):.3f} to {float(row['high']):.3f})"
            shown = f"{value:.4f}{interval if row['low'] else ''}"
            key = (name, row["metric"]) if sliced else (row["metric"],)
            found[key] = (value, shown)
    return found


def params(base: Side, head: Side) -> str:
    """Return the params that differ."""
    return _changes(base.values(PARAMS), head.values(PARAMS), "param")


def data(base: Side, head: Side) -> str:
    """Return hash and size of what the pipeline starts from, and its rows."""
    sides = []
    for side in (base, head):
        facts: dict[str, Any] = {}
        for path, file in side.locked().items():
            if Path(f"{path}.dvc").exists():
                facts |= {f"{path}: MD5": file["md5"], f"{path}: bytes": file.get("size")}
        sides.append(facts | side.values(results.PREPARE))
    return _changes(sides[0], sides[1], "data")


def plots(base: Side, head: Side) -> str:
    """Return which plots differ, and those of importance and confusion as tables."""
    hashes = [
        {path: file["md5"] for path, file in side.locked().items() if path.startswith(PLOTS)}
        for side in (base, head)
    ]
    paths = sorted({*hashes[0], *hashes[1]})
    differ = [path for path in paths if hashes[0].get(path) != hashes[1].get(path)]
    if not differ:
        return "The same."
    parts = [f"Changed: {', '.join(f'`{path}`' for path in differ)}. `dvc plots diff` draws them."]
    drawn = {"importance": (("feature",), "mean"), "confusion": (("actual", "predicted"), "rows")}
    for name, (keys, value) in drawn.items():
        path = f"{PLOTS}{name}.csv"
        if path in differ:
            parts.append(_plot(name, base.plot(path), head.plot(path), keys, value))
    return "\n\n".join(filter(None, parts))


def _plot(
    title: str,
    before: list[dict[str, str]],
    after: list[dict[str, str]],
    keys: tuple[str, ...],
    value: str,
) -> str:
    old, new = (
        {tuple(row[key] for key in keys): float(row[value]) for row in rows if row.get(value)}
        for rows in (before, after)
    )
    names = list(dict.fromkeys([*new, *old]))[: max(_FEATURES, len(new) if len(keys) > 1 else 0)]
    top = max([abs(new.get(name, 0.0)) for name in names], default=0.0) or 1.0
    lines = [
        [
            *name,
            f"{old[name]:.4g}" if name in old else "",
            f"{new[name]:.4g}" if name in new else "",
            "█" * round(_BARS * max(new.get(name, 0.0), 0.0) / top),
        ]
        for name in names
    ]
    return markdown([[*keys, "base", "here", title], *lines]) if lines else ""


def _changes(before: dict[str, Any], after: dict[str, Any], title: str) -> str:
    lines = [
        [name, _shown(before, name), _shown(after, name)]
        for name in dict.fromkeys([*before, *after])
        if _shown(before, name) != _shown(after, name)
    ]
    return markdown([[title, "base", "here"], *lines]) if lines else "The same."


def _shown(values: dict[str, Any], name: str) -> str:
    return json.dumps(values[name], ensure_ascii=False) if name in values else "(none)"
