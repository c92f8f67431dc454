"""Open the raw table, a file or a folder of parts, without loading it."""

import csv
import os
import re
from pathlib import Path

import polars as pl

from .csv_lines import refuse_short, unclosed, undecodable, uneven
from .errors import ProjectError
from .params import Csv, Data

SUFFIXES = (".csv", ".parquet")
# What polars says of lines that are longer or shorter than the header.
_UNEVEN = ("more fields", "not specified in schema", "not found in CSV file")
_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


def scan(data: Data) -> pl.LazyFrame:
    """Return the raw table as a lazy frame.

    Columns of CSV files are texts as they stand in the file; columns of Parquet files have the
    types of the file.

    Raises:
        ProjectError: if the table is missing, empty, of another kind or its header is broken.
    """
    parts = find_parts(Path(data.path))
    if parts[0].suffix == ".csv":
        return _scan_csv(parts, data.csv)
    return _scan_parquet(parts)


def refuse_short_lines(data: Data) -> None:
    """Refuse a line of a CSV table that has fewer values than the header.

    Raises:
        ProjectError: naming the first such line.
    """
    parts = find_parts(Path(data.path))
    header, lines = _read_header(parts[0], data.csv.separator)
    refuse_short(parts, data.csv.separator, len(header), lines)


def is_csv(data: Data) -> bool:
    """Whether the table consists of CSV files."""
    return find_parts(Path(data.path))[0].suffix == ".csv"


def find_parts(path: Path) -> list[Path]:
    """Return the files of a table in the order of their names.

    Raises:
        ProjectError: if there is none, or if they are of two kinds.
    """
    if not path.exists():
        raise ProjectError(
            f"{path} does not exist: `dvc pull` brings data that others pushed; "
            "data.path in params.yaml says where the table is"
        )
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    parts = [file for file in files if file.suffix in SUFFIXES]
    if not parts:
        raise ProjectError(f"{path} is no table: it must be a .csv or .parquet file or a folder")
    if len({part.suffix for part in parts}) > 1:
        raise ProjectError(f"{path} holds both CSV and Parquet files: keep one kind")
    for part in parts:
        if part.stat().st_size == 0:
            raise ProjectError(f"{part} is empty: it has not even a header")
    return parts


def _scan_csv(parts: list[Path], dialect: Csv) -> pl.LazyFrame:
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
    duplicates = sorted({name for name in header if header.count(name) > 1})
    if duplicates:
        raise ProjectError(f"{path} has two columns named '{duplicates[0]}': rename one")
    if len(header) == 1:
        for other, word in _SEPARATORS.items():
            if other != separator and other in header[0]:
                raise ProjectError(
                    f"{path} seems to be separated by {word}: set data.csv.separator to {other!r}"
                )
    return header, lines


def _scan_parquet(parts: list[Path]) -> pl.LazyFrame:
    schemas = []
    for part in parts:
        try:
            schemas.append(pl.read_parquet_schema(part))
        except pl.exceptions.PolarsError as error:
            raise ProjectError(f"{part} is no Parquet file: {first_line(error)}") from None
    for part, schema in zip(parts, schemas, strict=True):
        if schema != schemas[0]:
            raise ProjectError(f"{part} has other columns or types than {parts[0]}")
    # polars reads at least eight row groups ahead, which is for files that are far away.
    ahead = max(1, pl.thread_pool_size() // 2)
    os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", str(ahead))
    return pl.scan_parquet(parts, glob=False, hive_partitioning=False)


def explain(error: pl.exceptions.PolarsError, data: Data) -> ProjectError:
    """Turn what polars says of a broken file into words that name the file and the mend."""
    text, parts = str(error), find_parts(Path(data.path))
    if re.search(r"utf-?8", text, re.IGNORECASE):
        return ProjectError(f"{data.path} is not UTF-8{undecodable(parts)}: convert it first")
    found = ""
    if "as dtype `str`" in text:
        found = unclosed(parts, data.csv.separator)
    elif any(words in text for words in _UNEVEN):
        found = uneven(parts, data.csv.separator)
    if found:
        return ProjectError(found)
    return ProjectError(f"{data.path} cannot be read: {first_line(error)}")


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, which is the part for people."""
    return (str(error).splitlines() or [type(error).__name__])[0]
