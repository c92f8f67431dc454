"""A table in a folder of parts: each part is recorded, compared and proven."""

import shutil
from pathlib import Path

import pytest
from conftest import Project
from releases import RAW, Released, copied, flip, new_released, read_rows, refused, wrong

FOLDER = "data/raw/parts"
PART = f"{FOLDER}/b.csv"
NEXT = ("register", "-m", "Once more")


@pytest.fixture(scope="module")
def released(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """v1.0.0 was made from a folder of two files; HEAD is v1.0.0."""
    new = new_released(project, tmp_path_factory.mktemp("parts"))
    head, *rows = read_rows(new)
    (new.path / FOLDER).mkdir()
    for name, part in (("a", rows[:200]), ("b", rows[200:])):
        lines = [",".join(row) for row in [head, *part]]
        (new.path / f"{FOLDER}/{name}.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    new.run("dvc", "add", "--quiet", FOLDER)
    new.ready("A folder of parts", {"data.path": FOLDER})
    new.model("register", "-m", "From parts")
    return new


@pytest.fixture
def copy(released: Released, tmp_path: Path) -> Released:
    return copied(released, tmp_path / "copy")


def stored(copy: Released, path: str) -> Path:
    md5 = copy.record("v1")["files"][FOLDER]["parts"][Path(path).name]["md5"]
    return Path("files/md5", md5[:2], md5[2:])


def test_a_version_records_each_part(released: Released) -> None:
    entry = released.record("v1")["files"][FOLDER]
    assert entry["md5"].endswith(".dir")
    assert set(entry["parts"]) == {"a.csv", "b.csv"}
    assert released.model("verify").returncode == 0
    assert RAW not in released.record("v1")["files"]


def test_a_part_that_is_not_pushed_is_no_version(copy: Released) -> None:
    copy.edit("README.md", "#", "##")
    copy.commit_anyway()
    (copy.storage / stored(copy, PART)).unlink()
    refused(copy, *NEXT, words=[f"lacks {PART}: `model push` sends it"])


@pytest.mark.parametrize("place", ["cache", "remote"])
def test_a_byte_in_a_part_is_found(copy: Released, place: str) -> None:
    folder = copy.storage if place == "remote" else copy.path / ".dvc/cache"
    flip(folder / stored(copy, PART))
    found = wrong(copy, "v1")
    assert found.keys() == {"data and model"}
    assert f"{PART} was changed in " in found["data and model"]
    assert "a.csv" not in found["data and model"]


def test_a_byte_in_a_part_in_the_folder_is_found(copy: Released) -> None:
    flip(copy.path / PART)
    said = wrong(copy, "v1")["this folder"]
    assert said.startswith(
        f"{PART} in this folder is not the recorded file: `dvc checkout --force "
    )
    copy.run(*said.split("`")[1].split())
    copy.model("verify", "v1")


@pytest.mark.parametrize("place", ["cache", "remote"])
def test_a_damaged_list_of_parts_is_found(copy: Released, place: str) -> None:
    folder = copy.storage if place == "remote" else copy.path / ".dvc/cache"
    flip(folder / copy.object(FOLDER))
    assert f"{FOLDER} was changed in " in wrong(copy, "v1")["data and model"]
    if place == "cache":
        told = f"the list of files of {FOLDER} is damaged in DVC's store"
        assert told in wrong(copy, "v1")["data and model"]


def test_diff_counts_the_rows_of_parts(copy: Released) -> None:
    lines = (copy.path / PART).read_text(encoding="utf-8").splitlines(keepends=True)
    (copy.path / PART).unlink()
    (copy.path / PART).write_text("".join(lines[:-7]), encoding="utf-8")
    shutil.copyfile(copy.path / f"{FOLDER}/a.csv", copy.path / f"{FOLDER}/c.csv")
    copy.run("dvc", "add", "--quiet", FOLDER)
    copy.ready("Other parts")
    copy.model(*NEXT)
    data = copy.json("diff", "v1", "v1.1")["data"]
    assert (data["rows added"], data["rows removed"]) == (200, 7)
