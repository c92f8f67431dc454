"""Find the line of a CSV file that is to blame."""

import csv
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from .errors import ProjectError


def refuse_short(parts: list[Path], separator: str, columns: int, header: int) -> None:
    """Refuse a line with fewer values than ``columns``, which polars fills up in silence.

    Only worth its time where the last column has empty values: a short line leaves one there.

    Raises:
        ProjectError: naming the first line that does not fit the header.
    """
    lines = pl.scan_csv(
        parts,
        separator="\x1f",
        quote_char=None,
        has_header=False,
        skip_lines=header,
        schema={"line": pl.String},
        truncate_ragged_lines=True,
        glob=False,
    )
    line = pl.col("line").str.strip_chars_end("\r")
    quoted = line.str.contains('"', literal=True)
    plain = pl.when(quoted).then(line.str.replace_all('"[^"]*"', "")).otherwise(line)
    few = plain.str.count_matches(separator, literal=True) < columns - 1
    # A quote left over opens or closes a text of several lines: the exact reader must decide.
    doubtful = (few & (line != "")) | plain.str.contains('"', literal=True)
    if lines.select(doubtful.any()).collect(engine="streaming").item():
        found = uneven(parts, separator)
        if found:
            raise ProjectError(found)


def uneven(parts: Iterable[Path], separator: str) -> str:
    """Return the words for the first line with more or fewer values than its header, or none."""
    for part in parts:
        with part.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=separator)
            columns, start = 0, 1
            for row in reader:
                columns = columns or len(row)
                if row and len(row) != columns:
                    mend = f"look for {separator!r} in a text that is not in quotes"
                    return (
                        f"{part}: line {start} has {len(row)} values, the header {columns}: "
                        f"{mend if len(row) > columns else 'complete it'}"
                    )
                start = reader.line_num + 1
    return ""


def unclosed(parts: Iterable[Path], separator: str) -> str:
    """Return the words for the first row whose quotes do not fit together, or none."""
    for part in parts:
        with part.open(encoding="utf-8-sig", newline="") as file:
            reader, start = csv.reader(file, delimiter=separator, strict=True), 1
            try:
                for _ in reader:
                    start = reader.line_num + 1
            except csv.Error:
                return f"{part}: line {start} has a text in quotes that never ends: close it"
    return ""


def undecodable(parts: Iterable[Path]) -> str:
    """Return " (line 3 of name)" for the first line that is not UTF-8, or nothing."""
    for part in parts:
        with part.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    return f" (line {number} of {part.name})"
    return ""
