"""Whatever makes dvc.lock stale is named, nothing else is, and DVC says the same."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import status

from .stale import BLIND, CHANGES, FILES, edit, md5

# Of pygtrie, which DVC calls in an old way.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")


@pytest.fixture(scope="module", autouse=True)
def own_dvc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's settings of DVC out, and its notes on these projects out of the system."""
    folder = tmp_path_factory.mktemp("dvc")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR", "SITE_CACHE_DIR"):
            patch.setenv(f"DVC_{name}", str(folder / name))
        # Commands of stages say `python`.
        scripts = str(Path(sys.executable).parent)
        patch.setenv("PATH", os.pathsep.join([scripts, os.environ["PATH"]]))
        yield


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, own_dvc: None) -> Path:
    """Stages that DVC ran, so that each dvc.lock is its own."""
    from dvc.repo import Repo  # type: ignore[import-untyped]

    folder = tmp_path_factory.mktemp("locked")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with Repo() as repo:
            repo.add(["data/table.csv", "data/parts"])
            repo.reproduce(all_pipelines=True)
    return folder


@pytest.fixture
def folder(locked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy as the current folder."""
    copy = tmp_path / "copy"
    shutil.copytree(locked, copy)
    monkeypatch.chdir(copy)
    return copy


def test_nothing_is_stale_after_a_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status.report() == status.Report()
    assert status.check()
    assert capsys.readouterr().out == "dvc.lock is up to date\n"


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_stale_is_named(folder: Path, change: str) -> None:
    act, expected = CHANGES[change]
    act()
    assert status.report().stale == expected


def test_dvc_agrees(folder: Path) -> None:
    from dvc.repo import Repo

    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with Repo() as repo:
        assert repo.status() == {}
    for change, (act, expected) in CHANGES.items():
        act()
        with Repo() as repo:
            stale = {name for name in repo.status() if not name.endswith(".dvc")}
        named = {line.partition(": ")[0] for line in expected}
        assert stale == (set() if change in BLIND else named), change
        for path in folder.glob("code/*"):
            if path.is_file() and path not in before:
                path.unlink()
        for path, content in before.items():
            if ".dvc" not in path.relative_to(folder).parts:
                path.write_bytes(content)


def test_what_is_no_code_makes_a_folder_of_code_not_stale(folder: Path) -> None:
    from dvc.repo import Repo

    Path("code/deep/__pycache__").mkdir()
    for name in ("deep/__pycache__/two.cpython-312.pyc", "one.py~"):
        (Path("code") / name).write_bytes(b"\0")
    assert status.report() == status.Report()
    with Repo() as repo:
        assert repo.status() == {}


def test_a_checkout_without_git_is_read_as_a_whole(folder: Path) -> None:
    """As the hook pre-commit makes one of the index."""
    shutil.rmtree(".git")
    shutil.rmtree("ignored")  # is in no index
    edit("below/params.yaml", "third", "fourth")
    assert status.report().stale == CHANGES["a value below"][1]


def test_what_is_in_no_clone_is_set_aside(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("data/table.csv", "joined.csv", "rest.csv", "third.txt"):
        Path(name).unlink()
    shutil.rmtree("data/parts")
    found = status.report()
    assert found.stale == []
    raw = {"data/table.csv", "data/parts", "data/parts/1.csv"}
    assert found.absent == raw | {"joined.csv", "rest.csv", "third.txt"}
    assert status.check()
    assert "up to date; 6 files of DVC's are not on this machine" in capsys.readouterr().out

    edit("data/table.csv.dvc", "md5: ", "md5: 0")
    assert status.report().stale == ["join: data/table.csv has changed"]


def test_one_side_of_a_merge_is_stale(folder: Path) -> None:
    """Each stage of dvc.lock may come from another run."""
    lock = yaml.load(Path("dvc.lock"))
    lock["stages"]["join"]["outs"][0]["md5"] = md5("copy.py")
    Path("dvc.lock").write_text(yaml.dump(lock), encoding="utf-8")
    Path("joined.csv").unlink()
    assert status.report().stale == ["count: joined.csv has changed"]


def test_what_is_stale_is_told_with_the_fix(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("params.yaml", "depth: 3", "depth: 4")
    assert not status.check()
    assert capsys.readouterr().out.splitlines()[1:] == [status.FIX]


def test_what_only_dvc_can_read_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit("dvc.yaml", new="  each: {foreach: [1, 2], do: {cmd: echo}}")
    edit("dvc.yaml", new="  cold: {cmd: echo, frozen: true}")
    edit("below/dvc.yaml", new="  there: {cmd: echo}")
    assert status.check()
    why = "foreach, matrix, vars or another folder: only `dvc status` can compare it"
    assert capsys.readouterr().out.splitlines() == [
        f"each: {why}",
        f"below/dvc.yaml:there: {why}",
        "dvc.lock is up to date",
    ]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("dvc.lock", None, r"^dvc\.lock does not exist: run `dvc repro`"),
        ("below/dvc.lock", None, r"^below/dvc\.lock does not exist: run `dvc repro"),
        ("below/dvc.lock", "=\n>>>>>>> b\n", r"marks of a Git conflict in line 2: delete it, and "),
        ("below/dvc.yaml", "stages: {a: {wdir: .., cmd: '${no}'}}", r"^below/dvc\.yaml: .*no v"),
        ("dvc.lock", "<<<<<<< HEAD\n", r"marks of a Git conflict in line 1: delete it, and"),
        ("dvc.lock", "schema: '2.0'\n", r"dvc\.lock: stages must hold keys and values"),
        ("dvc.yaml", "stages: {a: {cmd: '${join.no}'}}", r"\$\{join\.no\} names no value"),
        ("dvc.yaml", "stages: [", r"dvc\.yaml is not valid YAML: line \d"),
        ("dvc.yaml", None, r"^dvc\.yaml does not exist: `git log -- dvc\.yaml` names"),
        ("env.json", "{", r"env\.json is not valid JSON"),
        ("data/table.csv.dvc", "- a", r"table\.csv\.dvc must hold keys and values"),
    ],
)
def test_what_cannot_be_compared_is_an_error(
    folder: Path, file: str, text: str | None, message: str
) -> None:
    if text is None:
        Path(file).unlink()
    else:
        Path(file).write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=message):
        status.report()


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("dvc.yaml", "", "zzz: 1", "zzz is no key of DVC's"),
        ("dvc.yaml", "    outs: ", "    out: ", "stages.join.out is no key of DVC's"),
        ("dvc.yaml", "[joined.csv, rest.csv]", "joined.csv", "stages.join.outs cannot be 'joined"),
        ("dvc.yaml", "cache: false", "cach: false", r"stages.count.metrics[0].${count.to}.cach is"),
        ("dvc.yaml", "    cmd: python copy.py j", "    desc: j", "stages.count has no cmd"),
        ("dvc.yaml", "", "  a: {foreach: [1]}", "stages.a has no do"),
        ("dvc.lock", "", "zzz: 1", "zzz is no key of DVC's"),
        ("dvc.lock", "    outs:", "    out:", "stages.join.out is no key"),
        ("dvc.lock", "schema: '2.0'", "", "the whole has no schema"),
    ],
)
def test_what_dvc_refuses_is_refused(
    folder: Path, file: str, old: str, new: str, said: str
) -> None:
    from dvc.repo import Repo
    from dvc.utils.strictyaml import YAMLValidationError  # type: ignore[import-untyped]

    edit(file, old, new)
    with pytest.raises(ProjectError) as refused:
        status.report()
    assert str(refused.value).startswith(f"{file} is not as DVC wants it: {said}")
    with pytest.raises(YAMLValidationError), Repo() as repo:
        repo.status()


def test_a_refusal_shows_five_of_many() -> None:
    found = status.Report(stale=[f"train: {number} has changed" for number in range(40)])
    with pytest.raises(ProjectError) as refused:
        found.refuse_stale("dvc.lock is stale:")
    lines = str(refused.value).splitlines()
    assert lines[1:6] == [f"  {line}" for line in found.stale[:5]]
    assert lines[6:] == ["  ...", f"  {status.FIX}"]
