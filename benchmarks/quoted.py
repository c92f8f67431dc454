"""The lines of tables, and the words, in which pages quote the results that were kept.

`python benchmarks/page.py` writes the lines; a test compares both with the pages.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCALE = ROOT / "{{cookiecutter.project_slug}}/docs/scale.md"
PREPARE = {
    "bare polars: read and write, no check, no split": "bare polars",
    "*prepare*, a schema of types alone, random split": "ours, types alone",
    "the same, stratified split": "ours, stratified",
    "the same, with bounds and allowed values": "ours, with checks",
    "the same, with a unique key": "ours, checks and key",
    "the same without a key and an id, so that whole rows are hashed": "ours, checks, no id",
    "DuckDB: read, split, write, no check": "duckdb",
    "pandas: read, split, write, no check": "pandas",
    "dask.dataframe: read, split, write, no check": "dask",
}
TRAIN = {
    "`xgboost.XGBClassifier`, all rows at once": "all rows at once",
    "the same in batches": "batches",
    "the same in batches, on disk": "batches, on disk",
    "`SGDClassifier`, `partial_fit`": "SGDClassifier, partial_fit",
}
FILES = {"1 of 5 GB": "one file of 5 GB", "10,000 of 5 kB": "10,000 files of 5 kB"}


def lines() -> list[str]:
    """Return the beginnings of the lines of the tables in docs/scale.md, in their order."""
    return [*_links(), *_prepare(), *_train()]


def words() -> dict[str, list[str]]:
    """Return page -> words with numbers of the kept results."""
    setup = _side("pipeline", "set-up, warm cache", "bootstrap.py")["wall"]
    whole = _side("pipeline", "everything", "dvc repro")["wall"]
    [trial] = [e["ratio"] for e in _kept("sweep") if e["beside"].startswith("dvc exp run")]
    return {
        "README.md": [
            f"about {setup:.0f} seconds on 2 cores",
            f"about {whole:.0f} seconds for the",
        ],
        "project/docs/experiments.md": [f"a trial costs {trial:.2f} of what it costs by"],
    }


def written(page: str) -> str:
    """Return a page with these lines in the places of those that begin with the same cell."""
    texts, place = page.splitlines(keepends=True), 0
    for line in lines():
        first = line[: line.index(" |", 2) + 2]
        place = next(n for n in range(place, len(texts)) if texts[n].startswith(first))
        rest = texts[place].split("|")[line.count("|") :]  # cells that are no results
        texts[place] = f"{line}{'|'.join(rest)}"
        place += 1
    return "".join(texts)


def _links() -> Iterator[str]:
    for work, size in FILES.items():
        names = {"reflink,copy": f"{size}, copies", "hardlink": "hard links", "symlink": "symlinks"}
        for link, name in names.items():
            seconds = [
                f"{_side('links', f'{do}, {work}', link)['wall']:{form}}"
                for do, form in (("add", ".0f"), ("push", ".0f"), ("pull", ".0f"))
            ]
            last = f"{_side('links', f'checkout, {work}', link)['wall']:.1f}"
            yield f"| {name} | {' | '.join([*seconds, last])} |"


def _prepare() -> Iterator[str]:
    for name, side in PREPARE.items():
        cells = []
        for rows in (10, 50):
            kept = _side("prepare", f"{rows},000,000 rows", side)
            cells += [f" {kept['cpu']:.1f} ", f" {_peak(kept)} "] if kept else [" ", " "]
        yield f"| {name} |{'|'.join(cells)}|"


def _train() -> Iterator[str]:
    for name, side in TRAIN.items():
        kept = _side("train", "2,000,000 rows", side)
        yield f"| {name} | {kept['cpu']:.1f} | {_peak(kept)} |"


def _kept(name: str) -> list[dict[str, Any]]:
    text = (ROOT / f"benchmarks/results/{name}.json").read_text(encoding="utf-8")
    kept: list[dict[str, Any]] = json.loads(text)["lines"]
    return kept


def _side(name: str, work: str, side: str) -> dict[str, Any]:
    """Return the first kept line of a side, {} if it was not run."""
    found = [each for each in _kept(name) if (each["work"], each["side"]) == (work, side)]
    return found[0] if found else {}


def _peak(line: dict[str, Any]) -> str:
    return f"{round(line['memory'], -1):,.0f} MB"
