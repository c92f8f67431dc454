"""Each field of a record is derived again by `model verify`, or the docs call it an observation.

The table of docs/auditors.md is what these tests go by: it has each field once.
"""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from conftest import TEMPLATE
from made_tags import remake
from releases import MODEL, Released, copied, wrong

DOCS = TEMPLATE / "{{cookiecutter.project_slug}}/docs/auditors.md"
SECTION = re.compile(r"^## What each field of a record rests on\n(.*?)^## ", re.M | re.S)
# Not in the record of the project that is forged here.
ABSENT = {"data.rows_in_train_and_test", "environment.ci", "stages.*.datasets"}


def documented() -> dict[str, str]:
    """Return field -> what it rests on, as the docs say."""
    section = SECTION.search(DOCS.read_text(encoding="utf-8"))
    assert section
    cells = (line.split(" | ") for line in section[1].splitlines() if line.startswith("| `"))
    return {name: row[1] for row in cells for name in re.findall("`(.+?)`", row[0])}


FIELDS = documented()
DERIVED = [name for name, rests in FIELDS.items() if rests != "observed" and name not in ABSENT]
OBSERVED = [name for name, rests in FIELDS.items() if rests == "observed" and name not in ABSENT]


def fields_of(name: str) -> list[str]:
    """Return the fields of the docs that are this one of a record, or else hold it."""
    same = [field for field in FIELDS if fnmatchcase(name, field)]
    return same or [field for field in FIELDS if fnmatchcase(name, f"{field}.*")]


def leaves(node: Any, *place: str) -> list[tuple[str, ...]]:
    """Return where the values of a record are; a list is one."""
    if not isinstance(node, dict) or not node:
        return [place]
    return [leaf for key, value in node.items() for leaf in leaves(value, *place, key)]


@pytest.fixture(scope="module")
def newest(two_versions: Released, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A third version, which no other tag names; one by hand was there before it."""
    copy = copied(two_versions, tmp_path_factory.mktemp("fields") / "copy")
    copy.run("git", "tag", "model@v0.1.0", copy.git("rev-list", "--max-parents=0", "HEAD"))
    copy.run("git", "push", "--quiet", "--no-verify", "origin", "model@v0.1.0")
    (copy.path / "NOTES.md").write_text("New.\n", encoding="utf-8")
    copy.commit("A note")
    copy.push()
    copy.model("register", "-m", "The third one")
    return copy


@pytest.fixture(scope="module")
def places(newest: Released) -> dict[str, tuple[str, ...]]:
    """The values of the newest record, by their names."""
    return {".".join(place): place for place in leaves(newest.record("v1.2"))}


@pytest.fixture(scope="module")
def said(newest: Released, places: dict[str, tuple[str, ...]]) -> Any:
    """What is found of each forgery."""
    asked = {field: place for name, place in places.items() for field in fields_of(name)}
    orders = newest.path.parent / "orders.json"
    content = {"asked": list(asked.values()), "every": list(places.values())}
    orders.write_text(json.dumps(content), encoding="utf-8")
    script = str(Path(__file__).with_name("forging.py"))
    found = json.loads(newest.run("python", script, str(orders)).stdout)
    assert newest.model("verify").returncode == 0  # it has left the tag as it was
    return found


def test_the_docs_have_each_field_once(places: dict[str, tuple[str, ...]]) -> None:
    known = {name: fields_of(name) for name in places}
    assert {name: fields for name, fields in known.items() if len(fields) != 1} == {}
    used = {fields[0] for fields in known.values()}
    assert FIELDS.keys() - used == ABSENT


def test_nothing_differs_that_nobody_forged(said: Any) -> None:
    assert said["as_it_is"] == []


@pytest.mark.parametrize("field", DERIVED)
def test_a_forged_field_is_named(said: Any, field: str) -> None:
    [(name, told)] = [(n, t) for n, t in said["in_the_tag"].items() if fields_of(n) == [field]]
    lines = [line for check in ("tag", "history", "commit") for line in told["found"][check]]
    about = "when model@v1.2.0 was made" if field == "after" else f"its record says {name} "
    assert any(about in line for line in lines), told
    if "skipped" in told:  # the others are what the tag itself says
        assert told["skipped"]["tag"] == told["skipped"]["commit"] == []


@pytest.mark.parametrize("field", OBSERVED)
def test_an_observation_is_compared_with_nothing(said: Any, field: str) -> None:
    [told] = [told for name, told in said["in_the_tag"].items() if fields_of(name) == [field]]
    assert told["found"]["tag"] == told["found"]["commit"] == [], told


def test_every_value_is_compared(said: Any, places: dict[str, tuple[str, ...]]) -> None:
    """One alone is named, wherever it stands, or it is an observation."""
    for name, found in said["in_memory"].items():
        [field] = fields_of(name)
        assert found == ([] if FIELDS[field] == "observed" else [name])
    assert len(said["in_memory"]) > 300


def test_what_no_record_has_and_what_it_lacks_is_named(said: Any) -> None:
    assert said["one_more"] == ["approved"]
    assert said["one_less"] == {key: [key] for key in said["one_less"]}


@pytest.mark.parametrize("form", ["json", "slsa", "cyclonedx"])
def test_what_is_printed_and_not_so_is_told(newest: Released, tmp_path: Path, form: str) -> None:
    copy = copied(newest, tmp_path / "copy")
    assert copy.model("record", "v1.2", "--format", form).stderr == ""
    card = copy.record("v1.2")["card"]
    remake(copy, "model@v1.2.0", card={**card, "owner": "Nobody"})
    done = copy.model("record", "v1.2", "--format", form, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("not so: its record says card.owner 'Nobody', the commit '")
    if form != "slsa":
        assert "Nobody" in done.stdout


def test_what_cannot_be_derived_here_is_said(newest: Released, tmp_path: Path) -> None:
    copy = copied(newest, tmp_path / "copy")
    (copy.path / ".dvc/cache" / copy.object(MODEL)).unlink()
    done = copy.model("verify", "--offline", "--json", check=False)
    [names] = json.loads(done.stdout)["not_checked"].values()
    assert {f"files.{MODEL}.sha256", "artifact.size", "architecture.pipeline"} <= set(names)
    assert wrong(copy, "v1.2", "--offline").keys() == {"data and model"}
    text = copy.model("verify", "--offline", check=False).stdout
    assert "not checked: artifact.sha256, artifact.size, architecture.features, " in text
    # The remote has it: then its model is loaded, which nobody in this clone has done yet.
    (copy.path / ".git/mlrepo-models.json").unlink()
    assert json.loads(copy.model("verify", "--json").stdout)["not_checked"] == {}
