"""The plots of dvc.yaml as pictures, by DVC's templates: a tracker shows no table as a curve."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlrepo.core import yaml
from mlrepo.core.files import csv_rows
from mlrepo.core.paths import in_project
from mlrepo.pipeline.dvc_yaml import PIPELINE
from mlrepo.pipeline.git import bytes_at, file_at, paths_at

FOLDER = Path("plots")  # of the pictures, among the files of a run
VEGA_LITE = "5.21"  # the generation that DVC's own templates are written for
_TEMPLATES = ".dvc/plots"
_SCALE = 1.5  # pixels for each of the template
_REVISION = "this run"  # the same in each, so that equal pictures are drawn but once


def draw(commit: str, folder: Path) -> list[Path]:
    """Write a PNG for each plot of a commit whose table, a CSV file, lies in ``folder`` with rows.

    A plot of one column of one table is drawn, as those of a new project are; `dvc plots` draws
    the others as well. Return the paths of the pictures.
    """
    from dvc_render.exceptions import DvcRenderError  # type: ignore[import-untyped]
    from dvc_render.vega import VegaRenderer  # type: ignore[import-untyped]

    drawn = []
    with TemporaryDirectory() as scratch:
        templates = f"{in_project(_TEMPLATES).as_posix()}/"
        for path in paths_at(commit):
            if path.startswith(templates):
                Path(scratch, Path(path).name).write_bytes(bytes_at(commit, path))
        for name, table, plot in plots_of(yaml.parse(file_at(commit, PIPELINE), PIPELINE)):
            source = folder / table
            rows = csv_rows(source.read_text("utf-8")) if source.is_file() else []
            if not rows:
                continue
            of_dvc = {"rev": _REVISION, "filename": table, "field": plot["y"]}
            points = [{**row, **of_dvc} for row in rows]
            made = VegaRenderer(points, name, template_dir=scratch, **plot)
            try:
                spec = json.dumps(made.get_filled_template())
                picture = _png(spec)
            except (DvcRenderError, ValueError):  # `dvc plots` says what is wrong with it
                continue
            drawn.append(folder / FOLDER / f"{name}.png")
            drawn[-1].parent.mkdir(parents=True, exist_ok=True)
            drawn[-1].write_bytes(picture)
    return drawn


def plots_of(pipeline: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield name, table and properties of each plot of a dvc.yaml."""
    for name, plot in _pairs(pipeline.get("plots")):
        y = plot.get("y")
        for table, column in y.items() if isinstance(y, dict) and len(y) == 1 else ():
            if isinstance(column, str):
                yield name.replace("/", "_"), table, {**plot, "y": column}
    for stage in pipeline["stages"].values():
        for table, plot in _pairs(stage.get("plots")):
            if isinstance(plot.get("y"), str):
                yield Path(table).stem, table, {k: v for k, v in plot.items() if k != "cache"}


def _pairs(listed: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in listed or ():
        if isinstance(each, dict):
            yield from ((name, plot) for name, plot in each.items() if isinstance(plot, dict))


@cache
def _png(spec: str) -> bytes:
    """Return a picture; the experiments of a sweep share most of theirs."""
    import vl_convert

    made: bytes = vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=_SCALE)
    return made
