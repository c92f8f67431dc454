"""The owner's code of a commit: what it runs, and what counts as another code in this folder."""

import subprocess
from pathlib import Path

import polars as pl
import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.versions.committed_code import CommittedCode

from .conftest import OWNER

DATA = """
import polars as pl

{imports}


def add_features(table: pl.LazyFrame) -> pl.LazyFrame:
    return table.with_columns(b={call}(pl.col("a")))
"""
IMPORTS = {
    "from .helpers.ratios import ratio": "ratio",
    "from . import helpers": "helpers.ratio",
    "from penguins.helpers.ratios import ratio": "ratio",
    "import os, penguins.helpers.ratios": "penguins.helpers.ratios.ratio",
    "import penguins.helpers.ratios as r": "r.ratio",
    "def late(x):\n    from .helpers import ratio\n    return ratio(x)": "late",
}
MODEL = """
from sklearn.base import BaseEstimator

from .params import Params
from .own import helper


class Same(BaseEstimator):
    def transform(self, x):
        return helper(x)


def build(params: Params) -> Params:
    return params
"""


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty repository, as the current folder."""
    monkeypatch.chdir(tmp_path)
    git.folder_in_repository.cache_clear()
    subprocess.run(["git", "init", "--quiet"], check=True)


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def commit() -> CommittedCode:
    """Commit all, and return the owner's code in it."""
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    subprocess.run(["git", "add", "--all"], check=True)
    subprocess.run(["git", *who, "commit", "--quiet", "--message", "Code"], check=True)
    return CommittedCode(git.git("rev-parse", "HEAD").strip())


def package(data: str = "", model: str = "", new: bool = True) -> None:
    """Write an owner's package, in the layout of today or in that of before mlrepo 1.0."""
    write(f"{OWNER}/__init__.py", '"""Mine."""\n')
    write(f"{OWNER}/data.py", data)
    write(f"{OWNER}/model.py", model)
    write(f"{OWNER}/own.py", "def helper(x):\n    return x\n")
    write(f"{OWNER}/params.py", "class Params: ...\n")
    write(f"{OWNER}/helpers/__init__.py", "from .ratios import ratio\n")
    write(f"{OWNER}/helpers/ratios.py", "def ratio(x):\n    return x / 2\n")
    if new:
        write("mlrepo/__init__.py", "")


@pytest.mark.parametrize("imports", IMPORTS)
def test_data_py_runs_with_all_that_it_imports_as_committed(imports: str) -> None:
    package(DATA.format(imports=imports, call=IMPORTS[imports]))
    code = commit()
    write(f"{OWNER}/helpers/ratios.py", "def ratio(x):\n    return x / 4\n")
    made = code.load("data").add_features(pl.LazyFrame({"a": [8]})).collect()
    assert made["b"].to_list() == [4]
    newer = commit().load("data").add_features(pl.LazyFrame({"a": [8]})).collect()
    assert newer["b"].to_list() == [2]
    assert code.load("data") is code.load("data")


def test_data_py_may_open_a_file_beside_it() -> None:
    package(
        "from pathlib import Path\nread = lambda: (Path(__file__).parent / 'a.txt').read_text()"
    )
    write(f"{OWNER}/a.txt", "then")
    code = commit()
    write(f"{OWNER}/a.txt", "now")
    assert code.load("data").read() == "then"


@pytest.mark.parametrize("text", ["import no_such_package", "def add_features(", "1 / 0"])
def test_code_that_does_not_run_here_is_told(text: str) -> None:
    package(text)
    code = commit()
    with pytest.raises(ProjectError, match=rf"{OWNER}/data\.py of the commit .* does not run here"):
        code.load("data")
    with pytest.raises(ProjectError, match=r"has no penguins/nothing\.py"):
        code.load("nothing")


@pytest.mark.parametrize(
    ("path", "text", "changed"),
    [
        ("model.py", MODEL, []),
        ("model.py", MODEL.replace("helper(x)", "helper(x) + 1"), ["model.py"]),
        ("model.py", f'"""New."""\n# New.\nimport os{MODEL}', []),
        (
            "model.py",
            MODEL.replace("return helper(x)", "return (\n            helper(x)\n        )"),
            [],
        ),
        ("own.py", "def helper(x):\n    return x + 1\n", ["own.py"]),
        ("own.py", None, ["own.py"]),
        ("params.py", "class Params:\n    new: int\n", []),  # stands in annotations alone
        ("data.py", "new = 1\n", []),
        ("helpers/ratios.py", "new = 1\n", []),
        ("__init__.py", "new = 1\n", ["__init__.py"]),
    ],
)
def test_what_a_model_holds_is_compared_with_all_that_it_uses(
    path: str, text: str | None, changed: list[str]
) -> None:
    package(model=MODEL)
    code = commit()
    if text is None:
        Path(OWNER, path).unlink()
    else:
        write(f"{OWNER}/{path}", text)
    assert code.changed({f"{OWNER}.model"}) == [f"{OWNER}/{each}" for each in changed]
    assert code.changed(set()) == []


def test_a_class_outside_model_py_is_compared() -> None:
    package()
    code = commit()
    write(f"{OWNER}/helpers/ratios.py", "def ratio(x):\n    return x / 4\n")
    assert code.changed({f"{OWNER}.helpers.ratios"}) == [f"{OWNER}/helpers/ratios.py"]
    assert code.changed({f"{OWNER}.helpers"}) == [f"{OWNER}/helpers/ratios.py"]
    assert code.changed({f"{OWNER}.model"}) == []


def test_the_move_to_two_packages_changes_no_class() -> None:
    old = MODEL.replace("from .own", "from .errors import ProjectError\nfrom .own")
    old = old.replace("return params", "raise ProjectError")
    package(model=old, new=False)
    write(f"{OWNER}/errors.py", "class ProjectError(Exception): ...\n")
    code = commit()
    Path(OWNER, "errors.py").unlink()
    write(f"{OWNER}/model.py", old.replace(".errors", "mlrepo.core.errors"))
    write("mlrepo/__init__.py", "")
    assert code.changed({f"{OWNER}.model"}) == []
    write(f"{OWNER}/own.py", "def helper(x):\n    return x + 1\n")
    assert code.changed({f"{OWNER}.model"}) == [f"{OWNER}/own.py"]


def test_data_py_of_one_package_runs_with_its_errors() -> None:
    package("from .errors import ProjectError\nadd_features = ProjectError\n", new=False)
    write(f"{OWNER}/errors.py", "class ProjectError(Exception): ...\n")
    code = commit()
    Path(OWNER, "errors.py").unlink()
    assert issubclass(code.load("data").add_features, Exception)
