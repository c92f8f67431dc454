"""CSV files: their header, their rows, and the line that is to blame."""

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import Csv
from mlrepo.tables.plain_text import (
    OtherDialectError,
    is_text,
    marked,
    not_text,
    open_text,
    plain,
)

_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
csv.field_size_limit(2**31 - 1)  # a text may be long
# What polars says of lines that it cannot read.
_UNREAD = re.compile(
    r"more fields|not specified in schema|not found in CSV file|as dtype `str`|malformed"
)
# What Python's csv module says of such a line, and the same in our words.
_ALONE = "has CR alone, which ends no line: end lines with LF or CRLF, and put texts in quotes"
_FAULTS = {
    "unexpected end": "has a text in quotes that never ends: close it",
    "expected after": "has a quote within a text in quotes: double it",
    "new-line": _ALONE,
}


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
        missing_columns="insert",  # the first line may be empty
        glob=False,
    )
    # An empty line is no row, nor is one of separators alone.
    return table.filter(~pl.all_horizontal(pl.all().is_null()))


def _read_header(path: Path, dialect: Csv) -> tuple[list[str], int]:
    """Return the columns' names and the number of lines down to the end of the header."""
    separator = dialect.separator
    if not separator.isascii() or separator in '"\r\n':
        raise ProjectError(
            f"data.csv.separator is {separator!r}, which separates no values: write {path} with "
            "another, such as a semicolon, and name it in params.yaml"
        )
    try:
        with open_text(path, dialect.encoding) as file:
            reader = csv.reader(file, delimiter=separator)
            header = [name.strip() for name in next((row for row in reader if row), [])]
            lines = reader.line_num
    except UnicodeDecodeError:
        raise not_text(path, dialect.encoding) from None
    except csv.Error as error:
        raise ProjectError(f"{path}: line 1 {_fault(error)}") from None
    if any("\0" in name for name in header):
        if marked(path):
            raise not_text(path, dialect.encoding)
        raise ProjectError(f"{path} has NUL bytes in its header: save it again as CSV in UTF-8")
    if not header:
        raise ProjectError(f"{path} is empty: it has not even a header")
    if duplicates := sorted(name for name in header if header.count(name) > 1):
        raise ProjectError(f"{path} has two columns named '{duplicates[0]}': rename one")
    if len(header) == 1:
        for other, word in _SEPARATORS.items():
            if other != separator and other in header[0]:
                raise OtherDialectError(
                    f"{path} seems to be separated by {word}",
                    f"set data.csv.separator to {other!r} in params.yaml",
                    f"save it with {_SEPARATORS.get(separator, repr(separator))}",
                )
    return header, lines


def refuse_short(parts: list[Path], dialect: Csv) -> None:
    """Refuse a line with fewer values than the header, which polars fills up in silence.

    Only worth its time where the last column has empty values: a short line leaves one there.
    """
    separator = dialect.separator
    header, end = _read_header(parts[0], dialect)
    files = [plain(part, dialect.encoding) for part in parts]
    lines = pl.concat(pl.scan_lines(file, glob=False).slice(end) for file in files)
    line = pl.col("line").str.strip_chars_end("\r")
    quoted = line.str.contains('"', literal=True)
    bare = pl.when(quoted).then(line.str.replace_all('"[^"]*"', "")).otherwise(line)
    few = bare.str.count_matches(separator, literal=True) < len(header) - 1
    # A quote left over opens or closes a text of several lines: the exact reader must decide.
    doubtful = (few & (line != "")) | bare.str.contains('"', literal=True)
    if lines.select(doubtful.any()).collect(engine="streaming").item():
        found = first_fault(parts, dialect)
        if found:
            raise ProjectError(found)


def first_fault(parts: Iterable[Path], dialect: Csv) -> str:
    """Return the words for the first line that cannot be read, or none.

    Quotes do not fit together there, or it has more or fewer values than its header.
    """
    separator = dialect.separator
    mark = re.escape(separator)
    in_quotes = re.compile(rf'(?:(?<=^)|(?<={mark}))"(?:[^"]|"")*"(?={mark}|\r*\n?$)')
    for part in parts:
        with open_text(part, dialect.encoding) as file:
            texts: list[str] = []
            reader = csv.reader(_noted(file, texts), delimiter=separator, strict=True)
            columns, start, bare = 0, 1, 0
            try:
                for row in reader:
                    columns = columns or len(row)
                    if row and len(row) != columns:
                        fix = f"look for {separator!r} in a text that is not in quotes"
                        return (
                            f"{part}: line {start} has {len(row)} values, the header {columns}: "
                            f"{fix if len(row) > columns else 'complete it'}"
                        )
                    text = "".join(texts)
                    if not row and text not in ("\n", "\r\n"):
                        return f"{part}: line {start} {_ALONE}"
                    bare = bare or ('"' in text and '"' in in_quotes.sub("", text) and start)
                    texts.clear()
                    start = reader.line_num + 1
            except csv.Error as error:
                return f"{part}: line {start} {_fault(error)}"
        if bare:
            says = "has a quote in a text without quotes around it"
            return f"{part}: line {bare} {says}: put them there, and double the one within"
    return ""


def _noted(lines: Iterable[str], texts: list[str]) -> Iterator[str]:
    for line in lines:
        texts.append(line)
        yield line


def _fault(error: csv.Error) -> str:
    return next((says for words, says in _FAULTS.items() if words in str(error)), str(error))


def explain(error: pl.exceptions.PolarsError, parts: list[Path], dialect: Csv) -> str:
    """Return what is wrong with a CSV file of which polars says ``error``, or nothing.

    Raises:
        ProjectError: it is in another encoding.
    """
    text = str(error)
    if re.search(r"utf-?8", text, re.IGNORECASE):
        for part in parts:
            if not is_text(part):
                raise not_text(part, dialect.encoding)
    return first_fault(parts, dialect) if _UNREAD.search(text) else ""
