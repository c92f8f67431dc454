"""What of a record can be derived again, from where, and what is unknown here."""

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.commit import Commit
from mlrepo.storage.store import Hashes, Stored, hashes_of
from mlrepo.versions.records import kept
from mlrepo.versions.records.claims import compare
from mlrepo.versions.records.kept import Kept, Unknown

from .repository import commit, git

RIGHT, WRONG = hashes_of(b"right"), hashes_of(b"wrong")
STORED = Stored("models/model.skops", RIGHT["md5"])


@dataclass
class Places:
    """A store with these bytes in its places, in their order; it counts what is read."""

    held: dict[str, Hashes]
    content: bytes = b"right"
    read: list[str] = field(default_factory=list)

    def look(self, stored: Stored, everywhere: bool) -> Iterator[tuple[str, Hashes]]:
        for place, found in self.held.items():
            self.read.append(place)
            yield place, found

    def fetch(self, stored: Stored, target: Path, sha256: str | None) -> None:
        assert sha256 == RIGHT["sha256"]
        target.write_bytes(self.content)

    def parts(self, stored: Stored) -> list[Stored]:
        raise ProjectError("the list of files is damaged")


def looked_at(places: Places) -> Kept:
    return Kept(places, everywhere=True)  # type: ignore[arg-type]


def test_hashes_are_those_of_the_bytes() -> None:
    digests = {name: hashlib.new(name, b"right").hexdigest() for name in ("md5", "sha256")}
    assert {**digests, "size": 5} == RIGHT


def test_no_place_is_read_twice_or_without_need() -> None:
    places = Places({"cache": RIGHT, "remote": RIGHT})
    looked = looked_at(places)
    assert looked.entry(STORED) == RIGHT
    assert places.read == ["cache"]
    assert list(looked.wrong(STORED, RIGHT["sha256"])) == []
    assert looked.entry(STORED) == RIGHT
    assert places.read == ["cache", "remote"]


def test_only_bytes_of_the_right_md5_count() -> None:
    looked = looked_at(Places({"cache": WRONG, "remote": RIGHT}))
    assert looked.entry(STORED) == RIGHT
    [wrong] = looked.wrong(STORED, RIGHT["sha256"])
    assert wrong.startswith(f"{STORED.path} was changed in cache: its SHA-256 is {WRONG['sha256']}")

    looked = looked_at(Places({"cache": WRONG, "remote": {}}))
    assert isinstance(looked.entry(STORED)["sha256"], Unknown)
    told = f"{STORED.path} is missing in remote: `model push --all` sends it"
    assert told in looked.wrong(STORED, None)


def test_a_folder_whose_list_is_damaged_has_unknown_parts() -> None:
    found = looked_at(Places({})).entry(Stored("reports/plots", f"{'0' * 32}.dir"))
    assert found.pop("md5") == f"{'0' * 32}.dir"
    assert {name: type(value) for name, value in found.items()} == {
        "parts": Unknown, "size": Unknown,
    }  # fmt: skip


def test_a_model_that_does_not_load_here_is_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet"], check=True)
    Path("one").write_text("1", encoding="utf-8")
    found = looked_at(Places({"cache": RIGHT})).architecture(commit(), STORED, packages={})
    assert found.keys() == {"features", "classes", "pipeline"}
    [why] = {value.why for value in found.values()}
    assert why == f"{STORED.path} cannot be described here: File is not a zip file"


def test_of_a_file_of_another_kind_its_kind_is_unknown_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet"], check=True)
    found = Kept().architecture("HEAD", Stored("models/model.ubj", "0" * 32), packages={})
    assert found.keys() == {"features", "classes", "pipeline", "kind", "runs_code"}
    assert {value.why for value in found.values()} == {"its bytes were not read"}


@pytest.mark.parametrize(
    ("locked", "told"),
    [
        ({"scikit-learn": "1.9.1", "numpy": "2.4.6 or 2.5.0"}, None),
        ({"scikit-learn": "1.9.1 (git https://example.com/ours)", "colorama": "0.4"}, None),
        (
            {"scikit-learn": "1.8.0"},
            "this is scikit-learn 1.9.1, and not 1.8.0",
        ),
        ({"numpy": "2.3.0"}, "this is numpy 2.5.0, and not 2.3.0"),
    ],
)
def test_the_text_of_a_pipeline_is_compared_among_its_own_packages(
    monkeypatch: pytest.MonkeyPatch, locked: dict[str, str], told: str | None
) -> None:
    monkeypatch.setattr(kept, "installed", lambda: {"scikit-learn": "1.9.1", "numpy": "2.5.0"})
    found = kept._written_otherwise({"estimator": locked, "typer": {"typer": "0"}})
    fix = ": `uv sync` installs that"
    assert found == ({"pipeline": Unknown(told + fix)} if told else {})


@pytest.mark.parametrize(
    ("claim", "true", "named"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": True}, {"a": 1}, ["a"]),
        ({"a": 1}, {"a": 1.5}, ["a"]),
        ({"a": [1, {"x": 1, "y": 2}]}, {"a": [1, {"y": 2, "x": 1}]}, []),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"a": "x", "b": {}}, {"a": {"b": 1}}, ["a", "b"]),
        ({}, {"a": {"b": 1}}, ["a"]),
        ({"a": None}, {}, []),
        # A name with a dot hides nothing.
        ({"card": {"owner": "Nobody"}, "card.owner": "Us"}, {"card": {"owner": "Us"}},
         ["card.owner", "card.owner"]),
        ({"a": "x"}, {"a": {"b": Unknown("")}}, ["a"]),
        ({"environment": {"python": "3.11.7"}}, {"environment": {"python": "3.11"}}, []),
        ({"environment": {"python": "3.12.7"}}, {"environment": {"python": "3.11"}},
         ["environment.python"]),
        ({"environment": "x"}, {"environment": {"python": "3.11"}}, ["environment"]),
    ],
)  # fmt: skip
def test_a_field_differs_by_its_value_and_its_kind(claim: Any, true: Any, named: list[str]) -> None:
    assert [name for name, _, _ in compare(claim, true)] == named


@pytest.mark.parametrize("folder", ["", "a project/"])
def test_files_of_a_commit_are_read_from_the_folder_of_the_project(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    Path(folder, "code").mkdir(parents=True)
    texts = {"code/one.py": "1\n", "code/two.tmp": "2\n", "code.py": "3\n", ".dvcignore": "*.tmp\n"}
    for path, text in texts.items():
        Path(folder, path).write_text(text, encoding="utf-8")
    Path("apart.py").write_text("of another project\n", encoding="utf-8")
    there = commit()
    for path in texts:
        Path(folder, path).unlink()
    monkeypatch.chdir(tmp_path / folder)
    known = Commit(there)
    assert {path: known.text(path) for path in texts} == texts
    assert known.inside("code") == ["code/one.py"]
    assert known.inside("code.py") == ["code.py"]
    assert known.inside("data") == []
    with pytest.raises(ProjectError, match=rf"^the commit {there[:7]} has no absent\.py$"):
        known.bytes("absent.py")


def test_a_remote_that_does_not_answer_is_told_each_time() -> None:
    class Gone(Places):
        def look(self, stored: Stored, everywhere: bool) -> Iterator[tuple[str, Hashes]]:
            yield from super().look(stored, everywhere)
            raise ProjectError("it does not answer")

    kept_here = looked_at(Gone({"cache": RIGHT}))
    assert kept_here.entry(STORED) == RIGHT
    for _ in range(2):
        with pytest.raises(ProjectError, match=r"^it does not answer$"):
            list(kept_here.wrong(STORED, RIGHT["sha256"]))
