"""What the exceptions of other packages are told as; real ones, as the packages raise them."""

import json
import os
import socket
import subprocess
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from dvc.config import Config  # type: ignore[import-untyped]
from dvc.exceptions import CheckoutError  # type: ignore[import-untyped]
from dvc.lock import LockError  # type: ignore[import-untyped]
from dvc.repo import Repo  # type: ignore[import-untyped]
from dvc.utils.serialize import parse_yaml  # type: ignore[import-untyped]
from pydantic import BaseModel
from ruamel.yaml import YAML
from scmrepo.git import Git

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError, known, shell, told
from mlrepo.core.sections import parse
from mlrepo.versions.rules.policy import Gate

from . import repository

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

CONFLICT = "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> theirs\n"


class Row(BaseModel):
    a: int


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit, as the current folder."""
    for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR", "SITE_CACHE_DIR"):
        monkeypatch.setenv(f"DVC_{name}", str(tmp_path / name))
    project = tmp_path / "project"
    (project / ".dvc").mkdir(parents=True)
    monkeypatch.chdir(project)
    for name in ("dvc.yaml", "params.yaml", ".dvc/config", "dvc.lock"):
        Path(name).touch()
    repository.git("init", "--quiet")
    repository.commit()
    return project


def dvc_reads(name: str, content: str) -> None:
    """Let DVC read a file of its own."""
    Path(name).write_text(content, encoding="utf-8")
    with Repo() as repo:
        repo.index.outs  # noqa: B018


def dvc_reads_config() -> None:
    Path(".dvc/config").write_text("[remote", encoding="utf-8")
    Config.from_cwd()


def locked() -> None:
    raise LockError("Unable to acquire lock")


def unplaced() -> None:
    raise CheckoutError(["models/model.skops"], {})


def no_python() -> None:
    Path("data.py").write_text("def (", encoding="utf-8")
    compile(Path("data.py").read_bytes(), "data.py", "exec")


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5)


FREE = ": free some space on the disk and run this again"
BACK = "`git checkout HEAD -- {}` brings the committed one back"
KNOWN: list[tuple[Callable[[], object], str, str]] = [
    (lambda: dvc_reads("dvc.yaml", "a: ["), "dvc.yaml is not valid YAML: line", BACK),
    (lambda: dvc_reads("dvc.yaml", CONFLICT), "the marks of a Git conflict in line 1", BACK),
    (lambda: dvc_reads("dvc.yaml", "stages: 1"), "dvc.yaml is not as DVC wants it: stages", BACK),
    (lambda: parse_yaml("a: [", "params.yaml"), "DVC: unable to read", "`git log"),
    (dvc_reads_config, "DVC's settings: ", "`git checkout HEAD -- .dvc/config`"),
    (lambda: Repo("/"), ".dvc/config does not exist", "`git log -- .dvc/config`"),
    (locked, "DVC is at work in this folder, or was killed", "`rm -f .dvc/tmp/lock"),
    (unplaced, "DVC has no models/model.skops to put here", "`model pull`"),
    (lambda: Git("/"), "Git: ", "`python bootstrap.py` makes one"),
    (lambda: run("git", "no"), "`git no` failed", "run it yourself"),
    (lambda: run("no-such-tool"), "no-such-tool is not in PATH", "install it"),
    (no_python, "data.py is no Python in line 1", "fix it"),
    (lambda: Path("gone.csv").read_bytes(), "gone.csv does not exist", "`dvc checkout`"),
    (lambda: Path().read_bytes(), ". cannot be used (Is a directory)", "move away"),
    (lambda: b"\xff".decode(), "a text file is not UTF-8", "`git diff`"),
    (lambda: json.loads("{"), "a JSON file cannot be read", "`git diff`"),
    (lambda: tomllib.loads("["), "a TOML file cannot be read", "`git diff`"),
    (lambda: YAML().load("["), "a YAML file cannot be read", "`git diff`"),
    (lambda: pl.DataFrame({"a": [1]}).select("b"), "the table cannot be used", "schema.yaml"),
    (lambda: Row(a="x"), "a value is not as it must be", "`git diff`"),  # type: ignore[arg-type]
    (unreachable, "a server cannot be reached", "check the network"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "says", "fix"), KNOWN, ids=[says for _, says, _ in KNOWN])
def test_it_is_told_with_what_helps(act: Callable[[], object], says: str, fix: str) -> None:
    with pytest.raises(ProjectError) as caught, told():
        act()
    words = str(caught.value)
    assert says in words
    assert fix.format("dvc.yaml") in words


def test_a_defect_is_none_of_them() -> None:
    with pytest.raises(KeyError), told():
        dict[str, int]()["a"]
    with pytest.raises(ZeroDivisionError), told():
        1 / 0  # noqa: B018
    assert known.explain(AssertionError()) is None


def test_a_file_comes_back_from_where_it_is() -> None:
    """From the last commit, if that has another one; nobody edits a dvc.lock."""
    assert known.how_to_fix("params.yaml") == (
        "fix it; `git log -- params.yaml` names the commits that changed it"
    )
    assert known.how_to_fix("dvc.lock") == "delete it, and `dvc repro` makes it anew"
    for name in ("params.yaml", "dvc.lock"):
        Path(name).unlink()
    assert known.brought_back("params.yaml") == (
        "`git checkout HEAD -- params.yaml` brings the committed one back"
    )
    assert known.brought_back("dvc.lock").endswith("and `dvc repro` then brings it up to date")
    assert known.brought_back("new.yaml", "make it") == "make it"
    repository.git("checkout", "HEAD", "--", "params.yaml")
    assert Path("params.yaml").exists()


@pytest.mark.skipif(os.name == "nt", reason="such a name is none there")
def test_a_file_of_a_commit_is_asked_of_git_by_both() -> None:
    commit = repository.git("rev-parse", "HEAD")
    Path("versions.yaml").write_text("a: [", encoding="utf-8")
    for text, name in (("a: [", f"versions.yaml of {commit[:7]}"), (CONFLICT, "x of abcdef0")):
        with pytest.raises(ProjectError) as caught:
            yaml.parse(text, name)
        file, _, short = name.partition(" of ")
        assert str(caught.value).endswith(f": `git log -p {short} -- {file}` tells since when")
    with pytest.raises(ProjectError, match=r"is empty: `git log -p abcdef0 -- a\.yaml` tells"):
        parse(None, Gate, "a.yaml of abcdef0")


def test_an_odd_name_is_one_word_of_a_command() -> None:
    odd = "a b#'%ü.csv"
    Path(odd).touch()
    repository.commit()
    Path(odd).unlink()
    _, command, *_ = known.brought_back(odd).split("`")
    subprocess.run(command, shell=True, check=True, capture_output=True)
    assert Path(odd).exists()


def test_windows_takes_it_in_double_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as there:  # pytest itself must not see it
        there.setattr(os, "name", "nt")
        found = [shell.quoted(each) for each in (r"C:\a\b.csv", r"C:\a b\c#'.csv")]
    assert found == [r"C:\a\b.csv", '"C:\\a b\\c#\'.csv"']


def test_advice_of_git_is_left_out_where_there_is_ours() -> None:
    said = "fatal: no '.git/index.lock': File exists.\n  \n  Another git process seems to be"
    assert known.of_git(said).splitlines() == [
        "fatal: no '.git/index.lock': File exists: if no Git is at work, `rm .git/index.lock`"
    ]


def test_the_file_in_the_place_of_a_folder_is_named() -> None:
    Path(".dvc/cache").touch()
    with pytest.raises(NotADirectoryError) as caught:
        Path(".dvc/cache/files/md5/6e").mkdir()
    assert str(known.explain(caught.value)).startswith(".dvc/cache cannot be used (Not a dir")


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("fatal: not a git repository", ": `python bootstrap.py` makes one"),
        ("fatal: index file too small", ": `rm .git/index` and `git reset` make it anew"),
        ("fatal: no '.git/index.lock'", ": if no Git is at work, `rm .git/index.lock`"),
        ("fatal: .git/index.lock: No space left on device", FREE),
        ("error: Out of diskspace\nfatal: unable to write new index file .git/index.lock", FREE),
        ("error: unable to write file .git/objects/x: Permission denied", ""),
        ("hint: git config --add safe.directory /x", ""),
        ("fatal: odd", ""),
    ],
)  # fmt: skip
def test_what_git_says_has_what_helps(said: str, fix: str) -> None:
    assert known.of_git(said) == said + fix
