"""The seam: the library finds the owner's package, and says what that lacks."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlrepo.core import owner
from mlrepo.core.errors import ProjectError

real: Callable[[], str] = owner.name  # conftest puts another in its place


def find_name() -> str:
    """Read the name anew each time, as each test has a file of its own."""
    owner._named.cache_clear()
    return real()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of the package `mine`, without a module."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(owner, "name", find_name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "mine"]:
        monkeypatch.delitem(sys.modules, name)
    write("mine/__init__.py", "")
    write("pyproject.toml", '[tool.mlrepo]\npackage = "mine"\n')
    return tmp_path


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        '[tool.mlrepo]\npackage = "mine"\n',
        "[project]\nname = 'x'\n[tool.mlrepo]\n# Ours.\npackage='mine'  # it is\n[tool.x]\n",
        '[tool.other]\npackage = "other"\n\n[tool.mlrepo]\npackage = "mine"\n',
        '[ tool . mlrepo ] # ours\r\n"package" = "mine"\r\n',
        '[tool]\nmlrepo = {package = "mine"}\n[x]\npackage = "other"\n',
        '[tool.mlrepo]\nmore = [\n[1],\n]\n  package = "mine"\n',
    ],
)
def test_the_name_is_found_however_the_section_is_written(folder: Path, text: str) -> None:
    Path("pyproject.toml").write_bytes(text.encode())
    assert find_name() == "mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"^pyproject\.toml does not exist: run this in the project's folder$"),
        ("", r"^pyproject\.toml does not name the package .* add the section \[tool\.mlrepo\]"),
        ("[tool.mlrepo]\npackage = 1\n", r"does not name the package of this project"),
        ("[tool.mlrepo]\n[tool.x]\npackage = 'other'\n", r"does not name the package"),
        ("<<<<<<< HEAD\n", r"^pyproject\.toml is not valid TOML \(.*line 1"),
    ],
)
def test_a_name_that_is_not_there_is_one_message(
    folder: Path, text: str | None, message: str
) -> None:
    Path("pyproject.toml").unlink()
    if text is not None:
        write("pyproject.toml", text)
    with pytest.raises(ProjectError, match=message):
        find_name()


def test_a_package_or_module_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(ProjectError, match=r"^mine/data\.py does not exist: pyproject\.toml names"):
        owner.add_features()
    write("pyproject.toml", "[tool.mlrepo]\npackage = 'yours'\n")
    with pytest.raises(ProjectError, match=r"^yours/metrics\.py does not exist: .* package yours$"):
        owner.metrics()


@pytest.mark.parametrize(
    ("ask", "module", "text", "lacks"),
    [
        (owner.add_features, "data", "add_feature = 1", "add_features"),
        (owner.metrics, "metrics", "CLASSIFICATION = REGRESSION = {}", "SMALLER_IS_BETTER"),
        (owner.load_params, "params", "", "Params"),
    ],
)
def test_what_a_module_lacks_is_named(
    folder: Path, ask: Callable[[], object], module: str, text: str, lacks: str
) -> None:
    write(f"mine/{module}.py", text)
    with pytest.raises(ProjectError, match=rf"^mine/{module}\.py has no `{lacks}`"):
        ask()


def test_what_a_module_imports_is_another_matter(folder: Path) -> None:
    write("mine/data.py", "from .lost import column")
    with pytest.raises(ModuleNotFoundError, match=r"mine\.lost"):
        owner.add_features()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("prepair", r"^mine has no page prepair\.py: did you mean 'prepare'\?$"),
        ("prepare.py", r"did you mean 'prepare'\?$"),
        ("Prepare", r"^mine has no page Prepare\.py: did you mean 'prepare'\?$"),
        ("../prepare", r"^mine has no page"),
        ("", r"^mine has no page \.py: its pages are prepare, train$"),
        ("--help", r"its pages are prepare, train$"),
        ("data", r"^mine/data\.py has no `main`"),
    ],
)
def test_a_stage_without_a_page_is_told(folder: Path, name: str, message: str) -> None:
    write("mine/data.py", "def mainly(): ...")
    for page in ("train", "prepare"):
        write(f"mine/{page}.py", "def main(params): ...")
    with pytest.raises(ProjectError, match=message):
        owner.stage(name)
    owner.stage("prepare")(None)
    with pytest.raises(ProjectError, match=r"mine/train.py has not left what"):
        owner.stage("train")(None)
