"""How a CSV file is written, as far as its rows tell: encoding, separator and marks in numbers."""

import csv
from itertools import islice
from pathlib import Path

import polars as pl

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import Csv
from mlrepo.tables import csv_files
from mlrepo.tables.columns import parse_text, text
from mlrepo.tables.plain_text import is_text, marked, open_text
from mlrepo.tables.schema import Field

_LINES = 200
_SAMPLE = 2_000
_POINT = ((".", None), (",", None), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"))
# Where semicolons separate values, commas do not, as they stand in numbers: 1.000 is a thousand.
_COMMA = ((",", None), (",", "."), (".", None), (",", " "), (".", ","), (".", " "), (".", "'"))


def sniff(path: Path, missing: tuple[str, ...]) -> Csv:
    """Return how the file at ``path`` is written; values in ``missing`` are no numbers."""
    encoding = _encoding(path)
    separator = _separator(path, encoding)
    plainest = Csv(
        separator=separator, decimal=".", thousands=None, encoding=encoding, missing=missing
    )
    try:
        rows = csv_files.scan_csv([path], plainest).head(_SAMPLE).collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        found = csv_files.explain(error, [path], plainest)
        raise ProjectError(found or f"{path} is no CSV file that can be read") from None
    rows.columns = [str(number) for number in range(rows.width)]  # any names are right here
    texts = rows.select(text(name, plainest).alias(name) for name in rows.columns)
    marks = _COMMA if separator == ";" else _POINT
    dialects = [
        plainest.model_copy(update={"decimal": decimal, "thousands": thousands})
        for decimal, thousands in marks
    ]
    return max(dialects, key=lambda dialect: _numbers(texts, dialect))  # the first of the best


def _encoding(path: Path) -> str:
    return marked(path) or ("utf-8" if is_text(path) else "cp1252")


def _separator(path: Path, encoding: str) -> str:
    found = {}
    for separator in ",;\t|":
        with open_text(path, encoding) as file:
            lines = csv.reader(file, delimiter=separator)
            try:
                rows = [row for row in islice(lines, _LINES) if row]
            except csv.Error:  # which is reported where the rows are read
                rows = []
        widths = [len(row) for row in rows]
        even = widths.count(widths[0]) / len(widths) if widths else 0
        found[separator] = (even if widths and widths[0] > 1 else 0, widths[0] if widths else 0)
    return max(found, key=lambda separator: found[separator])


def _numbers(texts: pl.DataFrame, dialect: Csv) -> int:
    """Return how many columns are numbers, written so."""
    fields = [Field(name=name, type="number") for name in texts.columns]
    read = texts.select(
        parse_text(pl.col(field.name), field, dialect).count().alias(field.name) for field in fields
    ).row(0)
    there = texts.select(pl.all().count()).row(0)
    return sum(count == some > 0 for count, some in zip(read, there, strict=True))
