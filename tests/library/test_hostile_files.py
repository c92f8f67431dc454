"""Files that people break by hand: each has the right value, or is refused in our words.

A refusal names the file or the column and leaves no file behind.
"""

# ruff: noqa: E501 -- tables: one file a line

import gzip
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from mlrepo.adoption.dialect import sniff
from mlrepo.adoption.fields import infer
from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from penguins import prepare

from .conftest import TinyProject
from .test_hostile_tables import FOREIGN, MISSING, careful
from .test_real_tables import declare, params_for, proposed

INT, NUM, TEXT, BOOL, DAY, TIME = (
    {"name": "a", "type": kind}
    for kind in ("integer", "number", "string", "boolean", "date", "datetime")
)
ZONED = {**TIME, "timezone": "Europe/Berlin"}
SOUND = b"a,y\n1,0\n2,1\n"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyProject:
    """The same without a table and its schema, which each test writes."""
    monkeypatch.chdir(tmp_path)
    return TinyProject(tmp_path)


def refused(tiny: TinyProject, path: str, says: str, **csv: Any) -> None:
    """See that *prepare* refuses a table in our words and writes nothing."""
    before = sorted(Path().rglob("*"))
    with pytest.raises(ProjectError) as caught:
        prepare.main(params_for(tiny, path, **csv))
    assert re.search(says, str(caught.value)), caught.value
    assert not FOREIGN.search(str(caught.value))
    assert [path for path in Path().rglob("*") if path.is_file() and path not in before] == []


def sound(read: Callable[[], object]) -> None:
    """See that it works, or says in our words why it cannot."""
    try:
        read()
    except ProjectError as refusal:
        said = str(refusal)
    else:
        said = ""
    assert not FOREIGN.search(said)


def column(*cells: str) -> bytes:
    rows = (f"{cell},{n},{n % 2}" for n, cell in enumerate(cells))
    return "\n".join(["a,n,y", *rows, ""]).encode()


# What is read: the file, the field, the values of `a`, and data.csv.
READ: dict[str, tuple[bytes, dict[str, Any], list[Any], dict[str, Any]]] = {
    "doubled quotes": (b'a,y\n"x""y",0\n"""",1\n', TEXT, ['x"y', '"'], {}),
    "quotes within a bare text": (b'a,y\nx"y"z,0\n', TEXT, ['x"y"z'], {}),
    "no newline at the end": (b"a,y\n1,0\n2,1", INT, [1, 2], {}),
    "both ends of lines": (b"a,y\r\n1,0\n2,1\r\n", INT, [1, 2], {}),
    "empty lines everywhere": (b"\n\r\na,y\n\n\n1,0\n\n2,1\n\n", INT, [1, 2], {}),
    "a line of separators alone": (b"a,y\n,\n1,0\n", INT, [1], {}),
    "CR within a name": (b'"a\rb",a,y\n1,2,0\n3,4,1\n', INT, [2, 4], {}),
    "an end of line within a name": (b'"a\n\n""b",a,y\n1,2,0\n3,4,1\n', INT, [2, 4], {}),
    "ends of lines within texts": (b'a,y\n"1\r\n2",0\n"3\n4",1\n', TEXT, ["1\r\n2", "3\n4"], {}),
    "NUL in a text": (b"a,y\nx\0z,0\n", TEXT, ["x\0z"], {}),
    "BOM and a name in quotes": (b'\xef\xbb\xbf"a","y"\n1,0\n', INT, [1], {}),
    "UTF-16 without BOM": (SOUND.decode().encode("utf-16-le"), INT, [1, 2], {"encoding": "utf-16-le"}),
    "UTF-32": (SOUND.decode().encode("utf-32"), INT, [1, 2], {"encoding": "utf-32"}),
    "a cell of 200,000 letters": (b"a,y\n" + b"x" * 200_000 + b",0\n", TEXT, ["x" * 200_000], {}),
    "a cell of many lines": (b'a,y\n"' + b"x\n" * 20_000 + b'",0\n', TEXT, [("x\n" * 20_000).strip()], {}),
    "odd spaces around": (column("\u00a0x\u2003"), TEXT, ["x"], {}),
    "other ends of lines": (column("x\u2028y\u0085z"), TEXT, ["x\u2028y\u0085z"], {}),
    "numbers of all kinds": (column("+1", "-.5", "5.e3", "1E5"), NUM, [1, -0.5, 5000, 1e5], {}),
    "smallest numbers": (column("4.9e-324", "1e-400", "-0"), NUM, [5e-324, 0, 0], {}),
    "NaN of all kinds": (column("NaN", "-nan", "+NAN"), NUM, [None] * 3, {}),
    "ends of 64 bits": (column(f"{2**63 - 1}", f"{-(2**63)}"), INT, [2**63 - 1, -(2**63)], {}),
    "floats of 64 bits": (column(f"{2**53 + 1}.0"), INT, [2**53 + 1], {}),
    "TRUE with spaces": (column("TRUE ", " false", "1", "0"), BOOL, [True, False] * 2, {}),
    "a leap second": (column("2016-12-31T23:59:60"), TIME, [datetime(2017, 1, 1)], {}),
    "the last day": (column("9999-12-31"), DAY, [date(9999, 12, 31)], {}),
    "narrow spaces": (b"a;y\n1\xc2\xa0000;0\n2\xe2\x80\xaf500,5;1\n", NUM, [1000, 2500.5],
                      {"separator": ";", "decimal": ",", "thousands": " "}),
    "signs outside": (b"a,y\n-$ 4.50 %,0\n", {**NUM, "bareNumber": False}, [-4.5], {}),
    "a sign between digits": (b"a,y\n1%2,0\n1 2,1\n", {**NUM, "bareNumber": False}, [None] * 2, {}),
    "two packed parts in one": (gzip.compress(b"a,y\n1,0\n") + gzip.compress(b"2,1\n"), INT, [1, 2],
                                {"name": "t.csv.gz"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_an_odd_file_is_read(tiny: TinyProject, kind: str) -> None:
    content, field, values, given = READ[kind]
    csv = dict(given)
    name = csv.pop("name", "t.csv")
    Path(name).write_bytes(content)
    params = params_for(tiny, name, **csv)
    others = [f for f in proposed(params).values() if f["name"] not in ("a", "y")]
    declare(field, *({"name": other["name"], "type": "integer"} for other in others))
    assert careful(params)["a"].to_list() == values


@pytest.mark.parametrize("marks", [".^$*+?|", "\\()[]{}", "#'\x1f:- "])
def test_any_ascii_character_separates(tiny: TinyProject, marks: str) -> None:
    declare(TEXT)
    for mark in marks:
        Path("t.csv").write_text(f"a{mark}y\nx{mark}0\nw{mark}1\n", encoding="utf-8")
        assert careful(params_for(tiny, "t.csv", separator=mark)).rows() == [("x", 0), ("w", 1)]


ZIP = b"PK\x03\x04" + bytes(range(256))
# What is refused: the file, the field, what is said, and data.csv.
REFUSED: dict[str, tuple[bytes, dict[str, Any], str, dict[str, Any]]] = {
    "a quote that opens": (b'a,y\n"x,0\nz,1\n', TEXT, "t.csv: line 2 has a text in quotes that never ends", {}),
    "letters behind a quote": (b'a,y\nz,1\n"x"y,0\n', TEXT, "line 3 has a quote within a text in quotes: double", {}),
    "a quote behind a backslash": (b'a,y\n"x\\"y",0\n', TEXT, "line 2 has a quote within a text in quotes", {}),
    "a quote in a bare text": (b'a,y\n"ok, ""so""",1\n5" pipe,0\nz,1\n', TEXT, "line 3 has a quote in a text without", {}),
    "a longer line": (b"a,y\nx,0\nx,0,3\n", TEXT, "line 3 has 3 values, the header 2: look for ','", {}),
    "a shorter line": (b"a,y\nx,1\nz\n", TEXT, "line 3 has 1 values, the header 2: complete it", {}),
    "a shorter first line": (b"a,y\nz\nx,1\n", TEXT, "line 2 has 1 values, the header 2: complete it", {}),
    "a shorter line beside x1f": (b"a,y\nx\x1fz,0\nz\n", TEXT, "line 3 has 1 values", {}),
    "a title above": (b"Report\n\na,y\n1,0\n", TEXT, "other columns", {}),
    "only a header": (b"a,y", TEXT, "t.csv has a header and no rows", {}),
    "a header and an empty line": (b"a,y\n\n", TEXT, "t.csv has a header and no rows", {}),
    "CR as the end of lines": (b"a,y\r1,0\r2,1\r", INT, "t.csv: line 1 has CR alone", {}),
    "CR in the midst": (b"a,y\n1,0\r2,1\n3,1\n", INT, "line 2 has CR alone, which ends no line", {}),
    "NUL in a name": (b"a\0b,y\n1,0\n", TEXT, "t.csv has NUL bytes in its header", {}),
    "NUL alone": (b"\0" * 50, TEXT, "t.csv has NUL bytes in its header", {}),
    "no UTF-8": (b"a,y\n\xfc,0\n", TEXT, r"\(line 2\): .* perhaps to cp1252 \(Windows\) or latin-1", {}),
    "UTF-16 without BOM": (SOUND.decode().encode("utf-16-le"), INT, "perhaps to utf-16-le, as its first", {}),
    "the same, said wrongly": (SOUND.decode().encode("utf-16-be"), INT, "to utf-16-be", {"encoding": "utf-16"}),
    "UTF-32": (SOUND.decode().encode("utf-32"), INT, "perhaps to utf-32, as its first bytes say", {}),
    "half a letter": (SOUND.decode().encode("utf-16")[:-1], INT, "not utf-16 to its end: it is cut off", {"encoding": "utf-16"}),
    "no letter of Windows": (b"a,y\n\x81,0\n", TEXT, "to latin-1 or utf-16", {"encoding": "cp1252"}),
    "a wrong byte far down": (b"a,y\n" + b"x,0\n" * 3000 + b"\xff,1\n", TEXT, r"not in utf-8 \(line 3002\)", {}),
    "empty": (b"", TEXT, "t.csv is empty: it has not even a header", {}),
    "empty, packed": (gzip.compress(b""), TEXT, "t.csv.gz is empty", {"name": "t.csv.gz"}),
    "empty lines, packed": (zstd.compress(b"\n\n"), TEXT, "t.csv.zst is empty", {"name": "t.csv.zst"}),
    "packed and not named so": (gzip.compress(SOUND), INT, "t.csv is packed: let its name end in .csv.gz", {}),
    "packed twice": (gzip.compress(gzip.compress(SOUND)), INT, "once for each time", {"name": "t.csv.gz"}),
    "letters behind the packed": (gzip.compress(SOUND) + b"x", INT, "cannot be unpacked", {"name": "t.csv.gz"}),
    "Excel": (ZIP, TEXT, "t.csv is an Excel or ZIP file: save the table in it as CSV", {"encoding": "cp1252"}),
    "Parquet": (b"PAR1PAR1", TEXT, "t.csv is a Parquet file", {}),
    "the same name twice": (b"a, a ,y\n1,2,0\n", INT, "t.csv has two columns named 'a': rename one", {}),
    "no name twice": (b",a,,y\n1,2,3,0\n", INT, "t.csv has two columns named ''", {}),
    "a header of numbers": (b"1,2\n1,0\n3,1\n", INT, "the table has ['1', '2']".replace("[", r"\["), {}),
    "a separator of two bytes": ("a§y\n1§0\n".encode(), INT, "data.csv.separator is '§'.* write t.csv with", {"separator": "§"}),
    "a quote as separator": (b'a"y\n1"0\n', INT, "data.csv.separator is '\"'", {"separator": '"'}),
    "beyond floats": (column("1e400", "1"), NUM, "'a': 1 of 2 values are infinite, such as '1e400' in row 1", {}),
    "inf": (column("1", "-Infinity"), NUM, "infinite, such as '-Infinity' in row 2", {}),
    "an underscore": (column("1_000", "1"), INT, "no integer, such as '1_000' in row 1", {}),
    "Arabic digits": (column("١٢", "1"), INT, "no integer, such as '١٢'", {}),
    "another minus": (column("\u22121", "1"), NUM, "no number, such as '\u22121'", {}),
    "hexadecimal": (column("0x10", "1"), INT, "no integer, such as '0x10'", {}),
    "beyond 64 bits": (column(f"{2**63}", "1"), INT, "no integer, such as '9223372036854775808'", {}),
    "yes and no": (column("yes", "no"), BOOL, "2 of 2 values are no boolean, such as 'yes'", {}),
    "the 30th of February": (column("2024-02-30"), DAY, "no date, such as '2024-02-30'", {}),
    "the first day": (column("0001-01-01"), DAY, "no date, such as '0001-01-01'", {}),
    "a year of five digits": (column("+12024-01-01"), DAY, r"no date, such as '\+12024-01-01'", {}),
    "24 o'clock": (column("2024-01-01T24:00:00"), TIME, "no datetime, such as", {}),
    "a clock without zone": (column("2024-03-31T02:30:00"), ZONED, "no datetime, such as", {}),
    "a named zone": (column("2024-03-31T02:30:00 CET"), ZONED, "no datetime, such as", {}),
    "an offset of 25 hours": (column("2024-10-27T02:30:00+25:00"), ZONED, "no datetime", {}),
    "beyond the calendar": (column("0001-01-01T00:30:00+02:00"), ZONED, "no datetime", {}),
    "a format without its zone": (column("31.3.2024 02:30"), {**ZONED, "format": "%d.%m.%Y %H:%M"}, "'a' has the timezone .* %z", {}),
    "a format and no zone": (column("31.3.2024+0100"), {**TIME, "format": "%d.%m.%Y%z"}, "add timezone: UTC", {}),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_broken_file_is_refused_in_our_words(tiny: TinyProject, kind: str) -> None:
    content, field, says, given = REFUSED[kind]
    csv = dict(given)
    name = csv.pop("name", "t.csv")
    Path(name).write_bytes(content)
    declare(field, *([{"name": "n", "type": "integer"}] if content.startswith(b"a,n") else []))
    refused(tiny, name, says, **csv)
    sound(lambda: infer(load_params()))
    sound(lambda: sniff(Path(name), MISSING))
