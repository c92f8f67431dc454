"""Tables that hypothesis draws, read as they were drawn; LONG=1 draws ten times as many.

Whatever cannot be read is refused in our own words.
"""

import csv
import gzip
import io
import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from backports import zstd
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mlrepo.adoption.dialect import sniff
from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.tables.raw import RawTable, explain, refuse_short_lines

from .conftest import TinyProject
from .test_real_tables import declare, params_for, proposed, read

LONG = bool(os.environ.get("LONG"))
MISSING = ("", "NA")
# Words of libraries and of Python, which tell a user nothing.
FOREIGN = re.compile(
    r"polars|\w+Error|dtype|Traceback|could not|hint:|Series|malformed|n_extra|n_missing"
    r"|(?<!\.)parquet:|new-line|delimiter|invalid utf|unwrap",
    re.IGNORECASE,
)
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstd.compress,
}
KINDS = ("integer", "number", "string", "date", "datetime", "boolean")


def examples(number: int) -> settings:
    many = number * 10 if LONG else number
    return settings(
        max_examples=many, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )


def careful(params: LibraryParams) -> pl.DataFrame:
    """Return the rows as *prepare* sees them, with its refusals."""
    raw = RawTable.open(params.data)
    try:
        rows = raw.rows.collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise explain(error, params.data) from None
    if rows.to_series(-1).null_count() and ".csv" in params.data.path:
        refuse_short_lines(params.data)
    return rows


def texts(letters: str) -> Any:
    text = st.text(st.sampled_from(letters), max_size=8).map(str.strip)
    return text.filter(lambda text: text not in MISSING)


def values(letters: str) -> dict[str, Any]:
    times = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31))
    return {
        "integer": st.integers(-(2**63), 2**63 - 1),
        "number": st.floats(allow_nan=False, allow_infinity=False),
        "string": texts(letters),
        "date": times.map(datetime.date),
        "datetime": times,
        "boolean": st.booleans(),
    }


def columns(letters: str, rows: int) -> Any:
    """Draw the values of a column of each kind, with gaps."""
    return st.fixed_dictionaries(
        {
            kind: st.lists(st.none() | each, min_size=rows, max_size=rows)
            for kind, each in values(letters).items()
        }
    )


def number(value: float, decimal: str, thousands: str | None) -> str:
    marks = {",": thousands or "", ".": decimal}
    return "".join(marks.get(letter, letter) for letter in f"{value:,}")


def written(
    drawn: dict[str, list[Any]], names: dict[str, str], dialect: dict[str, Any], style: Any
) -> str:
    """Write a table by Python's csv module; return its name."""
    quoting, end, suffix = style

    def cell(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "" if value is None else str(value)
        return number(value, dialect["decimal"], dialect["thousands"])

    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=dialect["separator"], lineterminator=end, quoting=quoting)
    writer.writerow([*(names[kind] for kind in drawn), "y"])
    for place, row in enumerate(zip(*drawn.values(), strict=True)):
        writer.writerow([*map(cell, row), str(place)])
    name = f"t.csv{suffix}"
    Path(name).write_bytes(PACKED[suffix](file.getvalue().encode(dialect["encoding"])))
    return name


LETTERS = {
    "utf-8": "aZ0 \",;|\t\n\r'.#-é€漢\u200b",
    "utf-8-sig": 'aZ",\n漢',
    "utf-16": 'aZ",\n漢\U0001f600',
    "utf-16-le": 'aZ",\n漢\u0a0d',
    "cp1252": 'aZ";\né€',
    "latin-1": 'aZ"|\né\x85',
    "utf-32": 'aZ",\n漢',
}
NAMES = dict(zip(KINDS, ("in;t", " flo at", 'te"xt', "da\nte", "^mo,ment", "b|l"), strict=True))
STYLES = st.tuples(
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(list(PACKED)),
)
MARKS = st.sampled_from([(".", None), (",", None), (".", ","), (",", "."), (",", " "), (".", "'")])


@st.composite
def dialects(draw: Any, separators: str) -> dict[str, Any]:
    decimal, thousands = draw(MARKS)
    return {
        "separator": draw(st.sampled_from(separators)),
        "decimal": decimal,
        "thousands": thousands,
        "encoding": draw(st.sampled_from(list(LETTERS))),
    }


@examples(50)
@given(data=st.data(), dialect=dialects(",;\t|^.$*+?()[]\\#~: "), style=STYLES)
def test_a_table_is_read_as_it_was_drawn(
    tiny: TinyProject, data: Any, dialect: dict[str, Any], style: Any
) -> None:
    drawn = data.draw(columns(LETTERS[dialect["encoding"]], data.draw(st.integers(1, 5))))
    params = params_for(tiny, written(drawn, NAMES, dialect, style), **dialect)
    declare(*({"name": name.strip(), "type": kind} for kind, name in NAMES.items()))
    found = careful(params)
    assert found["y"].to_list() == list(range(found.height))
    assert {kind: found[name.strip()].to_list() for kind, name in NAMES.items()} == drawn


@examples(30)
@given(data=st.data(), dialect=dialects(",;\t|#"), style=STYLES)
def test_a_proposal_reads_the_values_that_were_drawn(
    tiny: TinyProject, data: Any, dialect: dict[str, Any], style: Any
) -> None:
    drawn = data.draw(columns(LETTERS[dialect["encoding"]], data.draw(st.integers(1, 5))))
    names = {kind: kind for kind in KINDS}
    params = params_for(tiny, written(drawn, names, dialect, style), **dialect)
    fields = proposed(params)
    assume(not any(" or " in str(field.get("format")) for field in fields.values()))
    found = read(params)
    for kind in KINDS:
        gaps = [value is None for value in drawn[kind]]
        assert found[kind].is_null().to_list() == gaps
        if fields[kind]["type"] == kind and "format" not in fields[kind]:
            assert found[kind].to_list() == drawn[kind]
        else:  # a text that looks like something else, or no value at all
            assert kind == "string" or all(gaps)


@examples(30)
@given(data=st.data(), dialect=dialects(",;\t|"), style=STYLES)
def test_a_sniffed_dialect_reads_the_same_numbers(
    tiny: TinyProject, data: Any, dialect: dict[str, Any], style: Any
) -> None:
    drawn = {
        "integer": data.draw(st.lists(st.integers(1000, 10**12), min_size=2, max_size=4)),
        # With both marks, as one number of one mark could be either.
        "number": [1234567.25, *data.draw(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3))],
        "string": data.draw(st.lists(texts(LETTERS[dialect["encoding"]]), min_size=4, max_size=4)),
    }
    rows = min(map(len, drawn.values()))
    drawn = {kind: column[:rows] for kind, column in drawn.items()}
    name = written(drawn, {kind: kind for kind in KINDS}, dialect, style)
    found = sniff(Path(name), MISSING)
    assert found.separator == dialect["separator"]
    params = params_for(tiny, name, **found.model_dump(mode="json"))
    declare(*({"name": kind, "type": kind} for kind in drawn))
    table = careful(params)
    assert {kind: table[kind].to_list() for kind in ("integer", "number")} == {
        kind: drawn[kind] for kind in ("integer", "number")
    }


def bare(cell: str | None) -> str:
    return re.sub("\r(?!\n)", "\v", cell or "").strip(" \r\n\v\x1f")


@examples(120)
@given(text=st.text(st.sampled_from('a1",;\n\r \x1f\0'), max_size=24).map(lambda it: it + "\n"))
def test_any_letters_are_read_as_the_csv_module_reads_them_or_refused(
    tiny: TinyProject, text: str
) -> None:
    Path("t.csv").write_bytes(f"a,y\n{text}".encode())
    fields = [{"name": name, "type": "string"} for name in "ay"]
    Path("schema.yaml").write_text(yaml.dump({"fields": fields}), encoding="utf-8")
    refusal = ""
    try:
        found = careful(params_for(tiny, "t.csv", missing=[""]))
    except ProjectError as error:
        refusal = str(error)
    if refusal:
        assert re.match(r"t\.csv: line \d+ has", refusal)
        assert not FOREIGN.search(refusal)
        return
    # CR alone, which ends no line here, is an error to the csv module.
    lines = io.StringIO(re.sub("\r(?!\r*\n)", "\v", text), newline="\n")
    rows = [[bare(cell) for cell in row] for row in csv.reader(lines)]
    got = [[bare(cell) for cell in row] for row in found.rows()]
    assert [row for row in got if any(row)] == [row for row in rows if any(row)]
