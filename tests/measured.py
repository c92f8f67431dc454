"""The numbers of benchmarks that pages quote, made from the kept results."""

import json
from collections.abc import Mapping
from typing import Any

from conftest import TEMPLATE
from words import Pages

Rows = Mapping[str, list[str]]  # page -> parts of its text


def kept(name: str) -> list[dict[str, Any]]:
    """Return the lines of a benchmark's kept results."""
    text = (TEMPLATE / f"benchmarks/results/{name}.json").read_text(encoding="utf-8")
    lines: list[dict[str, Any]] = json.loads(text)["lines"]
    return lines


def side(name: str, work: str, side: str) -> dict[str, Any]:
    """Return the first kept line of a side."""
    return next(each for each in kept(name) if (each["work"], each["side"]) == (work, side))


def peak(line: dict[str, Any]) -> str:
    """Return its memory as pages have it."""
    return f"{round(line['memory'], -1):,.0f} MB"


def measured_tables() -> dict[str, list[str]]:
    """Return page -> the beginnings of lines of its tables, made from the kept results."""
    lines = [*links_lines("1 of 5 GB", "one file of 5 GB")]
    lines += links_lines("10,000 of 5 kB", "10,000 files of 5 kB")
    for of_page, name in (
        ("`xgboost.XGBClassifier`, all rows at once", "all rows at once"),
        ("the same in batches", "batches"),
        ("the same in batches, on disk", "batches, on disk"),
        ("`SGDClassifier`, `partial_fit`", "SGDClassifier, partial_fit"),
    ):
        line = side("train", "2,000,000 rows", name)
        lines.append(f"| {of_page} | {line['cpu']:.1f} | {peak(line)} |")
    return {"project/docs/scale.md": [*lines, *prepare_lines()]}


def links_lines(work: str, size: str) -> list[str]:
    """Return the lines on files of one size in the table on links."""
    lines = []
    names = {"reflink,copy": f"{size}, copies", "hardlink": "hard links", "symlink": "symlinks"}
    for link, name in names.items():
        cells = [
            f"{side('links', f'{do}, {work}', link)['wall']:{form}}"
            for do, form in (("add", ".0f"), ("push", ".0f"), ("pull", ".0f"), ("checkout", ".1f"))
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def prepare_lines() -> list[str]:
    """Return the table on *prepare*."""
    lines = []
    for of_page, name in (
        ("bare polars: read and write, no check, no split", "bare polars"),
        ("*prepare*, a schema of types alone, random split", "ours, types alone"),
        ("the same, stratified split", "ours, stratified"),
        ("the same, with bounds and allowed values", "ours, with checks"),
        ("the same, with a unique key", "ours, checks and key"),
        ("DuckDB: read, split, write, no check", "duckdb"),
        ("dask.dataframe: read, split, write, no check", "dask"),
    ):
        ten, fifty = (side("prepare", f"{rows},000,000 rows", name) for rows in (10, 50))
        cells = [f"{ten['cpu']:.1f}", peak(ten), f"{fifty['cpu']:.1f}", peak(fifty)]
        lines.append(f"| {of_page} | {' | '.join(cells)} |")
    return lines


def measured_words() -> dict[str, list[str]]:
    """Return page -> words with numbers of the kept results."""
    setup = side("pipeline", "set-up, warm cache", "bootstrap.py")["wall"]
    whole = side("pipeline", "everything", "dvc repro")["wall"]
    trial = next(e for e in kept("sweep") if e["beside"].startswith("dvc exp run"))["ratio"]
    return {
        "README.md": [
            f"about {setup:.0f} seconds on 2 cores",
            f"about {whole:.0f} seconds for the",
        ],
        "project/docs/experiments.md": [f"a trial costs {trial:.2f} of what it costs by"],
    }


def not_measured(texts: Pages, tables: Rows, words: Rows) -> list[str]:
    """Return what the kept results say and a page does not."""
    wrong = [f"{p}: {each}" for p, many in tables.items() for each in many if each not in texts[p]]
    for page, many in words.items():
        text = " ".join(texts[page].split())
        wrong += [f"{page}: {each}" for each in many if each not in text]
    return wrong
