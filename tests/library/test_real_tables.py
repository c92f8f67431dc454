"""Tables as offices, exports and databases write them: read as pandas reads them, or refused."""

import gzip
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
import pytest
from backports import zstd

from mlrepo.adoption.fields import infer
from mlrepo.commands.project import schema
from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import MODEL
from mlrepo.learning import model_file
from mlrepo.prediction.batches import Input
from mlrepo.prediction.predictor import Predictor
from mlrepo.tables.raw import RawTable
from mlrepo.tables.schema import load_schema
from penguins import evaluate, prepare, train

from .conftest import CSV, TinyProject

TARGET = {"name": "y", "type": "integer"}


def params_for(tiny: TinyProject, path: str, /, **csv: Any) -> LibraryParams:
    """Return params of the table at `path` with the target y."""
    return tiny.set(
        {
            "data.path": path,
            "data.target": "y",
            "data.id": [],
            "data.features.exclude": [],
            "data.csv": {**CSV, **csv},
        }
    )


def declare(*fields: dict[str, Any]) -> None:
    """Write a schema of these fields and the target."""
    text = yaml.dump({"fields": [*fields, TARGET]})
    Path("schema.yaml").write_text(text, encoding="utf-8")


def read(params: LibraryParams) -> pl.DataFrame:
    """Return the rows with the declared types."""
    return RawTable.open(params.data).rows.collect()


def proposed(params: LibraryParams) -> dict[str, dict[str, Any]]:
    """Return the fields of the proposal by their names, with what it says of each."""
    proposal = infer(params)
    proposal.write(params.data.path, Path("schema.yaml"))
    found = proposal.as_dict()
    return {field["name"]: field for field in found["columns"]}


def write(text: str, encoding: str = "utf-8", name: str = "t.csv") -> str:
    """Write a text file."""
    Path(name).write_bytes(text.encode(encoding))
    return name


# Numbers


def test_a_point_is_no_decimal_where_a_comma_is(tiny: TinyProject) -> None:
    table = write("a;y\n999;0\n1.000;1\n1.001;0\n500;1\n")
    params = params_for(tiny, table, separator=";", decimal=",")
    declare({"name": "a", "type": "number"})
    raw = RawTable.open(params.data)
    assert raw.rows.collect()["a"].to_list() == [999.0, None, None, 500.0]
    assert [column.parsed for column in raw.columns] == [True, True]  # so that null is refused
    found = proposed(params)["a"]
    assert found["type"] == "string"
    assert found["odd"] == ["numbers, with thousands: '.' in data.csv of params.yaml"]
    params = params_for(tiny, table, separator=";", decimal=",", thousands=".")
    assert proposed(params)["a"]["type"] == "integer"
    truth = pd.read_csv(table, sep=";", decimal=",", thousands=".")
    assert read(params)["a"].to_list() == truth["a"].tolist() == [999, 1000, 1001, 500]


@pytest.mark.parametrize(("decimal", "thousands"), [(".", ","), (",", "."), (",", " "), (".", "'")])
def test_thousands_are_read_as_pandas_reads_them(
    tiny: TinyProject, decimal: str, thousands: str
) -> None:
    numbers = [0.5, 12.25, 999.0, 1000.0, 1234.5, 1234567.75, -9876543.125]
    texts = [f"{n:,.3f}".translate({44: thousands, 46: decimal}) for n in numbers]
    table = write("a|y\n" + "".join(f"{text}|0\n" for text in texts))
    params = params_for(tiny, table, separator="|", decimal=decimal, thousands=thousands)
    assert proposed(params)["a"]["type"] == "number"
    truth = pd.read_csv(table, sep="|", decimal=decimal, thousands=thousands)
    assert read(params)["a"].to_list() == truth["a"].tolist() == numbers


@pytest.mark.parametrize("text", ["1,00", "12,34", "1234,567", ",123", "1,2345", "1.5,000"])
def test_a_mark_in_no_place_of_thousands_makes_no_number(tiny: TinyProject, text: str) -> None:
    params = params_for(tiny, write(f'a;y\n"{text}";0\n'), separator=";", thousands=",")
    declare({"name": "a", "type": "number"})
    assert read(params)["a"].to_list() == [None]


@pytest.mark.parametrize(
    ("texts", "csv", "numbers"),
    [
        (["$4,152.91", "$12.50", "-$1.00"], {"thousands": ","}, [4152.91, 12.5, -1.0]),
        (["-6.3%", "10%", "0.5 %"], {}, [-6.3, 10, 0.5]),
        (["1.341,75 €", "2,50 €"], {"thousands": ".", "decimal": ","}, [1341.75, 2.5]),
    ],
)
def test_signs_of_currencies_and_percents_are_cut_where_the_schema_says_so(
    tiny: TinyProject, texts: list[str], csv: dict[str, Any], numbers: list[float]
) -> None:
    table = write("a;y\n" + "".join(f"{text};0\n" for text in texts))
    params = params_for(tiny, table, separator=";", **csv)
    found = proposed(params)["a"]
    assert (found["type"], found["bareNumber"]) == ("number", False)
    assert "signs of currencies and % are cut" in found["odd"][0]
    assert read(params)["a"].to_list() == numbers
    declare({"name": "a", "type": "number"})
    assert read(params)["a"].to_list() == [None] * len(texts)


@pytest.mark.parametrize("nothing", ["-", "N/A", "#N/A"])
def test_what_keeps_a_column_from_being_integers_is_told_with_its_fix(
    tiny: TinyProject, nothing: str
) -> None:
    values = [*map(str, range(19)), nothing]
    table = write("Visits,y\n" + "".join(f"{value},0\n" for value in values))
    found = proposed(params_for(tiny, table))["Visits"]
    assert found["type"] == "string"
    assert found["odd"] == [
        f"all but 5.0% read as integer; the rest are '{nothing}': if they are no values, add them "
        f"to data.csv.missing in params.yaml: ['{nothing}']"
    ]
    params = params_for(tiny, table, missing=["", nothing])
    assert proposed(params)["Visits"]["type"] == "integer"
    truth = pd.read_csv(table, na_values=[nothing], keep_default_na=False)
    assert read(params)["Visits"].to_list()[:-1] == truth["Visits"].tolist()[:-1]


def test_odd_values_of_which_some_may_be_no_values_are_told_with_both_fixes(
    tiny: TinyProject,
) -> None:
    values = [*map(str, range(38)), "-", "k.A."]
    table = write("Visits,y\n" + "".join(f"{value},0\n" for value in values))
    assert proposed(params_for(tiny, table))["Visits"]["odd"] == [
        "all but 5.0% read as integer; the rest are '-', 'k.A.': add those that are no values to "
        "data.csv.missing in params.yaml, correct the others"
    ]


def test_integers_with_gaps_as_pandas_writes_them_are_integers(tiny: TinyProject) -> None:
    pandas = pd.DataFrame({"a": [181, None, 7], "y": [0, 1, 0]})
    pandas.to_csv("t.csv", index=False)
    pandas.to_parquet("t.parquet")
    for table in ("t.csv", "t.parquet"):
        params = params_for(tiny, table)
        declare({"name": "a", "type": "integer", "constraints": {"maxMissing": 0.5}})
        assert read(params)["a"].to_list() == [181, None, 7]
    Path("t.csv").write_text("a,y\n181.5,0\n", encoding="utf-8")
    assert read(params_for(tiny, "t.csv"))["a"].to_list() == [None]


@pytest.mark.parametrize("texts", [["01", "12"], ["08", "09"], ["01", "08"], ["007", "1"]])
def test_codes_stay_texts_as_a_feature_and_as_a_target(tiny: TinyProject, texts: list[str]) -> None:
    table = write("a,y\n" + "".join(f"{text},{text}\n" for text in texts * 3))
    params = params_for(tiny, table)
    found = proposed(params)
    assert [found[name]["type"] for name in "ay"] == ["string", "string"]
    assert load_schema(Path("schema.yaml")).fields[1].constraints.enum == tuple(sorted(texts))
    assert read(params)["y"].to_list() == texts * 3


def test_codes_are_learned_and_predicted_as_they_stand(tiny: TinyProject) -> None:
    codes = ["01", "08", "09"]
    table = write("a,n,y\n" + "".join(f"0{i % 3 + 7},{i},{codes[i % 3]}\n" for i in range(60)))
    params = params_for(tiny, table)
    tiny.propose()
    for stage in (prepare, train, evaluate):
        stage.main(params)
    model = model_file.load(MODEL)
    assert model.classes_.tolist() == codes
    x = pd.read_csv(table, dtype={"a": str, "y": str})
    predicted = model.predict(x[list(model.feature_names_in_)].astype({"n": float}))
    assert predicted.tolist() == x["y"].tolist()


def test_allowed_values_are_of_the_columns_type(tiny: TinyProject) -> None:
    rules = {"name": "a", "type": "string", "constraints": {"enum": ["x", 1]}}
    declare(rules)
    with pytest.raises(ProjectError, match=r"'a' is a string and its enum has 1, .* in quotes"):
        load_schema(Path("schema.yaml"))


def test_integers_beyond_64_bits_are_exact_as_texts(tiny: TinyProject) -> None:
    ids = [2**64 - 1 - 12345 * n for n in range(80)]
    write("id,y\n" + "".join(f"{each},{each % 2}\n" for each in ids))
    pl.DataFrame({"id": pl.Series(ids, dtype=pl.UInt64), "y": [0] * 80}).write_parquet("t.parquet")
    for table in ("t.csv", "t.parquet"):
        params = params_for(tiny, table)
        found = proposed(params)["id"]
        assert found["type"] == "string"
        assert "more than 64 bits" in found["odd"][0]
        assert [int(text) for text in read(params)["id"]] == ids


def test_integers_of_64_bits_are_exact_and_told(tiny: TinyProject) -> None:
    ids = [2**63 - 1 - n for n in range(80)]
    params = params_for(tiny, write("id,y\n" + "".join(f"{each},0\n" for each in ids)))
    found = proposed(params)["id"]
    assert found["type"] == "integer"
    assert "beyond 2^53" in found["odd"][0]
    assert read(params)["id"].to_list() == ids


# Times


def test_times_with_offsets_are_kept_in_a_zone(tiny: TinyProject) -> None:
    texts = ["2024-03-01T00:00:00Z", "2024-03-01T02:00:00+02:00", "2024-07-01 12:30:15.5-0500"]
    table = write("t,y\n" + "".join(f"{text},0\n" for text in texts))
    params = params_for(tiny, table)
    found = proposed(params)["t"]
    assert (found["type"], found["timezone"]) == ("datetime", "UTC")
    truth = [pd.Timestamp(text).tz_convert("UTC").to_pydatetime() for text in texts]
    assert read(params)["t"].to_list() == truth
    declare({"name": "t", "type": "datetime", "timezone": "Europe/Berlin"})
    local = read(params)["t"]
    assert local.to_list() == truth
    assert local.dt.hour().to_list() == [1, 1, 19]
    declare({"name": "t", "type": "datetime"})
    assert read(params)["t"].to_list() == [None] * 3


def test_a_zone_of_parquet_is_kept_and_bounds_are_times_in_it(tiny: TinyProject) -> None:
    zone = ZoneInfo("Europe/Berlin")
    times = [datetime(2024, 3, 1, 12, tzinfo=zone), datetime(2024, 7, 1, 12, tzinfo=zone)]
    pl.DataFrame({"t": times, "y": [0, 1]}).write_parquet("t.parquet")
    params = params_for(tiny, "t.parquet")
    found = proposed(params)["t"]
    assert found["timezone"] == "Europe/Berlin"
    rows = read(params)["t"]
    assert rows.dtype == pl.Datetime("us", "Europe/Berlin")
    assert rows.to_list() == times
    pl.DataFrame({"t": [datetime(2024, 3, 1)], "y": [0]}).write_parquet("t.parquet")
    with pytest.raises(ProjectError, match="'t' has no zone in the table"):
        read(params)


@pytest.mark.parametrize(
    ("texts", "form", "dates"),
    [
        (["31.12.2025", "1.2.2025"], "%d.%m.%Y", [date(2025, 12, 31), date(2025, 2, 1)]),
        (["11/22/2024", "1/2/2024"], "%m/%d/%Y", [date(2024, 11, 22), date(2024, 1, 2)]),
        (["22/11/24", "1/2/24"], "%d/%m/%y", [date(2024, 11, 22), date(2024, 2, 1)]),
        (["5 Mar 2024", "31 Dec 2024"], "%d %b %Y", [date(2024, 3, 5), date(2024, 12, 31)]),
    ],
)
def test_dates_as_people_write_them_are_proposed_with_their_format(
    tiny: TinyProject, texts: list[str], form: str, dates: list[date]
) -> None:
    params = params_for(tiny, write("d,y\n" + "".join(f"{text},0\n" for text in texts)))
    found = proposed(params)["d"]
    assert (found["type"], found["format"]) == ("date", form)
    assert read(params)["d"].to_list() == dates
    assert dates == [datetime.strptime(text, form).date() for text in texts]


def test_day_or_month_first_is_asked_and_not_guessed(tiny: TinyProject) -> None:
    params = params_for(tiny, write("d,y\n11/2/2024,0\n3/4/2024,1\n"))
    found = proposed(params)["d"]
    assert found["format"] == "%d/%m/%Y or %m/%d/%Y"
    assert "day or month first?" in found["odd"][0]
    with pytest.raises(ProjectError, match=r"'d' can be read as .* write the right format"):
        load_schema(Path("schema.yaml"))
    declare({"name": "d", "type": "date", "format": "%m/%d/%Y"})
    assert read(params)["d"].to_list() == [date(2024, 11, 2), date(2024, 3, 4)]


@pytest.mark.parametrize("kind", ["date", "datetime"])
def test_times_of_csv_are_of_the_years_that_the_docs_say(tiny: TinyProject, kind: str) -> None:
    days = ["0001-01-01", "0999-12-31", "1000-01-01", "9999-12-31"]
    end = " 00:00:00" if kind == "datetime" else ""
    params = params_for(tiny, write("d,y\n" + "".join(f"{day}{end},0\n" for day in days)))
    declare({"name": "d", "type": kind})
    assert read(params)["d"].is_null().to_list() == [True, True, False, False]
    parquet = pl.DataFrame({"d": pl.Series(days).str.to_date(), "y": [0] * 4})
    parquet.write_parquet("t.parquet")
    params = params_for(tiny, "t.parquet")
    declare({"name": "d", "type": "date"})
    assert read(params)["d"].null_count() == 0


def test_a_year_of_two_digits_is_no_year_of_the_first_century(tiny: TinyProject) -> None:
    params = params_for(tiny, write("d,y\n31.12.25,0\n"))
    declare({"name": "d", "type": "date", "format": "%d.%m.%Y"})
    assert read(params)["d"].to_list() == [None]


# Files


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize(
    ("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".zst", zstd.compress)]
)
def test_other_encodings_and_packed_files_are_read(
    tiny: TinyProject, encoding: str, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    text = 'größe,y\r\n"süß,\r\nzwei Zeilen",0\r\nähnlich,1\r\n'
    name = f"t.csv{suffix}"
    Path(name).write_bytes(pack(text.encode(encoding)))
    params = params_for(tiny, name, encoding=encoding)
    assert proposed(params)["größe"]["type"] == "string"
    kind = {"": None, ".gz": "gzip", ".zst": None}[suffix]
    if suffix != ".zst":  # pandas needs another package for it
        truth = pd.read_csv(name, encoding=encoding, compression=kind)
        assert read(params)["größe"].to_list() == truth["größe"].tolist()
    assert read(params)["größe"].to_list() == ["süß,\r\nzwei Zeilen", "ähnlich"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,y\n1,2\nß,3\n".encode("latin-1"), "not in utf-8 (line 3): set data.csv.encoding"),
        ("a,y\n1,2\n".encode("utf-16"), "perhaps to utf-16, as its first bytes say"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_another_encoding_is_refused_with_the_line_to_write(
    tiny: TinyProject, content: bytes, says: str, packed: bool
) -> None:
    name = "t.csv.gz" if packed else "t.csv"
    Path(name).write_bytes(gzip.compress(content) if packed else content)
    declare({"name": "a", "type": "string"})
    with pytest.raises(ProjectError) as caught:
        infer(params_for(tiny, name))
    assert says in str(caught.value)
    assert str(caught.value).startswith(name)


def test_a_packed_file_that_is_cut_off_is_refused(tiny: TinyProject) -> None:
    for name, pack in (("t.csv.gz", gzip.compress), ("t.csv.zst", zstd.compress)):
        Path(name).write_bytes(pack(b"a,y\n" + b"1,2\n" * 5000)[:-20])
        with pytest.raises(ProjectError, match=f"{name} cannot be unpacked"):
            infer(params_for(tiny, name))
        Path(name).write_bytes(b"a,y\n1,2\n")
        with pytest.raises(ProjectError, match=f"{name} cannot be unpacked"):
            infer(params_for(tiny, name))


# Parquet


def test_numbers_of_any_type_are_numbers_and_others_are_not_read(tiny: TinyProject) -> None:
    frame = pl.DataFrame(
        {
            "decimal": pl.Series(["1.25", "-3.50"]).cast(pl.Decimal(38, 2)),
            "small": pl.Series([1, 2], dtype=pl.UInt8),
            "category": pl.Series(["a", "b"], dtype=pl.Categorical),
            "list": [[1], [2, 3]],
            "struct": [{"x": 1}, {"x": 2}],
            "bytes": [b"a", b"b"],
            "empty": pl.Series([None, None], dtype=pl.Null),
            "y": [0, 1],
        }
    )
    frame.write_parquet("t.parquet")
    params = params_for(tiny, "t.parquet")
    found = proposed(params)
    kinds = {name: field["type"] for name, field in found.items()}
    assert kinds == {
        "decimal": "number",
        "small": "integer",
        "category": "string",
        **dict.fromkeys(("list", "struct", "bytes", "empty"), "any"),
        "y": "integer",
    }
    assert "List(Int64) is no column of values: not read" in found["list"]["odd"]
    assert read(params).to_dict(as_series=False) == {
        "decimal": [1.25, -3.5],
        "small": [1, 2],
        "category": ["a", "b"],
        "y": [0, 1],
    }
    declare(*({"name": name, "type": "string"} for name in frame.columns[:-1]))
    with pytest.raises(
        ProjectError, match=r"the column 'decimal' is Decimal.*declare the type any"
    ):
        read(params)


def test_a_folder_of_a_fact_is_a_column(tiny: TinyProject) -> None:
    for year, month in ((2023, "01"), (2024, "02")):
        folder = Path(f"raw/year={year}/month={month}")
        folder.mkdir(parents=True)
        pl.DataFrame({"a": [year, 1], "y": [0, 1]}).write_parquet(folder / "p.parquet")
    params = params_for(tiny, "raw")
    assert [proposed(params)[name]["type"] for name in ("year", "month")] == ["integer", "string"]
    truth = pd.concat(
        pd.read_parquet(part).assign(year=int(part.parts[1][5:]), month=part.parts[2][6:])
        for part in sorted(Path("raw").rglob("*.parquet"))
    )
    assert sorted(read(params).select("a", "y", "year", "month").rows()) == sorted(
        truth[["a", "y", "year", "month"]].itertuples(index=False, name=None)
    )


def test_folders_of_csv_parts_are_a_column_as_well(tiny: TinyProject) -> None:
    for place in ("Köln", "A B"):
        Path(f"raw/place={place}").mkdir(parents=True)
        write(f"a,y\n{len(place)},1\n", name=f"raw/place={place}/p.csv")
    params = params_for(tiny, "raw")
    assert proposed(params)["place"]["constraints"]["enum"] == ["A B", "Köln"]
    assert sorted(read(params).rows()) == [("A B", 3, 1), ("Köln", 4, 1)]
    Path("raw/p.csv").write_text("a,y\n1,1\n", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"the folders of raw/place=.* each part needs the same"):
        read(params)


def test_parts_of_other_types_are_widened_where_nothing_is_lost(tiny: TinyProject) -> None:
    Path("raw").mkdir()
    whole = {"a": [1, 2], "b": pl.Series([1, 2], dtype=pl.Int8), "c": ["x", "y"], "y": [0, 1]}
    other = {"a": [0.5, None], "b": [2**40, 1], "c": pl.Series([None, None]), "y": [0, 1]}
    pl.DataFrame(whole).write_parquet("raw/1.parquet")
    pl.DataFrame(other).write_parquet("raw/2.parquet")
    params = params_for(tiny, "raw")
    found = proposed(params)
    assert [found[name]["type"] for name in "abc"] == ["number", "integer", "string"]
    rows = read(params)
    assert rows["a"].to_list() == [1.0, 2.0, 0.5, None]
    assert rows["b"].to_list() == [1, 2, 2**40, 1]
    assert rows["c"].to_list() == ["x", "y", None, None]


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ([1, 2], ["1", "2"], r"'a' is Int64 in raw/1.parquet and String in raw/2.parquet"),
        ([2**53 + 1], [0.5], r"'a' is Int64 in raw/1.parquet and Float64 in raw/2.parquet"),
    ],
)
def test_parts_that_no_type_holds_are_refused(
    tiny: TinyProject, one: list[Any], other: list[Any], says: str
) -> None:
    Path("raw").mkdir()
    for number, values in enumerate((one, other), start=1):
        frame = pl.DataFrame({"a": values, "y": [0] * len(values)})
        frame.write_parquet(f"raw/{number}.parquet")
    with pytest.raises(ProjectError, match=says):
        infer(params_for(tiny, "raw"))


def test_a_column_that_a_part_lacks_is_named(tiny: TinyProject) -> None:
    Path("raw").mkdir()
    pl.DataFrame({"a": [1], "y": [0]}).write_parquet("raw/1.parquet")
    pl.DataFrame({"a": [1], "b": [2], "y": [0]}).write_parquet("raw/2.parquet")
    with pytest.raises(ProjectError, match=r"1\.parquet has no column 'b', and raw/2\.parquet has"):
        infer(params_for(tiny, "raw"))


# Columns


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_numbers_of_rows_as_pandas_writes_them_are_not_read(tiny: TinyProject, name: str) -> None:
    frame = pd.DataFrame({"a": [3, 5, 4], "y": [0, 1, 0]}, index=[7, 9, 8])
    if name == "t.csv":
        frame.to_csv(name)
    else:
        frame.reset_index().rename(columns={"index": "__index_level_0__"}).to_parquet(name)
    params = params_for(tiny, name)
    found = proposed(params)
    [index] = [field for field in found.values() if field["name"] not in ("a", "y")]
    assert index["type"] == "any"
    assert "a number of the row" in index["odd"][0]
    assert read(params).columns == ["a", "y"]


def test_spaces_around_the_names_of_a_header_are_cut(tiny: TinyProject) -> None:
    params = params_for(tiny, write(" a , y\n1,0\n"))
    assert list(proposed(params)) == ["a", "y"]
    assert read(params).columns == ["a", "y"]


def test_columns_that_grow_have_no_bounds_and_an_id_is_unique(tiny: TinyProject) -> None:
    rows = "".join(f"{n},{n // 5},{n % 2}\n" for n in range(60))
    params = params_for(tiny, write("id,visit,y\n" + rows))
    params = tiny.set(
        {
            "data.id": ["id"],
            "prepare.split": {
                **params.prepare.split.model_dump(),
                "method": "group",
                "column": "visit",
            },
        }
    )
    found = proposed(params)
    assert found["id"]["constraints"] == {"unique": True}
    assert "constraints" not in found["visit"]
    assert found["y"]["constraints"] == {"minimum": 0, "maximum": 1}


def test_a_text_that_is_different_in_each_row_is_said_to_be_useless(tiny: TinyProject) -> None:
    rows = "".join(f"name {n},same,{n % 2}\n" for n in range(60))
    found = proposed(params_for(tiny, write("name,one,y\n" + rows)))
    assert "probably useless" in found["name"]["odd"][0]
    assert found["one"]["odd"] == ["the same in each row that has a value"]


def test_a_new_proposal_keeps_the_marks_of_private_columns(
    tiny: TinyProject, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"{n}" if n else "Mrs. Hush" for n in range(30)]
    write("pin,y\n" + "".join(f"{name},{n % 2}\n" for n, name in enumerate(names)))
    params_for(tiny, "t.csv")
    for private in (False, True):
        declare({"name": "pin", "type": "string", "private": private}, {"name": "y", "type": "?"})
        schema(force=True)
        said = capsys.readouterr().out + Path("schema.yaml").read_text(encoding="utf-8")
        assert ("Mrs. Hush" in said) is not private
        assert load_schema(Path("schema.yaml")).private == ["pin"] * private


def test_names_in_params_that_the_table_lacks_are_told(
    tiny: TinyProject, capsys: pytest.CaptureFixture[str]
) -> None:
    params_for(tiny, write("a,Y\n1,0\n"))
    schema(force=True)
    said = capsys.readouterr().out
    assert "to do: data.target in params.yaml names 'y', which the table lacks" in said


def test_the_report_is_a_text_and_json(tiny: TinyProject) -> None:
    found = infer(params_for(tiny, write("a,d,y\n1,11/2/2024,0\n2,1/2/2024,1\n")))
    assert found.as_text() == (
        "2 rows\n"
        "  a: integer, 1 to 2\n"
        "  d: date, %d/%m/%Y or %m/%d/%Y, 2024-02-01 to 2024-02-11\n"
        "    day or month first? Write the right format in the schema\n"
        "  y: integer, 0 to 1"
    )
    assert json.loads(json.dumps(found.as_dict()))["columns"][0] == {
        "name": "a",
        "type": "integer",
        "constraints": {"minimum": 1, "maximum": 2},
        "odd": [],
    }


@pytest.mark.parametrize("target", ["y", "len", "bin"])
def test_any_name_of_a_column_works_to_the_end(tiny: TinyProject, target: str) -> None:
    """Names that the library, polars or scikit-learn use for something else."""
    names = "rows len bin __test__ __index__ number content class key count weight slice metric"
    columns = {
        name: [float(n * place % 7) for n in range(80)]
        for place, name in enumerate([*names.split(), "prediction", "row", "", "a b", 'q"q', "ü"])
    }
    columns[target] = [n % 2 for n in range(80)]
    pl.DataFrame(columns).write_csv("t.csv")
    params = params_for(tiny, "t.csv")
    params = tiny.set(
        {
            "data.target": target,
            "evaluate.slices": [name for name in ("class", "metric", "len") if name != target][:2],
            "data.features.exclude": ["slice"],
        }
    )
    tiny.propose()
    for stage in (prepare, train, evaluate):
        stage.main(params)
    model, schema = model_file.load(MODEL), load_schema(Path("schema.yaml"))
    by = Predictor(model, "v1.0.0", "ab" * 32, params.data, schema, lambda rows: rows)
    found = Input.open(Path("t.csv"), by)
    assert found.problems() == []
    got = found.predicted(found.raw.collect(), pl.Series("row", range(80)))
    x = pd.DataFrame(columns)[list(model.feature_names_in_)]
    assert {*columns} - {target, "slice"} == {*x.columns}
    assert got["prediction"].to_list() == model.predict(x).tolist()


@pytest.mark.parametrize("name", ["^a.*$", "*", "\x1frow"])
def test_a_name_that_polars_takes_for_many_columns_is_refused(tiny: TinyProject, name: str) -> None:
    pl.DataFrame({name: [1], "y": [0]}).write_parquet("t.parquet")
    with pytest.raises(ProjectError, match="is no name for a column: rename it"):
        infer(params_for(tiny, "t.parquet"))
