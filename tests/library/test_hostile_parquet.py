"""Parquet of all types by pandas, polars and pyarrow, and broken Parquet."""

# ruff: noqa: E501 -- tables: one file a line

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrepo.adoption.fields import infer

from .conftest import TinyProject
from .test_hostile_files import refused, sound
from .test_hostile_tables import careful, examples, values
from .test_real_tables import declare, params_for, proposed, read

UNITS = ("ms", "us", "ns")
ZONES = (None, "UTC", "Europe/Berlin", "Asia/Kathmandu")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyProject:
    """The same without a table and its schema, which each test writes."""
    monkeypatch.chdir(tmp_path)
    return TinyProject(tmp_path)


def lists(each: Any) -> Any:
    return st.lists(st.none() | each, min_size=3, max_size=3)


# Milliseconds, from 1700 to 2200, which each unit has.
MOMENTS = st.integers(-8_520_336_000_000, 7_258_118_400_000)


@examples(20)
@given(data=st.data(), zone=st.sampled_from(ZONES), unit=st.sampled_from(UNITS))
def test_columns_of_polars_and_pandas_are_read_as_they_were_drawn(
    tiny: TinyProject, data: Any, zone: str | None, unit: str
) -> None:
    kinds = values('aZ0 ",;\n\r\0é漢')
    drawn = {kind: data.draw(lists(each)) for kind, each in kinds.items() if kind != "datetime"}
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    moments = data.draw(lists(MOMENTS))
    times = [None if n is None else epoch + timedelta(milliseconds=n) for n in moments]
    place = ZoneInfo(zone) if zone else None
    truth = [t and (t.astimezone(place) if place else t.replace(tzinfo=None)) for t in times]
    drawn |= {"category": data.draw(lists(st.sampled_from(["a", "b é"]))), "datetime": truth}
    frame = pl.DataFrame(
        {
            **drawn,
            "category": pl.Series(drawn["category"], dtype=pl.Categorical),
            "string": pl.Series(drawn["string"], dtype=pl.String),
            "integer": pl.Series(drawn["integer"], dtype=pl.Int64),
            "number": pl.Series(drawn["number"], dtype=pl.Float64),
            "boolean": pl.Series(drawn["boolean"], dtype=pl.Boolean),
            "date": pl.Series(drawn["date"], dtype=pl.Date),
            "datetime": pl.Series(moments, dtype=pl.Int64).cast(pl.Datetime("ms", zone)),
            "y": [0, 1, 0],
        }
    ).with_columns(pl.col("datetime").dt.cast_time_unit(unit))  # type: ignore[arg-type]
    frame.write_parquet("t.parquet")
    pandas = pd.DataFrame(
        {
            "integer": pd.array(drawn["integer"], dtype="Int64"),
            "number": pd.array(drawn["number"], dtype="Float64"),
            "string": pd.array(drawn["string"], dtype="string"),
            "boolean": pd.array(drawn["boolean"], dtype="boolean"),
            "category": pd.Categorical(drawn["category"], categories=["a", "b é"]),
            "datetime": pd.Series(pd.to_datetime(moments, unit="ms", utc=True))
            .dt.tz_convert(zone)
            .dt.as_unit(unit),
            "y": [0, 1, 0],
        }
    )
    pandas.to_parquet("p.parquet")
    for name, kept in (("t.parquet", list(drawn)), ("p.parquet", list(pandas.columns[:-1]))):
        params = params_for(tiny, name)
        assert proposed(params)["datetime"].get("timezone") == zone
        found = read(params)
        assert {kind: found[kind].to_list() for kind in kept} == {
            kind: drawn[kind] for kind in kept
        }


def array(kind: Any, *cells: Any) -> Any:
    return pa.array(cells, kind)


D38, BIG = Decimal("12345678901234567890.5"), 2**63
# The column, the type that is proposed, and the values that are read.
TYPES: dict[str, tuple[Any, str, list[Any] | None]] = {
    "decimals": (array(pa.decimal128(38, 2), Decimal("1.10"), None), "number", [1.1, None]),
    "long decimals": (array(pa.decimal128(38, 1), D38, D38), "number", [float(D38)] * 2),
    "half floats": (array(pa.float16(), 1.5, None), "number", [1.5, None]),
    "small integers": (array(pa.uint8(), 255, None), "integer", [255, None]),
    "large unsigned": (array(pa.uint64(), BIG, None), "string", [str(BIG), None]),
    "dictionary of integers": (array(pa.int64(), 7, 7).dictionary_encode(), "integer", [7, 7]),
    "dictionary of texts": (array(None, "a", None).dictionary_encode(), "string", ["a", None]),
    "large texts": (array(pa.large_string(), "x" * 200_000, ""), "string", ["x" * 200_000, ""]),
    "the ends of dates": (array(None, date(1, 1, 1), date(9999, 12, 31)), "date",
                          [date(1, 1, 1), date(9999, 12, 31)]),
    "seconds": (array(pa.timestamp("s"), 0, None), "datetime", [datetime(1970, 1, 1), None]),
    "an hour that is there twice": (
        array(pa.timestamp("us", "Europe/Berlin"), 1729989000000000, 1729992600000000), "datetime",
        [datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN), datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1)]),
    "all null": (array(pa.null(), None, None), "any", None),
    "all NaN": (array(pa.float64(), float("nan"), float("nan")), "number", [None, None]),
    "lists": (array(None, [1], None), "any", None),
    "structs": (array(None, {"x": 1}, {"x": 2}), "any", None),
    "maps": (array(pa.map_(pa.string(), pa.int64()), [("k", 1)], None), "any", None),
    "bytes": (array(pa.binary(), b"\xff", None), "any", None),
    "clocks": (array(None, time(1, 2), None), "any", None),
    "durations": (array(None, timedelta(1), None), "any", None),
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_of_parquet_is_read_or_left_out(tiny: TinyProject, kind: str) -> None:
    cells, proposal, truth = TYPES[kind]
    pq.write_table(pa.table({"a": cells, "y": [0, 1]}), "t.parquet")
    params = params_for(tiny, "t.parquet")
    assert proposed(params)["a"]["type"] == proposal
    found = careful(params)
    assert found["a"].to_list() == truth if truth else found.columns == ["y"]


def test_whole_decimals_are_exact_integers(tiny: TinyProject) -> None:
    whole = [2**53 + 1, -(2**63), None]
    cells = array(pa.decimal128(22, 1), *(n and Decimal(n) for n in whole), Decimal("1.5"))
    pq.write_table(pa.table({"a": cells, "y": [0, 1, 0, 1]}), "t.parquet")
    declare({"name": "a", "type": "integer"})
    assert careful(params_for(tiny, "t.parquet"))["a"].to_list() == [*whole, None]
    refused(tiny, "t.parquet", "'a': 1 of 4 values are no integer, such as .*1.5")


def test_indexes_of_pandas_are_columns_or_numbers_of_rows(tiny: TinyProject) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "y": [0, 1, 0]})
    for index, columns in (
        (pd.Index([7, 9, 8], name="k"), ["a", "y", "k"]),
        (pd.Index(["p", "q", "r"]), ["a", "y", "__index_level_0__"]),
        (
            pd.MultiIndex.from_tuples([(1, "x"), (2, "y"), (3, "z")]),
            ["a", "y", "__index_level_1__"],
        ),
        (pd.RangeIndex(0, 6, 2), ["a", "y"]),
    ):
        frame.set_axis(index).to_parquet("t.parquet")
        params = params_for(tiny, "t.parquet")
        proposed(params)
        assert read(params).columns == columns


def put(content: bytes) -> Callable[[], Any]:
    return lambda: Path("t.parquet").write_bytes(content)


def cells(kind: Any, *numbers: int) -> Callable[[], Any]:
    rest = range(2 - len(numbers))
    table = {"a": pa.array([*numbers, *rest], pa.int64()).cast(kind), "n": [1, 2], "y": [0, 1]}
    return lambda: pq.write_table(pa.table(table), "t.parquet")


def doubled() -> None:
    arrays = [pa.array([1]), pa.array([2]), pa.array([0])]
    pq.write_table(pa.Table.from_arrays(arrays, names=["a", "a", "y"]), "t.parquet")


def cut_off() -> None:
    pl.DataFrame({"a": [1], "y": [0]}).write_parquet("t.parquet")
    put(Path("t.parquet").read_bytes()[:-20])()


def wide_decimals() -> None:
    kind = pa.decimal256(60, 2)
    pq.write_table(pa.table({"a": pa.array([Decimal(1)], kind), "y": [0]}), "t.parquet")


def no_text() -> None:
    ends, letters = pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfe")
    wrong = pa.Array.from_buffers(pa.string(), 2, [None, ends, letters])
    pq.write_table(pa.table({"a": wrong, "y": [0, 1]}), "t.parquet")


NONE, GONE = "t.parquet is no Parquet file that can be read", "t.parquet: the column 'a' cannot be"
BROKEN: dict[str, tuple[Callable[[], Any], str, str]] = {
    "empty": (put(b""), "string", "t.parquet is empty"),
    "CSV": (put(b"a,y\n1,0\n"), "string", NONE),
    "marks alone": (put(b"PAR1PAR1"), "string", NONE),
    "Arrow": (lambda: pl.DataFrame({"a": [1]}).write_ipc("t.parquet"), "integer", NONE),
    "cut off": (cut_off, "integer", NONE),
    "one name twice": (doubled, "integer", NONE),
    "an unknown zone": (cells(pa.timestamp("us", "Mars/Olympus")), "datetime", NONE),
    "no rows": (lambda: pl.DataFrame({"a": [], "y": []}, {"a": pl.Int64, "y": pl.Int64}).write_parquet("t.parquet"), "integer", "t.parquet has a header and no rows"),
    "no columns": (lambda: pl.DataFrame().write_parquet("t.parquet"), "integer", "which the table lacks"),
    "decimals of 60 digits": (wide_decimals, "number", r"'a' is Decimal.*60.* declare the type any"),
    "texts that are no UTF-8": (no_text, "string", GONE),
    "a date beyond the calendar": (lambda: pq.write_table(pa.table({"a": pa.array([2**30, 0], pa.int32()).cast(pa.date32()), "n": [1, 2], "y": [0, 1]}), "t.parquet"), "date", "'a': 1 of 2 values are no date, such as '1073741824' in row 1"),
    "the year 10000": (cells(pa.timestamp("us"), 253402300800000000), "datetime", "no datetime, such as '253402300800000000' in row 1"),
    "the year 0": (cells(pa.timestamp("us", "UTC"), 0, -62135596800000001), "datetime", "no datetime, such as '-62135596800000001' in row 2"),
    "the last number": (cells(pa.timestamp("ms"), 2**63 - 1), "datetime", "no datetime, such as"),
    "a zone that is not there": (cells(pa.timestamp("us")), "zone", "the column 'a' has no zone in the table"),
    "booleans as integers": (cells(pa.bool_()), "integer", "'a' is Boolean in the table, and integer"),
    "texts as numbers": (cells(pa.string()), "number", "'a' is String in the table, and number"),
    "times as dates": (cells(pa.timestamp("us")), "date", "'a' is Datetime.* in the table, and date"),
    "floats beyond integers": (lambda: pl.DataFrame({"a": [2.0**63, 1.0], "y": [0, 1]}).write_parquet("t.parquet"), "integer", "1 of 2 values are no integer"),
    "infinite": (lambda: pl.DataFrame({"a": [float("-inf"), 1.0], "y": [0, 1]}).write_parquet("t.parquet"), "number", "1 of 2 values are infinite"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_parquet_is_refused_in_our_words(tiny: TinyProject, kind: str) -> None:
    write, declared, says = BROKEN[kind]
    write()
    zone = {"timezone": "UTC"} if declared == "zone" else {}
    field = {"name": "a", "type": "datetime" if zone else declared, **zone}
    others = (
        [{"name": "n", "type": "integer"}] if b"\x01n" in Path("t.parquet").read_bytes() else []
    )
    declare(field, *others)
    refused(tiny, "t.parquet", says)
    sound(lambda: infer(params_for(tiny, "t.parquet")))
