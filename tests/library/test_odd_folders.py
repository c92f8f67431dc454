"""Folders whose names mean something in an address: DVC's experiments in a copy fail below them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.cli import main as dvc  # type: ignore[import-untyped]

from mlrepo.pipeline.output import findings
from mlrepo.storage import doctor

from .repository import commit, git

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")
PIPELINE = """\
stages:
  copy:
    cmd: cp params.yaml copied
    params: [a]
    outs: [copied]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make the current folder a project with a stage that has run, below a folder of this name."""
    for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR", "SITE_CACHE_DIR"):
        monkeypatch.setenv(f"DVC_{name}", str(tmp_path / name))
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "test@example.com")

    def make(name: str) -> Path:
        folder = tmp_path / name / "project"
        folder.mkdir(parents=True)
        monkeypatch.chdir(folder)
        git("init", "--quiet")
        assert dvc(["init", "--quiet"]) == 0
        Path("params.yaml").write_text("a: 1\n", encoding="utf-8")
        Path("dvc.yaml").write_text(PIPELINE, encoding="utf-8")
        assert dvc(["repro", "--quiet"]) == 0
        commit()
        return folder

    return make


@pytest.mark.parametrize("letter", "#?" if os.environ.get("LONG") else "#")
def test_what_fails_is_told_with_a_way_out(
    project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, letter: str
) -> None:
    folder = project(f"nr. {letter}2")
    [told] = findings(doctor._folder())
    assert told.startswith(f"{folder} has {letter} in its path, below which DVC's experiments")
    # Once DVC can do this, there is nothing to tell any more.
    assert dvc(["exp", "run", "--quiet", "--temp", "-S", "a=2"]) != 0

    assert told.endswith("or run `dvc exp run` without --temp and --queue")
    assert dvc(["exp", "run", "--quiet", "--name", "here", "-S", "a=3"]) == 0
    assert Path("copied").read_text(encoding="utf-8") == "a: 3\n"
    git("checkout", "--quiet", ".")

    assert "rename that folder, or" in told
    renamed = folder.parent.rename(folder.parents[1] / "nr. 2") / "project"
    monkeypatch.chdir(renamed)
    assert findings(doctor._folder()) == []
    assert dvc(["exp", "run", "--quiet", "--temp", "--name", "copy", "-S", "a=2"]) == 0
    kept = git("for-each-ref", "--format=%(refname)", "refs/exps").splitlines()
    assert (
        git("show", f"{next(ref for ref in kept if ref.endswith('/copy'))}:params.yaml") == "a: 2"
    )


def test_what_dvc_left_in_its_cache_is_no_object(project: Callable[[str], Path]) -> None:
    folder = project("full")
    [kept] = (folder / ".dvc/cache/files/md5").glob("??/*")
    left = kept.with_name(".fI_5kqZYWnGxF7xOGsBxQ.tmp")
    left.write_bytes(b"the first half")
    [told] = findings(doctor._cache())
    assert told.endswith(
        f"{left.name} is left of a DVC that was cut off: delete it, if no DVC is at work"
    )
    left.unlink()
    kept.chmod(0o644)
    kept.write_bytes(b"another")
    [told] = findings(doctor._cache())
    assert told.endswith("is damaged: delete it, then `model pull --all` brings it again")
