"""A failed run loses nothing: the README's command brings the last commit's state back."""

from pathlib import Path

import pytest
from conftest import Project
from helpers import Copy, copy_project
from spoil import MODEL, swap
from test_readme import BACK

RAW = "data/raw/penguins.csv"


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Copy:
    return copy_project(project, tmp_path / "penguins")


def back(copy: Copy, names: str = "params.yaml") -> None:
    command = BACK.replace("uv run ", "").replace("params.yaml", names)
    copy.run("sh", "-c", command)


def test_a_failed_experiment_changes_one_line_and_is_taken_back(copy: Copy) -> None:
    before = copy.outputs()
    failed = copy.run("dvc", "exp", "run", "-S", "train.arguments.n_estimators=-5", check=False)
    assert failed.returncode != 0
    changed = copy.git("diff", "-U0", "params.yaml").split("\n@@")[1:]
    assert [hunk.splitlines()[1:] for hunk in changed] == [
        ["-    n_estimators: 100", "+    n_estimators: -5"]
    ]
    # Why the command is needed: what Git keeps is gone as well.
    assert not (copy.path / MODEL).exists()
    assert not (copy.path / "metrics/cross_validation.json").exists()

    back(copy)
    assert copy.changed() == []
    assert copy.outputs() == before
    copy.run("dvc", "status", "--quiet")


def test_a_refused_table_is_taken_back(copy: Copy) -> None:
    before, table = copy.outputs(), (copy.path / RAW).read_bytes()
    swap(RAW, "39.1", "long", 1)(copy.path)
    assert copy.run("dvc", "repro", check=False).returncode != 0
    assert not (copy.path / "metrics/prepare.json").exists()

    back(copy, "params.yaml data")
    assert copy.changed() == []
    assert copy.outputs() == before
    assert (copy.path / RAW).read_bytes() == table
    copy.run("dvc", "status", "--quiet")


def test_params_are_laid_out_as_dvc_writes_them(project: Project) -> None:
    """So that `dvc exp run -S` and `exp apply` change only the lines of their params."""
    script = (
        "import io; from pathlib import Path; from ruamel.yaml import YAML\n"
        "text = Path('params.yaml').read_text(encoding='utf-8'); out = io.StringIO()\n"
        "yaml = YAML(); yaml.dump(yaml.load(text), out); assert out.getvalue() == text\n"
    )
    project.run("python", "-c", script)
