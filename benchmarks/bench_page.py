"""The page of a thousand versions beside that of fifty: to write it, and to open it in Chromium.

    python benchmarks/bench_page.py

Needs what bench_pipeline.py needs; to open the pages also Chromium, Node and puppeteer-core, which
NODE_PATH leads to. Each version has a record of the usual size, and scores and plots of its own.
The times in Chromium are medians of the first paint, and of the list of all versions.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from baked import TEMPLATE, Bench, Cost
from many_versions import give_past
from report import HEAD, PROJECT, Line, facts, keep, line, pairs, parser

FEW = 50
OPEN = TEMPLATE / "tests/open_page.cjs"
LIST = "document.querySelectorAll('#versions-table tbody tr').length"


def with_versions(bench: Bench, versions: int) -> Path:
    """Return a copy of the project that has so many versions."""
    folder = bench.folder / f"versions-{versions}"
    shutil.copytree(bench.project, folder, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    give_past(folder, versions)
    return folder


def seen(page: Path, folder: Path, runs: int) -> tuple[float, float]:
    """Return the medians of the seconds to the first paint, and to the list of versions."""
    visit = {"fresh": True, "dom": False}
    listed = {**visit, "hash": "#model/versions", "run": LIST}
    asked = {
        "chromium": shutil.which("chromium"),
        "profile": str(folder / "browser"),
        "page": page.as_uri(),
        "visits": [visit, listed] * runs,
    }
    file = folder / "asked.json"
    file.write_text(json.dumps(asked), encoding="utf-8")
    command = ["node", str(OPEN), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert all(each["done"] for each in found[1::2])
    paint, loaded = ([each[key] / 1000 for each in found] for key in ("paint", "loaded"))
    return median(paint[::2]), median(loaded[1::2])


def opened(pages: list[Path], folder: Path, runs: int) -> list[Line]:
    """Print and return what opening the pages takes; nothing where Chromium cannot be driven."""
    known = ["node", "-e", "require.resolve('puppeteer-core'); require.resolve('axe-core')"]
    programs = shutil.which("chromium") and shutil.which("node")
    if not programs or subprocess.run(known, capture_output=True, check=False).returncode:
        print("not opened: Chromium, Node, puppeteer-core and axe-core are not all here")
        return []
    many, few = (seen(page, folder, runs) for page in pages)
    lines = []
    for work, ours, theirs in zip(("first paint", "list of versions"), many, few, strict=True):
        print(f"{work:32} {runs:4} {ours:7.2f} {'':7}   {f'{FEW} versions':26} {theirs:7.2f}")
        sides = ("all versions", f"{FEW} versions")
        lines.append(Line(work, *sides, ours, None, None, ours / theirs, "wall"))
    return lines


def main() -> None:
    """Print one line for each work."""
    options = parser(__doc__)
    options.add_argument("--versions", type=int, default=1000)
    options.add_argument("--runs", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), project=chosen.project)
        bench.prepare()
        model = (bench.python, "-m", "mlrepo.commands")
        for arguments in (["push"], ["register", "-m", "The project's own"]):
            bench.run(bench.project, *model, *arguments)
        folders = [with_versions(bench, number) for number in (chosen.versions, FEW)]
        about = facts(bench.python, *PROJECT)
        print(f"{chosen.versions} versions\n{'':32} {HEAD}")

        def write(folder: Path) -> Cost:
            return bench.run(folder, *model, "page", "--offline", "-o", "page.html")

        costs = pairs(chosen.runs, lambda _: write(folders[0]), lambda _: write(folders[1]))
        sides = ("all versions", costs[0], f"{FEW} versions", costs[1])
        lines = [line("write the page", *sides)]
        pages = [folder / "page.html" for folder in folders]
        sizes = " and ".join(f"{page.stat().st_size / 1e6:.2f} MB" for page in pages)
        print(f"{'size of the page':32} {sizes}")
        lines += opened(pages, bench.folder, chosen.runs)
        keep(chosen.json, bench.python, about, lines)


if __name__ == "__main__":
    main()
