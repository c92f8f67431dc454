"""env.json says what uv.lock says."""

import re
from pathlib import Path

import pytest

from mlrepo.core import environment
from mlrepo.core.errors import ProjectError

COMMIT = "7bb4ba0226aff63cc4914dd4f5af79d28f80974e"
HASH = "sha256:2b2ab1d6e4b5cc2f"
# What uv writes, without the addresses of files; INDEX is filled in below.
LOCKED = """\
version = 1

[[package]]
name = "colorama"
version = "0.4.6"
INDEX

[[package]]
name = "copied"
version = "0.2"
source = { path = "../copied-0.2-py3-none-any.whl" }
wheels = [{ filename = "copied-0.2-py3-none-any.whl", hash = "sha256:2b2ab1d6e4b5cc2f" }]

[[package]]
name = "edited"
source = { editable = "../edited" }

[[package]]
name = "forked"
version = "1.0"
INDEX

[[package]]
name = "forked"
version = "2.0"
INDEX
dependencies = [{ name = "colorama" }]

[[package]]
name = "from-git"
version = "0.3"
source = { git = "https://example.com/from-git#7bb4ba0226aff63cc4914dd4f5af79d28f80974e" }

[[package]]
name = "linter"
version = "9.0"
INDEX

[[package]]
name = "penguins"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "copied" },
    { name = "edited" },
    { name = "forked", version = "1.0", INDEX, marker = "sys_platform == 'darwin'" },
    { name = "forked", version = "2.0", INDEX, marker = "sys_platform != 'darwin'" },
    { name = "from-git" },
    { name = "scikit-learn", extra = ["plots"] },
    { name = "windows-only", marker = "sys_platform == 'win32'" },
]

[package.optional-dependencies]
boost = [{ name = "boost-er" }]

[package.dev-dependencies]
dev = [{ name = "linter" }]

[[package]]
name = "boost-er"
version = "3.0"
INDEX
dependencies = [{ name = "scipy" }]

[[package]]
name = "plotter"
version = "4.0"
INDEX
# A circle, as of a package whose extra `all` names its others.
dependencies = [{ name = "scikit-learn", extra = ["plots"] }]

[[package]]
name = "scikit-learn"
version = "1.9.1"
INDEX
dependencies = [
    { name = "colorama", marker = "sys_platform == 'win32'" },
    { name = "scipy" },
]

[package.optional-dependencies]
docs = [{ name = "linter" }]
plots = [{ name = "plotter" }]

[[package]]
name = "scipy"
version = "1.17.1"
INDEX

[[package]]
name = "windows-only"
version = "5.0"
INDEX
""".replace("INDEX", 'source = { registry = "https://packages.example/simple" }')
SKLEARN = {"colorama": "0.4.6", "plotter": "4.0", "scikit-learn": "1.9.1", "scipy": "1.17.1"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what the stage reads."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uv.lock").write_text(LOCKED, encoding="utf-8")
    (tmp_path / ".python-version").write_text("3.12\n", encoding="utf-8")
    choose("sklearn.svm.SVC")
    return tmp_path


def choose(estimator: str) -> None:
    """Write params.yaml in the current folder."""
    Path("params.yaml").write_text(f"train:\n  estimator: {estimator}\n", encoding="utf-8")


def test_each_dependency_comes_with_all_that_it_needs(folder: Path) -> None:
    found = environment.describe()
    assert found["closures"]["scikit-learn"] == SKLEARN
    assert found["closures"]["windows-only"] == {"windows-only": "5.0"}
    direct = ["copied", "edited", "forked", "from-git", "scikit-learn", "windows-only"]
    assert list(found) == ["python", *direct, "estimator", "mlrepo", "closures"]
    assert list(found["closures"]) == [*direct, "estimator"]
    assert found["python"] == "3.12"


def test_a_line_changes_with_anything_that_a_package_needs(folder: Path) -> None:
    """Stages compare the lines, and not all that stands below."""
    before = environment.describe()
    assert before["windows-only"] == "5.0"
    version = SKLEARN["scikit-learn"]
    pattern = rf"{re.escape(version)} \({len(SKLEARN)} packages [0-9a-f]{{12}}\)"
    assert re.fullmatch(pattern, before["scikit-learn"])
    assert before["estimator"] == f"scikit-learn {before['scikit-learn']}"
    text = LOCKED.replace('version = "1.17.1"', 'version = "1.17.2"')
    assert text != LOCKED
    (folder / "uv.lock").write_text(text, encoding="utf-8")
    after = environment.describe()
    assert after["scikit-learn"] != before["scikit-learn"]
    assert after["windows-only"] == before["windows-only"]


def test_of_a_fork_every_version_counts(folder: Path) -> None:
    forked = environment.describe()["closures"]["forked"]
    assert forked == {"colorama": "0.4.6", "forked": "1.0 or 2.0"}


def test_code_from_elsewhere_is_named_with_its_place(folder: Path) -> None:
    found = environment.describe()["closures"]
    address = f"https://example.com/from-git#{COMMIT}"
    assert found["from-git"] == {"from-git": f"0.3 (git {address})"}
    assert found["copied"] == {"copied": f"0.2 (path ../copied-0.2-py3-none-any.whl) {HASH}"}
    assert found["edited"] == {"edited": "unversioned (editable ../edited)"}


def test_a_tool_of_developers_is_left_out(folder: Path) -> None:
    before = environment.describe()
    text = LOCKED.replace('version = "9.0"', 'version = "9.1"')
    (folder / "uv.lock").write_text(text, encoding="utf-8")
    assert text != LOCKED
    assert environment.describe() == before


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        ("sklearn.svm.SVC", SKLEARN),
        ("edited.Booster", {"edited": "unversioned (editable ../edited)"}),
        ("plotter.Below", {"plotter": "4.0", **SKLEARN}),
        ("penguins.model.Mine", {}),
    ],
)
def test_the_estimators_package_is_found(
    folder: Path, estimator: str, expected: dict[str, str]
) -> None:
    choose(estimator)
    assert environment.describe()["closures"]["estimator"] == expected


def test_the_estimators_line_changes_with_what_can_be_inside_it(folder: Path) -> None:
    """Direct dependencies that need NumPy, as those that hold estimators do."""

    def line(version: str, needs: str) -> str:
        text = LOCKED.replace('{ name = "copied" },', '{ name = "copied" }, { name = "boost-er" },')
        text = text.replace('version = "3.0"', f'version = "{version}"')
        text = text.replace('dependencies = [{ name = "scipy" }]', f"dependencies = [{needs}]")
        numpy = '\n[[package]]\nname = "numpy"\nversion = "2.4.0"\nsource = { registry = "x" }\n'
        (folder / "uv.lock").write_text(text + numpy, encoding="utf-8")
        found = environment.describe()
        assert found["closures"]["estimator"] == SKLEARN
        return str(found["estimator"])

    needs = '{ name = "numpy" }'
    assert line("3.0", needs) != line("3.1", needs)
    assert line("3.0", needs).startswith("scikit-learn 1.9.1 (6 packages ")
    assert line("3.0", '{ name = "scipy" }') == line("3.1", '{ name = "scipy" }')


@pytest.mark.parametrize(
    ("estimator", "package", "command"),
    [
        ("cat_boost.Classifier", "cat-boost", "uv add cat-boost"),
        # In the lock, but of an extra or of a group: not every machine installs it.
        ("boost_er.Booster", "boost-er", "uv add boost-er"),
        ("linter.Booster", "linter", "uv add linter"),
        (
            "xgboost.dask.DaskXGBClassifier",
            "xgboost and dask[dataframe] and distributed",
            "uv add xgboost 'dask[dataframe]' distributed",
        ),
    ],
)
def test_an_estimator_of_a_package_that_is_no_dependency_is_refused(
    folder: Path, estimator: str, package: str, command: str
) -> None:
    choose(estimator)
    says = f"train.estimator is {estimator}, and the project does not depend on {package}: run"
    with pytest.raises(ProjectError, match=re.escape(f"{says} `{command}`")):
        environment.describe()


def test_it_is_a_dependency_from_then_on(folder: Path) -> None:
    choose("boost_er.Booster")
    text = LOCKED.replace('{ name = "copied" },', '{ name = "copied" }, { name = "boost-er" },')
    (folder / "uv.lock").write_text(text, encoding="utf-8")
    found = environment.describe()["closures"]
    assert found["estimator"] == found["boost-er"] == {"boost-er": "3.0", "scipy": "1.17.1"}


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("uv.lock", None, r"uv\.lock does not exist: `uv lock` makes it"),
        ("uv.lock", "<<<<<<< HEAD\n", r"uv\.lock is not valid TOML .*: delete it, and `uv lock`"),
        ("uv.lock", "version = 1\n", r"uv\.lock does not name this project"),
        (".python-version", None, r"\.python-version does not exist: run `python bootstrap.py`"),
        (".python-version", "pypy", r"\.python-version must hold a version .*, not 'pypy'"),
        ("params.yaml", "train: {estimator: }\n", r"train\.estimator must be the dotted name"),
        ("params.yaml", "- 1\n", r"train\.estimator must be the dotted name"),
    ],
)
def test_what_is_missing_or_broken_is_named_with_the_fix(
    folder: Path, file: str, text: str | None, message: str
) -> None:
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=message):
        environment.describe()
