"""Raw data as docs/data.md says: a folder of Parquet parts, and a Delta table by its version."""

from pathlib import Path

import pytest
from conftest import Project
from helpers import QUICK, Copy, Stages, copy_project, in_long_form, own_environment, sha256
from pages import consoles, follow, page, section

PAGE = page("docs/data.md")
ALL = ["prepare", "train", "evaluate", "card"]
EXTRACT = "data/raw/penguins.parquet"
# A part of the penguins: from which row, how many.
PART = """
import sys
import polars as pl
path, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
pl.read_csv("data/raw/penguins.csv", null_values="NA").slice(first, count).write_parquet(path)
"""
# Versions 0, 1 and 2: 200 rows, in an order of their own; all; all without those of 2009.
DELTA = """
import sys
import polars as pl
from deltalake import DeltaTable, write_deltalake
table = pl.read_csv("data/raw/penguins.csv", null_values="NA")
write_deltalake(sys.argv[1], table.head(200).sample(fraction=1, shuffle=True, seed=1))
write_deltalake(sys.argv[1], table.tail(144), mode="append")
DeltaTable(sys.argv[1]).delete("year = 2009")
"""
CHECKPOINT = "import sys, deltalake; deltalake.DeltaTable(sys.argv[1]).create_checkpoint()"
VACUUM = """
import sys
from deltalake import DeltaTable
kept_for = {"retention_hours": 0, "enforce_retention_duration": False}
assert DeltaTable(sys.argv[1]).vacuum(dry_run=False, **kept_for)
"""


def run(copy: Copy, *commands: str) -> Stages:
    """Run commands of the page as a shell does; return what they did with the stages."""
    script = "\n".join(["set -e", *commands])
    return Stages.of(copy.run("bash", "-c", script).stdout)


def use(copy: Copy, path: str) -> None:
    """Take another file with the penguins for the table, as the README says."""
    copy.set_params({**QUICK, "data.path": path})
    copy.run("model", "schema", "--force")


def test_a_folder_of_parts_gets_another(project: Project, tmp_path: Path) -> None:
    copy = copy_project(project, tmp_path / "penguins")
    (copy.path / "data/raw/parts").mkdir()
    for number, (first, count) in enumerate([(0, 150), (150, 150)]):
        part = f"data/raw/parts/part-{number}.parquet"
        copy.run("python", "-c", PART, part, str(first), str(count))
    copy.run("python", "-c", PART, str(tmp_path / "part-2.parquet"), "300", "44")
    commands = [
        [command.replace("uv run ", "") for command in block]
        for block in consoles(section(PAGE, "A folder of Parquet parts"))
    ]
    (add, *rest), more = commands
    run(copy, add)
    use(copy, "data/raw/parts")
    assert run(copy, *rest).ran == ALL
    assert copy.changed() == []
    assert copy.read("metrics/prepare.json")["rows"]["raw"] == 300
    pointers = [path.name for path in (copy.path / "data/raw").glob("*.dvc")]
    assert sorted(pointers) == ["parts.dvc", "penguins.csv.dvc"]

    run(copy, *more[:2])
    copy.run("model", "schema", "--force")  # it holds lighter penguins
    assert run(copy, *more[2:]).ran == ALL
    assert copy.read("metrics/prepare.json")["rows"]["raw"] == 344
    copy.commit("Learn from three parts")

    alien = "data/raw/parts/part-3.csv"
    (copy.path / alien).write_bytes((copy.path / "data/raw/penguins.csv").read_bytes())
    copy.run("dvc", "add", "--quiet", "data/raw/parts")
    said = copy.run("dvc", "repro", check=False)
    assert said.returncode != 0
    assert "error: data/raw/parts holds both CSV and Parquet files: keep one kind" in said.stderr
    (copy.path / alien).unlink()
    other = "data/raw/parts/part-3.parquet"
    text = 'import polars as pl; pl.DataFrame({"species": [1]}).write_parquet("' + other + '")'
    copy.run("python", "-c", text)
    copy.run("dvc", "add", "--quiet", "data/raw/parts")
    said = copy.run("dvc", "repro", check=False)
    assert f"error: {other} has no column 'island', and data/raw/parts/part-0" in said.stderr


@pytest.fixture(scope="module")
def delta(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A project that takes version 0 of a Delta table beside it, as the page says; not yet run."""
    made = own_environment(project, tmp_path_factory.mktemp("delta") / "penguins")
    copy = Copy(made.path, made)
    text = section(PAGE, "A version of a Delta table")
    [install], _ = consoles(text)
    run(copy, install)
    lake = copy.path.parent / "lake"
    copy.run("python", "-c", DELTA, str(lake))
    follow(copy.path, text.replace("s3://lake/delta/penguins", str(lake)))
    return copy


@in_long_form
def test_versions_of_a_delta_table(delta: Copy, tmp_path: Path) -> None:
    copy, lake = delta, str(delta.path.parent / "lake")
    _, again = consoles(section(PAGE, "A version of a Delta table"))
    copy.repro("extract")
    use(copy, EXTRACT)
    assert run(copy, *again).ran == ALL
    copy.run("pytest", "-q", "tests/test_hygiene.py", "tests/test_data.py")
    copy.run("ruff", "check")
    copy.run("ruff", "format", "--check")
    copy.run("mypy")
    assert copy.changed() == []
    copy.run("python", "-m", "mlrepo.pipeline.status")
    first = copy.outputs()
    assert copy.read("metrics/prepare.json")["rows"]["raw"] == 200

    copy.set_params({"delta.version": 1})
    assert copy.repro("extract").ran == ["extract"]
    copy.run("model", "schema", "--force")  # it holds lighter penguins
    assert run(copy, *again).ran == ALL
    assert copy.read("metrics/prepare.json")["rows"]["raw"] == 344

    # Nothing of the earlier version is made anew but the card, of which DVC keeps no copy.
    copy.run("git", "checkout", "--quiet", "HEAD~1", "--", "params.yaml", "schema.yaml")
    back = copy.repro()
    assert back.ran == ["card"]
    assert back.restored == ["extract", "prepare", "train", "evaluate"]
    assert copy.outputs() == first
    # Nor is it another when it is: from a checkpoint the log gives its files in another order.
    copy.run("python", "-c", CHECKPOINT, lake)
    copy.repro("--force", "--no-run-cache")
    assert copy.outputs() == first


@in_long_form
def test_a_version_that_is_gone_is_told(delta: Copy) -> None:
    copy, lake = delta, delta.path.parent / "lake"
    kept = sha256(copy.path / EXTRACT)
    copy.set_params({"delta.version": 7})
    said = copy.run("dvc", "repro", check=False)
    assert said.returncode != 0
    assert f"error: {lake} cannot be read at version 7: it never was, or a vacuum" in said.stderr
    assert "Traceback" not in said.stderr

    copy.run("python", "-c", VACUUM, str(lake))
    copy.run("git", "checkout", "--quiet", ".")
    copy.run("dvc", "checkout", "--quiet")
    copy.set_params({"delta.version": 0})
    said = copy.run("dvc", "repro", "--force", "--no-run-cache", "extract", check=False)
    assert f"error: {lake} cannot be read at version 0: it never was, or a vacuum" in said.stderr
    assert "a commit that ran with it has the extract in DVC" in said.stderr
    copy.run("git", "checkout", "--quiet", ".")
    copy.run("dvc", "checkout", "--quiet")
    assert sha256(copy.path / EXTRACT) != kept or copy.repro().ran == []
