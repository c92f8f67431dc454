"""The plots of `dvc plots`, as specifications of Vega-Lite that the page draws when it is asked.

A specification is what DVC makes of dvc.yaml and .dvc/plots of the commit. Its rows stand apart, so
that versions share it.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlrepo.core import yaml
from mlrepo.core.files import csv_rows
from mlrepo.mirror.pictures import plots_of
from mlrepo.pipeline.dvc_yaml import PIPELINE

POINTS = 120  # of a table of more rows: this many for each class, evenly spread
_MANY = 200
_DIGITS = 4
_EXACT = ("matrix", "bars", "scores")  # templates that show each row

Node = dict[str, Any]


def specifications(pipeline: str, templates: dict[str, str]) -> dict[str, tuple[str, str, Node]]:
    """Return name of the plot -> table, template and specification, of the text of a dvc.yaml.

    ``templates`` has the files of .dvc/plots by their names. What DVC cannot make is left out:
    `dvc plots` says why.
    """
    from dvc_render.exceptions import DvcRenderError  # type: ignore[import-untyped]
    from dvc_render.vega import VegaRenderer  # type: ignore[import-untyped]

    found: dict[str, tuple[str, str, Node]] = {}
    with TemporaryDirectory() as folder:
        for name, text in templates.items():
            Path(folder, Path(name).name).write_text(text, encoding="utf-8")
        for name, table, plot in plots_of(yaml.parse(pipeline, PIPELINE)):
            one = {"rev": "", "filename": table, "field": plot["y"], plot["y"]: "", "": ""}
            one |= {str(plot["x"]): ""} if "x" in plot else {}
            try:
                spec = VegaRenderer([one], name, template_dir=folder, **plot).get_filled_template()
            except (DvcRenderError, ValueError):
                continue
            spec = json.loads(spec) if isinstance(spec, str) else dict(spec)
            spec.pop("data", None)
            found[name] = (table, str(plot.get("template", "")), spec)
    return found


def columns(text: str, template: str) -> dict[str, list[Any]]:
    """Return column -> values of a table, thinned where its curve does not need each row."""
    rows = csv_rows(text)
    if not rows:
        return {}
    if template not in _EXACT and len(rows) > _MANY:
        rows = _thinned(rows)
        return {name: [_short(row[name]) for row in rows] for name in rows[0]}
    return {name: [row[name] for row in rows] for name in rows[0]}


def _thinned(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    by_class: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_class.setdefault(row.get("class", ""), []).append(row)
    most = max(2, POINTS // max(1, len(by_class) // 4))
    return [row for each in by_class.values() for row in _spread(each, most)]


def _spread(rows: list[dict[str, str]], most: int) -> list[dict[str, str]]:
    if len(rows) <= most:
        return rows
    return [rows[round(n * (len(rows) - 1) / (most - 1))] for n in range(most)]


def _short(text: str) -> float | str:
    try:
        return float(f"{float(text):.{_DIGITS}g}")
    except ValueError:
        return text
