"""A merge ends with the model that belongs to both sides, or says what is still to be resolved."""

from pathlib import Path

import pytest
from conftest import Project, Tool
from helpers import LONG, Copy, copy_again, quick_project

MODEL = "models/model.skops"
ALL = ["environment", "prepare", "train", "evaluate", "card"]
# What `make merge` runs, for a machine without make.
BY_HAND = [("uv", "sync"), ("uv", "run", "dvc", "repro"), ("git", "add", "-A")]
CONFLICT = """<<<<<<< HEAD
    n_estimators: 7
=======
    n_estimators: 6
>>>>>>> trees
"""


@pytest.fixture(scope="module")
def small(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """On the branch trees, the model has six trees; main has not changed since."""
    copy = quick_project(project, tmp_path_factory.mktemp("merge") / "penguins")
    copy.run("git", "checkout", "--quiet", "-b", "trees")
    commit_a_run(copy, {"train.arguments": {"n_estimators": 6}})
    copy.run("git", "checkout", "--quiet", "main")
    return copy


@pytest.fixture
def copy(small: Copy, tmp_path: Path) -> Copy:
    return copy_again(small, tmp_path / "penguins")


@pytest.fixture
def make(tool: Tool) -> str:
    return tool("make", "apt-get install make")


def commit_a_run(copy: Copy, params: dict[str, object]) -> None:
    copy.set_params(params)
    copy.repro()
    copy.commit(f"Set {', '.join(params)}")


def merge(copy: Copy) -> set[str]:
    """Merge the branch trees, which must conflict, and return the paths that do."""
    assert copy.run("git", "merge", "trees", check=False).returncode == 1
    return {line[3:] for line in copy.changed() if line.startswith("UU")}


def assert_clean_and_true(copy: Copy, sides: set[str]) -> None:
    """The merge is a commit of two parents, up to date, and what a forced run gives."""
    assert copy.changed() == []
    assert copy.run("dvc", "status", "--quiet").returncode == 0
    assert copy.git("show", "HEAD:dvc.lock") not in sides
    assert copy.git("rev-list", "--parents", "-1", "HEAD").count(" ") == 2
    merged = copy.outputs()
    assert copy.repro("--force").ran == ALL
    assert copy.outputs() == merged
    assert copy.changed() == []


def locks(copy: Copy) -> set[str]:
    return {copy.git("show", f"{side}:dvc.lock") for side in ("main", "trees")}


@pytest.mark.parametrize("way", ["make merge", *(["its commands"] if LONG else [])])
def test_a_merge_of_params_of_two_stages_ends_clean(
    copy: Copy, way: str, request: pytest.FixtureRequest
) -> None:
    """Git merges params.yaml by itself, so that neither side's model is right."""
    commit_a_run(copy, {"prepare.split.seed": 1})
    sides = locks(copy)
    conflicts = merge(copy)
    assert {"dvc.lock", "metrics/evaluate.json"} <= conflicts
    assert "params.yaml" not in conflicts

    if way == "make merge":
        said = copy.run(request.getfixturevalue("make"), "merge").stdout
        assert said.endswith("then end the merge: git commit\n")
    else:
        for command in BY_HAND:
            copy.run(*command)
    copy.run("git", "commit", "--quiet", "--no-edit")
    assert_clean_and_true(copy, sides)


def test_a_merge_of_the_same_param_says_what_to_resolve(copy: Copy, make: str) -> None:
    commit_a_run(copy, {"train.arguments": {"n_estimators": 7}})
    sides, before = locks(copy), copy.outputs()
    assert {"dvc.lock", "params.yaml"} <= merge(copy)

    # In a hurry: nothing runs, nothing is staged, and the message names file and line.
    number = 1 + copy.lines("params.yaml").index("<<<<<<< HEAD")
    for command in (["dvc", "repro"], [make, "merge"]):
        unmerged = copy.changed()
        refused = copy.run(*command, check=False)
        said = refused.stdout + refused.stderr
        assert refused.returncode != 0
        assert "params.yaml" in said
        assert f"line {number}" in said or f"params.yaml:{number}" in said
        assert "Running stage" not in said
        assert copy.changed() == unmerged
        assert copy.outputs() == before, "Git wrote its marks into an output"

    path = copy.path / "params.yaml"
    text = path.read_text(encoding="utf-8")
    assert CONFLICT in text
    path.write_text(text.replace(CONFLICT, "    n_estimators: 8\n"), encoding="utf-8")
    copy.run(make, "merge")
    copy.run("git", "commit", "--quiet", "--no-edit")
    assert_clean_and_true(copy, sides)


def test_make_merge_stages_no_marks_of_a_conflict(copy: Copy, make: str) -> None:
    """In a file that no stage reads, so that nothing else would stop it."""
    readme = copy.path / "README.md"
    for branch in ("trees", "main"):
        copy.run("git", "checkout", "--quiet", branch)
        readme.write_text(f"# The model of {branch}\n", encoding="utf-8")
        copy.commit(f"Call it the model of {branch}")
    assert merge(copy) == {"README.md"}
    refused = copy.run(make, "merge", check=False)
    assert refused.returncode != 0
    assert "README.md:1: leftover conflict marker" in refused.stdout + refused.stderr
    assert "UU README.md" in copy.changed()
