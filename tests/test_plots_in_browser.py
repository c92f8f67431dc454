"""The plots of a generated project in a real browser that reaches no other machine."""

import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import opened
from conftest import Project, Tool

Browse = Callable[[Path], tuple[str, bytes]]

HEADERS = {
    "calibration": "class,predicted,observed,rows,reference",
    "confusion": "actual,predicted,rows,share",
    "precision_recall": "class,recall,precision,threshold,reference",
    "residuals": "actual,predicted,residual",
    "roc": "class,false_positive_rate,true_positive_rate,threshold,reference",
}


@pytest.fixture
def browse(tool: Tool, tmp_path: Path) -> Browse:
    """Open a page in headless Chromium; return its elements after drawing and a screenshot."""
    chromium = tool("chromium", "apt-get install chromium")

    def show(page: Path) -> tuple[str, bytes]:
        picture = tmp_path / "picture.png"
        profile, address = tmp_path / "browser", page.as_uri()
        elements = opened(chromium, address, "--dump-dom", profile)
        opened(chromium, address, f"--screenshot={picture}", profile)
        return elements, picture.read_bytes()

    return show


def drawn_rows(png: bytes) -> int:
    """Count different lines of pixels of a PNG without interlacing; a blank one has 1 or 2."""
    at, packed, width, channels = 8, b"", 0, 0
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, channels = struct.unpack(">I", body[:4])[0], {2: 3, 6: 4}[body[9]]
        packed += body if kind == b"IDAT" else b""
        at += length + 12
    pixels, line = zlib.decompress(packed), width * channels + 1  # 1: the line's filter
    return len({pixels[start : start + line] for start in range(0, len(pixels), line)})


def page(project: Project, out: Path, *options: str, cwd: Path | None = None) -> Path:
    project.run("dvc", "plots", "show", "--out", str(out), *options, cwd=cwd)
    return out / "index.html"


def specifications(project: Project, cwd: Path | None = None) -> dict[str, Any]:
    shown = project.run("dvc", "plots", "show", "--json", cwd=cwd)
    data: dict[str, list[dict[str, Any]]] = json.loads(shown.stdout)["data"]
    return {name: plots[0]["content"] if plots else None for name, plots in data.items()}


def check_drawn(html: str, plots: dict[str, Any]) -> None:
    """Every plot with rows is an SVG image with its title and marks; the others are nowhere."""
    body = html[html.index("<body>") :]
    drawn = {name: plot for name, plot in plots.items() if plot}
    assert body.count('class="marks"') == len(drawn)
    for name, plot in drawn.items():
        place = name.translate(str.maketrans("/.", "__"))
        image = body[body.index(f'<div id="{place}"') :]
        image = image[: image.index("</svg>")]
        assert plot["title"]["text"] in image
        assert "mark-" in image.replace("mark-group", "").replace("mark-text", "")
        assert "Error" not in image
    for name in plots.keys() - drawn.keys():
        assert f'<div id="{name}"' not in body


def test_the_default_project_draws_without_internet(
    project: Project, browse: Browse, tmp_path: Path
) -> None:
    plots = specifications(project)
    assert {name for name, plot in plots.items() if plot} >= {
        "calibration",
        "confusion",
        "importance",
        "precision_recall",
        "roc",
    }
    html, picture = browse(page(project, tmp_path / "plots"))
    check_drawn(html, plots)
    assert drawn_rows(picture) > 300


def test_a_regression_draws_its_own_plots(project: Project, browse: Browse, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    skipped = shutil.ignore_patterns(".venv", ".git", "cache", "tmp", "data", "models")
    shutil.copytree(project.path, copy, ignore=skipped)
    project.run("git", "init", "--quiet", cwd=copy)
    for name, header in HEADERS.items():
        path = copy / "reports" / "plots" / f"{name}.csv"
        assert path.read_text(encoding="utf-8").startswith(header)
        rows = "\n1,2,-1\n4,3.5,0.5" if name == "residuals" else ""
        path.write_text(f"{header}{rows}\n", encoding="utf-8")
    plots = specifications(project, copy)
    empty = {name for name, plot in plots.items() if not plot}
    assert empty == HEADERS.keys() - {"residuals"}
    html, picture = browse(page(project, tmp_path / "plots", cwd=copy))
    check_drawn(html, plots)
    assert drawn_rows(picture) > 200


def test_the_page_of_dvc_itself_is_blank_without_internet(
    project: Project, browse: Browse, tmp_path: Path
) -> None:
    """The control: were this to draw, the tests above would prove nothing."""
    plain = tmp_path / "plain.html"
    plain.write_text("<html><head>{scripts}</head><body>{plot_divs}</body></html>", "utf-8")
    html, picture = browse(page(project, tmp_path / "plots", "--html-template", str(plain)))
    assert 'class="marks"' not in html
    assert drawn_rows(picture) <= 2
