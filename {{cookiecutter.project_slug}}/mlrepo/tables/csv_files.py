"""CSV files: their header, their rows, and the line that is to blame."""

import csv
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import Csv
from mlrepo.tables.plain_text import not_text, open_text, plain

_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
csv.field_size_limit(2**31 - 1)  # a text may be long


def scan_csv(parts: list[Path], dialect: Csv) -> pl.LazyFrame:
    """Return the rows of all parts, lazily, as texts."""
    header, lines = _read_header(parts[0], dialect)
    for part in parts[1:]:
        names, other = _read_header(part, dialect)
        if names != header:
            pairs = zip(names, header, strict=False)
            odd = next((f"'{new}' and not '{old}'" for new, old in pairs if new != old), None)
            says = odd or f"{len(names)} columns and not {len(header)}"
            raise ProjectError(
                f"{part} has another header than {parts[0]}: {says}. Write both with equal headers"
            )
        if other != lines:
            raise ProjectError(f"{part} has its header in another line than {parts[0]}")
    # polars keeps doubled quotes in a header's names: the names come from Python's csv module.
    table = pl.scan_csv(
        [plain(part, dialect.encoding) for part in parts],
        separator=dialect.separator,
        has_header=False,
        skip_lines=lines,
        schema=dict.fromkeys(header, pl.String),
        glob=False,
    )
    # An empty line is no row, nor is one of separators alone.
    return table.filter(~pl.all_horizontal(pl.all().is_null()))


def _read_header(path: Path, dialect: Csv) -> tuple[list[str], int]:
    """Return the columns' names and the number of lines down to the end of the header."""
    separator = dialect.separator
    try:
        with open_text(path, dialect.encoding) as file:
            reader = csv.reader(file, delimiter=separator)
            header = [name.strip() for name in next((row for row in reader if row), [])]
            lines = reader.line_num
    except UnicodeDecodeError:
        raise not_text(path, dialect.encoding) from None
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


def refuse_short(parts: list[Path], dialect: Csv) -> None:
    """Refuse a line with fewer values than the header, which polars fills up in silence.

    Only worth its time where the last column has empty values: a short line leaves one there.
    """
    separator = dialect.separator
    header, end = _read_header(parts[0], dialect)
    lines = pl.scan_csv(
        [plain(part, dialect.encoding) for part in parts],
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
    bare = pl.when(quoted).then(line.str.replace_all('"[^"]*"', "")).otherwise(line)
    few = bare.str.count_matches(separator, literal=True) < len(header) - 1
    # A quote left over opens or closes a text of several lines: the exact reader must decide.
    doubtful = (few & (line != "")) | bare.str.contains('"', literal=True)
    if lines.select(doubtful.any()).collect(engine="streaming").item():
        found = uneven(parts, dialect)
        if found:
            raise ProjectError(found)


def uneven(parts: Iterable[Path], dialect: Csv) -> str:
    """Return the words for the first line with more or fewer values than its header, or none."""
    separator = dialect.separator
    for part in parts:
        with open_text(part, dialect.encoding) as file:
            reader = csv.reader(file, delimiter=separator)
            columns, start = 0, 1
            for row in reader:
                columns = columns or len(row)
                if row and len(row) != columns:
                    fix = f"look for {separator!r} in a text that is not in quotes"
                    return (
                        f"{part}: line {start} has {len(row)} values, the header {columns}: "
                        f"{fix if len(row) > columns else 'complete it'}"
                    )
                start = reader.line_num + 1
    return ""


def unclosed(parts: Iterable[Path], dialect: Csv) -> str:
    """Return the words for the first row whose quotes do not fit together, or none."""
    for part in parts:
        with open_text(part, dialect.encoding) as file:
            reader, start = csv.reader(file, delimiter=dialect.separator, strict=True), 1
            try:
                for _ in reader:
                    start = reader.line_num + 1
            except csv.Error:
                return f"{part}: line {start} has a text in quotes that never ends: close it"
    return ""
