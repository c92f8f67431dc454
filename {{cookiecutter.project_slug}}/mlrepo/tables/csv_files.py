"""CSV files: their header, their rows, and the line that is to blame."""

import csv
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import Csv

_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


def scan_csv(parts: list[Path], dialect: Csv) -> pl.LazyFrame:
    """Return the rows of all parts, lazily, as texts."""
    header, lines = _read_header(parts[0], dialect.separator)
    for part in parts[1:]:
        if _read_header(part, dialect.separator) != (header, lines):
            raise ProjectError(f"{part} has another header than {parts[0]}: they must be equal")
    # polars keeps doubled quotes in a header's names: the names come from Python's csv module.
    table = pl.scan_csv(
        parts,
        separator=dialect.separator,
        has_header=False,
        skip_lines=lines,
        schema=dict.fromkeys(header, pl.String),
        glob=False,
    )
    # An empty line is no row.
    return table.filter(~pl.all_horizontal(pl.all().is_null()))


def _read_header(path: Path, separator: str) -> tuple[list[str], int]:
    """Return the columns' names and the number of lines down to the end of the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=separator)
            header = next((row for row in reader if row), [])
            lines = reader.line_num
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8{undecodable([path])}: convert it first") from None
    if not header:
        raise ProjectError(f"{path} is empty: it has not even a header")
    if duplicates := sorted(name for name in header if header.count(name) > 1):
        raise ProjectError(f"{path} has two columns named '{duplicates[0]}': rename one")
    if len(header) == 1:
        for other, word in _SEPARATORS.items():
            if other != separator and other in header[0]:
                raise ProjectError(
                    f"{path} seems to be separated by {word}: set data.csv.separator to {other!r}"
                )
    return header, lines


def refuse_short(parts: list[Path], separator: str) -> None:
    """Refuse a line with fewer values than the header, which polars fills up in silence.

    Only worth its time where the last column has empty values: a short line leaves one there.
    """
    header, end = _read_header(parts[0], separator)
    lines = pl.scan_csv(
        parts,
        separator="\x1f",
        quote_char=None,
        has_header=False,
        skip_lines=end,
        schema={"line": pl.String},
        truncate_ragged_lines=True,
        glob=False,
    )
    line = pl.col("line").str.strip_chars_end("\r")
    quoted = line.str.contains('"', literal=True)
    plain = pl.when(quoted).then(line.str.replace_all('"[^"]*"', "")).otherwise(line)
    few = plain.str.count_matches(separator, literal=True) < len(header) - 1
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
