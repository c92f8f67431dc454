"""Which code and which packages go along with a model."""

import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.versions.bundle.code import SCRIPT, Code
from mlrepo.versions.bundle.packages import requirements

from .conftest import OWNER, PROJECT

WHO = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
PYPROJECT = """
[project]
name = "herds"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["NumPy>=2", "typer"]

[project.optional-dependencies]
xgboost = ["xgboost>=3"]
cluster = ["distributed"]

[dependency-groups]
dev = ["pytest"]
"""
NEEDS = {
    "numpy": [],
    "typer": ["click"],
    "click": [],
    "xgboost": ["numpy"],
    "distributed": ["click"],
}


def lock() -> str:
    """Return a uv.lock in which each package has a wheel."""
    tables = ['version = 1\nrevision = 3\nrequires-python = ">=3.11"']
    for name, needs in [*NEEDS.items(), ("pytest", [])]:
        lines = [f'[[package]]\nname = "{name}"\nversion = "2.0"']
        lines.append('source = { registry = "https://index.example/simple" }')
        if needs:
            named = ", ".join(f'{{ name = "{each}" }}' for each in needs)
            lines.append(f"dependencies = [{named}]")
        file = f"https://index.example/{name}-2.0-py3-none-any.whl"
        lines.append(f'wheels = [{{ url = "{file}", hash = "sha256:{name.encode().hex():0<64}" }}]')
        tables.append("\n".join(lines))
    tables.append(
        '[[package]]\nname = "herds"\nversion = "0.1.0"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "numpy" }, { name = "typer" }]\n\n'
        '[package.optional-dependencies]\ncluster = [{ name = "distributed" }]\n'
        'xgboost = [{ name = "xgboost" }]\n\n[package.dev-dependencies]\n'
        'dev = [{ name = "pytest" }]\n\n[package.metadata]\nrequires-dist = [\n'
        '  { name = "distributed", marker = "extra == \'cluster\'" },\n'
        '  { name = "numpy", specifier = ">=2" },\n  { name = "typer" },\n'
        '  { name = "xgboost", marker = "extra == \'xgboost\'", specifier = ">=3" },\n]\n'
        'provides-extras = ["xgboost", "cluster"]\n\n[package.metadata.requires-dev]\n'
        'dev = [{ name = "pytest" }]'
    )
    return "\n\n".join(tables) + "\n"


@pytest.fixture
def commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The library with an owner's package and a lock, in a repository."""
    monkeypatch.chdir(tmp_path)
    git.folder_in_repository.cache_clear()
    shutil.copytree(PROJECT / "mlrepo", "mlrepo", ignore=shutil.ignore_patterns("__pycache__"))
    files = {
        "__init__.py": "",
        "data.py": "from .codes import read\n",
        "codes.py": "import json\n",
        "codes.csv": "a,b\n",
        "model.py": "import xgboost\n",
        "own.py": "from mlrepo.learning.encoders import DateEncoder\n",
    }
    Path(OWNER).mkdir()
    for name, text in files.items():
        Path(OWNER, name).write_text(text, encoding="utf-8")
    Path("pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    Path("uv.lock").write_text(lock(), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], check=True)
    subprocess.run(["git", "add", "--all"], check=True)
    subprocess.run(["git", *WHO, "commit", "--quiet", "--message", "All"], check=True)
    return git.git("rev-parse", "HEAD").strip()


def model(*modules: str) -> Path:
    """Return a file that names classes of these modules, as a model file does."""
    path = Path("model.skops")
    with zipfile.ZipFile(path, "w") as archive:
        content = [{"__class__": "Any", "__module__": module} for module in modules]
        archive.writestr("schema.json", json.dumps(content))
    return path


def test_code_is_what_predictions_import_and_files_beside_it(commit: str) -> None:
    code = Code.of(commit, model("sklearn.pipeline"))
    own = {path for path in code.files if path.startswith(OWNER)}
    assert own == {
        f"{OWNER}/{name}" for name in ("__init__.py", "data.py", "codes.py", "codes.csv")
    }
    library = {path for path in code.files if path.startswith("mlrepo/")}
    assert {"mlrepo/prediction/released.py", "mlrepo/learning/model_file/canonical.py"} < library
    folders = {path.split("/")[1] for path in library if path.count("/") > 1}
    assert folders == {"core", "learning", "pipeline", "prediction", "tables"}
    assert len(library) <= 50
    assert {"numpy", "polars", "pydantic", "skops"} < code.imports
    assert code.own == {"sklearn"}


def test_a_model_of_own_classes_brings_their_code_and_packages(commit: str) -> None:
    code = Code.of(commit, model(f"{OWNER}.own", f"{OWNER}.model", "lightgbm.sklearn"))
    assert {f"{OWNER}/own.py", "mlrepo/learning/encoders.py"} < code.files.keys()
    assert code.own == {"lightgbm", "xgboost"}


def test_an_archive_runs_from_anywhere_and_has_the_same_bytes(commit: str, tmp_path: Path) -> None:
    code = Code.of(commit, model())
    assert code.archive() == Code.of(commit, model()).archive()
    with zipfile.ZipFile(io.BytesIO(code.archive())) as archive:
        assert archive.namelist() == sorted(code.files)
        assert archive.testzip() is None
    assert SCRIPT in git.paths_at(commit)


@pytest.mark.parametrize(
    ("imports", "own", "expected"),
    [
        ({"numpy"}, set(), {"numpy"}),
        ({"numpy", "typer"}, set(), {"numpy", "typer", "click"}),
        ({"numpy"}, {"xgboost"}, {"numpy", "xgboost"}),
        # What the library can use is no reason to install an extra.
        ({"numpy", "distributed"}, {"numpy"}, {"numpy"}),
        (set(), {"distributed"}, {"distributed", "click"}),
    ],
)
def test_packages_are_those_of_the_imports_and_what_they_need(
    commit: str, imports: set[str], own: set[str], expected: set[str]
) -> None:
    said: list[str] = []
    text = requirements(commit, imports, own, said.append).decode()
    assert said == []
    assert set(re.findall(r"^(\S+)==2\.0", text, re.MULTILINE)) == expected
    assert text.count("--hash=sha256:") == len(expected)
    assert "index.example" not in text


def test_what_a_needed_package_needs_stays(commit: str) -> None:
    text = lock().replace(
        'name = "numpy"\nversion = "2.0"',
        'name = "numpy"\nversion = "2.0"\ndependencies = [{ name = "typer" }]',
    )
    Path("uv.lock").write_text(text, encoding="utf-8")
    subprocess.run(["git", *WHO, "commit", "--quiet", "--all", "--message", "More"], check=True)
    said = requirements("HEAD", {"numpy"}, set(), print).decode()
    assert set(re.findall(r"^(\S+)==2\.0", said, re.MULTILINE)) == {"numpy", "typer", "click"}


def test_a_package_of_a_folder_is_told(commit: str) -> None:
    before, _, after = lock().partition('name = "xgboost"\nversion = "2.0"\n')
    table = 'name = "xgboost"\nversion = "2.0"\nsource = { directory = "vendored" }\n'
    text = f"{before}{table}\n[[package]]{after.partition('[[package]]')[2]}"
    Path("uv.lock").write_text(text, encoding="utf-8")
    subprocess.run(["git", *WHO, "commit", "--quiet", "--all", "--message", "Mine"], check=True)
    said: list[str] = []
    requirements("HEAD", {"numpy"}, {"xgboost"}, said.append)
    assert said == ["from no index, so hand it over yourself: ./vendored"]


def test_what_no_dependency_brings_is_told(commit: str) -> None:
    said: list[str] = []
    requirements(commit, {"numpy"}, {"numpy", "pytest"}, said.append)
    assert said == ["no dependency in pyproject.toml brings pytest, which its code imports"]


def test_a_lock_that_cannot_be_read_is_told(
    commit: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path("uv.lock").write_text("version = 1\n[[package", encoding="utf-8")
    subprocess.run(["git", *WHO, "commit", "--quiet", "--all", "--message", "Broken"], check=True)
    with pytest.raises(ProjectError, match=r"uv cannot read uv\.lock of the commit HEAD: "):
        requirements("HEAD", {"numpy"}, set(), print)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(ProjectError, match=r"uv, which reads uv\.lock, is not found"):
        requirements(commit, {"numpy"}, set(), print)
