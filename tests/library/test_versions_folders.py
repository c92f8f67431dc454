"""Folders among what a version is made from: code that Git keeps, and outputs of many files."""

import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.pipeline.commit import Commit
from mlrepo.pipeline.dvc_files import digest, files_in
from mlrepo.pipeline.dvc_lock import Lineage, at
from mlrepo.storage.store import hashes
from mlrepo.versions import diff, rebuild
from mlrepo.versions.records.claims import compare
from mlrepo.versions.records.kept import Kept, Node, as_folder
from mlrepo.versions.records.record import _files
from mlrepo.versions.registry import Version
from mlrepo.versions.restore import restore

from . import tagging
from .conftest import PYPROJECT

CODE, MODEL = "mlrepo/core", "models/model.skops"


def entry(path: str) -> Node:
    """Return the hashes of a file or a folder, as a record has them."""
    if Path(path).is_dir():
        return as_folder({name: hashes(Path(path, name)) for name in files_in(path)})
    return hashes(Path(path))


@dataclass
class Repository:
    """The current folder, whose only stage makes a model from a folder of code."""

    versions: list[Version] = field(default_factory=list)

    def __post_init__(self) -> None:
        git.git("init", "--quiet")
        for key, value in {"name": "Test", "email": "test@example.com"}.items():
            git.git("config", f"user.{key}", value)
        self.write("pyproject.toml", PYPROJECT)
        self.write("uv.lock", "")
        self.write(".gitignore", "__pycache__/\n")
        self.write(".dvcignore", "__pycache__/\n")
        self.write(MODEL, "a model")
        self.write(f"{CODE}/one.py", "one = 1\n")
        self.write(f"{CODE}/below/two.py", "two = 2\n")
        self.write(f"{CODE}/__pycache__/one.pyc", "compiled")
        self.write("mlrepo/commands/app.py", "app = 1\n")
        self.write("penguins/data.py", "")

    def write(self, path: str, text: str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")

    def commit(self, message: str) -> str:
        git.git("add", "--all")
        git.git("commit", "--quiet", "--message", message)
        return git.git("rev-parse", "HEAD").strip()

    def version(self, number: str, code: str = CODE) -> Version:
        """Run the stage, commit, and return a version with the record that `register` writes."""
        stage: dict[str, Any] = {"cmd": "make"}
        self.write("dvc.yaml", yaml.dump({"stages": {"train": stage}}))
        deps = [{"path": code, "md5": digest(code, Path())}]
        outs = [{"path": MODEL, "md5": digest(MODEL, Path())}]
        stage |= {"deps": deps, "outs": outs}
        self.write("dvc.lock", yaml.dump({"schema": "2.0", "stages": {"train": stage}}))
        files = {file["path"]: entry(file["path"]) | {"kept_by": "git"} for file in (*deps, *outs)}
        content = {
            "model": "model",
            "version": f"v{number}",
            "artifact": {"path": MODEL},
            "environment": {"lock": {"path": "uv.lock", **hashes(Path("uv.lock"))}},
            "stages": {"train": {"cmd": "make", "params": {}, "deps": [code], "outs": [MODEL]}},
            "metrics": {},
            "files": files,
        }
        commit = self.commit(f"Version {number}")
        self.versions.append(tagging.in_memory(number, commit, content))
        return self.versions[-1]


def files_of(version: Version) -> Node:
    """Return what a record would say of the files of a version's commit."""
    commit = version.tag.commit
    return _files(Lineage.of("model", MODEL, at(commit)), Commit(commit), Kept())


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    git.folder_in_repository.cache_clear()
    return Repository()


def test_a_record_names_the_files_that_dvc_counts(repository: Repository) -> None:
    files = repository.version("1.0.0").tag.record["files"]
    assert set(files[CODE]["parts"]) == {"one.py", "below/two.py"}
    assert files[CODE]["md5"].endswith(".dir")


def test_a_folder_kept_by_git_is_verified_file_by_file(repository: Repository) -> None:
    version = repository.version("1.0.0")
    files, derived = version.tag.record["files"], files_of(version)
    assert list(compare(files, derived)) == []
    part, other = files[CODE]["parts"]["one.py"], hashlib.sha256(b"another").hexdigest()
    part["sha256"], true = other, part["sha256"]
    assert list(compare(files, derived)) == [(f"{CODE}.parts.one.py.sha256", other, true)]
    del files[CODE]["parts"]["one.py"]
    [(name, claim, _)] = compare(files, derived)
    assert (name, claim) == (f"{CODE}.parts.one.py", None)


def test_what_dvc_leaves_out_counts_for_no_folder_of_a_commit(repository: Repository) -> None:
    repository.write(".gitignore", "")
    repository.write(".dvcignore", "__pycache__/\n*.tmp\n")
    repository.write(f"{CODE}/half.tmp", "")
    version = repository.version("1.0.0")
    assert f"{CODE}/__pycache__/one.pyc" in git.paths_at(version.tag.commit)
    assert list(compare(version.tag.record["files"], files_of(version))) == []


def test_code_that_is_not_what_dvc_lock_means_is_refused(repository: Repository) -> None:
    """As where a commit was amended by hand, or Git keeps other line ends than this folder has."""
    repository.version("1.0.0")
    repository.write(f"{CODE}/one.py", "one = 11\n")
    commit = repository.commit("Changed, and nothing was run")
    with pytest.raises(ProjectError, match=rf"names other files than are there: {CODE}$"):
        files_of(tagging.in_memory("1.1.0", commit, {}))


def test_a_dvc_lock_that_contradicts_itself_is_refused(repository: Repository) -> None:
    """A stage reads another file than the one before it has made."""
    repository.version("1.0.0")
    lock = yaml.load(Path("dvc.lock"))
    again = {"cmd": "again", "deps": [{"path": MODEL, "md5": "0" * 32}], "outs": []}
    repository.write("dvc.yaml", yaml.dump({"stages": {"train": {}, "again": {}}}))
    repository.write("dvc.lock", yaml.dump({"stages": {**lock["stages"], "again": again}}))
    commit = repository.commit("By hand")
    with pytest.raises(ProjectError, match=rf"names other files than are there: {MODEL}$"):
        files_of(tagging.in_memory("1.1.0", commit, {}))


def test_a_folder_kept_by_git_comes_back_without_what_was_added(repository: Repository) -> None:
    old = repository.version("1.0.0")
    repository.write(f"{CODE}/one.py", "one = 11\n")
    repository.write(f"{CODE}/new.py", "")
    repository.write("mlrepo/commands/app.py", "app = 2\n")
    repository.write("README.md", "new\n")
    shutil.rmtree(f"{CODE}/below")
    repository.version("1.1.0")
    branch, paths = restore(old)
    assert branch == "restore-model-v1.0.0"
    assert Path(f"{CODE}/one.py").read_text(encoding="utf-8") == "one = 1\n"
    assert Path(f"{CODE}/below/two.py").exists()
    assert not Path(f"{CODE}/new.py").exists()
    # The library is one thing: its commands go with what the stages use of it.
    assert Path("mlrepo/commands/app.py").read_text(encoding="utf-8") == "app = 1\n"
    assert Path("README.md").exists()
    assert f"{CODE}/new.py" in paths


def test_a_version_of_one_package_comes_back_as_one(repository: Repository) -> None:
    """Its stages and its commands were in the owner's package, beside each other."""
    shutil.rmtree("mlrepo")
    repository.write("penguins/core/one.py", "one = 1\n")
    repository.write("penguins/cli.py", "")
    old = repository.version("1.0.0", code="penguins/core")
    shutil.move("penguins/core", CODE)
    Path("penguins/cli.py").unlink()
    repository.write("penguins/train.py", "")
    repository.version("1.1.0")
    restore(old)
    assert Path("penguins/core/one.py").exists()
    assert Path("penguins/cli.py").exists()
    assert not Path("penguins/train.py").exists()


def test_code_in_a_folder_is_compared(repository: Repository) -> None:
    old = repository.version("1.0.0")
    repository.write(f"{CODE}/one.py", "one = 11\ntwo = 3\n")
    assert diff._code(old, repository.version("1.1.0")) == {f"{CODE}/one.py": "+2 -1 lines"}


def test_a_folder_that_a_stage_writes_is_compared_file_by_file(repository: Repository) -> None:
    repository.write("out/a.csv", "a\n")
    repository.write("out/below/b.csv", "b\n")
    repository.write("one.csv", "1\n")
    made = rebuild.Checkout(Path.cwd(), Path("python"))
    folder = entry("out")
    assert made.differing("out", folder) == []
    assert made.differing("one.csv", hashes(Path("one.csv"))) == []
    claim = hashes(Path("one.csv"))
    repository.write("out/a.csv", "changed\n")
    repository.write("out/new.csv", "")
    Path("out/below/b.csv").unlink()
    repository.write("one.csv", "2\n")
    assert made.differing("out", folder) == ["out/a.csv", "out/below/b.csv", "out/new.csv"]
    assert made.differing("one.csv", claim) == ["one.csv"]
