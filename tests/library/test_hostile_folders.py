"""Odd folders, links, names of files and wide tables: read whole, or refused in our words."""

from pathlib import Path

import polars as pl
import pytest

from .conftest import TinyProject
from .test_hostile_files import refused
from .test_hostile_tables import careful
from .test_real_tables import declare, params_for, proposed, read


def parts(*names: str) -> None:
    for number, name in enumerate(names):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(f"a,y\n{number},0\n", encoding="utf-8")


def test_what_programs_keep_beside_the_parts_is_no_part(tiny: TinyProject) -> None:
    declare({"name": "a", "type": "integer"})
    parts("raw/1.csv", "raw/_2.csv", "raw/sub/[3].csv", "raw/a*b.csv", "elsewhere/4.csv")
    parts("raw/.5.csv", "raw/.ipynb_checkpoints/6.csv", "raw/_temporary/0/7.csv")
    for name in ("_SUCCESS", ".1.csv.crc", "_metadata", "notes.txt"):
        Path("raw", name).write_bytes(b"\0")
    Path("raw/8.csv").symlink_to(Path("elsewhere/4.csv").resolve())
    assert read(params_for(tiny, "raw"))["a"].sort().to_list() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("target", ["nowhere.csv", "../elsewhere", "."])
def test_a_link_to_no_file_is_refused(tiny: TinyProject, target: str) -> None:
    parts("raw/1.csv", "elsewhere/2.csv")
    declare({"name": "a", "type": "integer"})
    Path("raw/2.csv").symlink_to(target)
    refused(tiny, "raw", "raw/2.csv is a link to no file: put the file itself there")


@pytest.mark.parametrize(
    ("folder", "value"),
    [
        ("a=b", "a=b"),
        ("a%2Fb", "a/b"),
        ("", ""),
        ("01", "01"),
        ("1e5", "1e5"),
        ("%zz", "%zz"),
        ("1_0", "1_0"),
        ("nan", "nan"),
        ("_x", "_x"),
        ("-3", -3),
        ("__HIVE_DEFAULT_PARTITION__", None),
    ],
)
def test_odd_facts_in_names_of_folders_are_kept(
    tiny: TinyProject, folder: str, value: object
) -> None:
    for place in (folder, "7"):
        Path(f"raw/k={place}").mkdir(parents=True)
        pl.DataFrame({"a": [1], "y": [0]}).write_parquet(f"raw/k={place}/p.parquet")
    params = params_for(tiny, "raw")
    proposed(params)
    assert set(read(params)["k"].to_list()) == {value, "7" if isinstance(value, str) else 7}


def test_a_short_line_below_a_fact_is_refused(tiny: TinyProject) -> None:
    Path("raw/k=1").mkdir(parents=True)
    Path("raw/k=1/p.csv").write_text("a,y\n1,0\n2\n", encoding="utf-8")
    declare({"name": "a", "type": "integer"}, {"name": "k", "type": "integer"})
    refused(tiny, "raw", "p.csv: line 3 has 1 values, the header 2: complete it")


@pytest.mark.parametrize("name", ["[x]", "a*b", "t?", "ü ö", "-x", "a\nb", "{a,b}", "%41", "~x"])
def test_a_file_of_any_name_is_read(tiny: TinyProject, name: str) -> None:
    declare({"name": "a", "type": "integer"})
    frame = pl.DataFrame({"a": [1, 2], "y": [0, 1]})
    Path(f"{name}.csv").write_text(frame.write_csv(), encoding="utf-8")
    with Path(f"{name}.parquet").open("wb") as file:
        frame.write_parquet(file)
    for suffix in (".csv", ".parquet"):
        assert read(params_for(tiny, name + suffix))["a"].to_list() == [1, 2]


def test_a_table_of_2000_columns_is_read(tiny: TinyProject) -> None:
    names = [f"c{n}" for n in range(2000)]
    frame = pl.DataFrame({name: [n, -n] for n, name in enumerate(names)} | {"y": [0, 1]})
    frame.write_csv("t.csv")
    frame.write_parquet("t.parquet")
    declare(*({"name": name, "type": "integer"} for name in names))
    for name in ("t.csv", "t.parquet"):
        assert careful(params_for(tiny, name)).rows() == frame.rows()
