"""The owner's package and the library: their sizes, the line between, and what crossing it does."""

import ast
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import TEMPLATE, Bake, Project, run
from helpers import Copy, copy_project

TREE = TEMPLATE / "{{cookiecutter.project_slug}}"
LIBRARY = TREE / "mlrepo"
OWNERS = TREE / "{{cookiecutter.__package_name}}"
PAGES = ("prepare", "train", "evaluate", "card")
FOLDERS = sorted(path.name for path in LIBRARY.iterdir() if (path / "__init__.py").exists())

ALL = {"environment", *PAGES}
# Which stages are stale after an edit in a folder. *environment* writes whether the four folders
# that stages import are as released.
STALE = {
    "core": ALL,
    "tables": {"environment", "prepare"},
    "learning": {"environment", "train", "evaluate"},
    "scoring": {"environment", "evaluate", "card"},
}


def lines(paths: list[Path]) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def test_the_owners_package_is_read_in_one_sitting() -> None:
    modules = sorted(OWNERS.glob("*.py"))
    assert len(modules) <= 12
    assert lines(modules) <= 600
    assert len(list((TREE / "tests").iterdir())) <= 12


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_its_imports_at_the_top_and_few_lines(page: str) -> None:
    path = OWNERS / f"{page}.py"
    assert lines([path]) <= 60
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        assert not [
            node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
        ]


def test_the_library_is_no_larger_than_it_should_be() -> None:
    # It grows only on purpose, as by the intervals of scores, by a registry that is checked as a
    # whole, by records that are derived again, by rules that name people, by what others have
    # to say before a release, by proofs for people outside, by models of any kind and several of
    # them in one repository; 13,500 lines are the aim.
    assert lines(sorted(LIBRARY.rglob("*.py"))) <= 27_450
    for folder in {path.parent for path in LIBRARY.rglob("*.py")}:
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= 14, folder.name


def test_what_dvc_reads_and_writes_is_a_page(project: Project) -> None:
    assert lines([project.path / "dvc.yaml"]) <= 130
    assert lines([project.path / "dvc.lock"]) <= 350


def test_the_manifest_is_of_these_files() -> None:
    spec = importlib.util.spec_from_file_location("manifest", TEMPLATE / ".ci/manifest.py")
    assert spec is not None
    assert spec.loader is not None
    manifest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(manifest)
    text = manifest.MANIFEST.read_text(encoding="utf-8")
    assert text == manifest.content(manifest.released()), "run `python .ci/manifest.py`"


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Copy:
    return copy_project(project, tmp_path / "penguins")


def test_imports_go_one_way(copy: Copy) -> None:
    assert "2 kept, 0 broken" in copy.run("lint-imports", "--no-cache").stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("core/files.py", "from mlrepo.tables import raw"),
        ("learning/fit.py", "from mlrepo.scoring import plots"),
        ("storage/store.py", "import mlrepo.versions.registry"),
        ("scoring/plots.py", "import penguins.metrics"),
    ],
)
def test_an_import_that_crosses_a_layer_fails_the_lint(copy: Copy, module: str, line: str) -> None:
    path = copy.path / "mlrepo" / module
    path.write_text(f"{line}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    done = copy.run("lint-imports", "--no-cache", check=False)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def test_a_folder_that_has_no_layer_fails_the_lint(copy: Copy) -> None:
    (copy.path / "mlrepo/extras").mkdir()
    (copy.path / "mlrepo/extras/__init__.py").write_text('"""More."""\n', encoding="utf-8")
    assert copy.run("lint-imports", "--no-cache", check=False).returncode == 1


@pytest.fixture(scope="module")
def clean(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy that tests change and put back."""
    return copy_project(project, tmp_path_factory.mktemp("rooms") / "penguins")


@pytest.fixture
def edited(clean: Copy, request: pytest.FixtureRequest) -> Iterator[Copy]:
    """The copy with a comment more in a module of a folder of the library."""
    folder = clean.path / "mlrepo" / request.param
    path = max(folder.glob("*.py"), key=lambda each: each.stat().st_size)
    before = path.read_bytes()
    path.write_bytes(before + b"# Mine.\n")
    yield clean
    path.write_bytes(before)


@pytest.mark.parametrize(
    ("edited", "folder"), [(name, name) for name in FOLDERS], indirect=["edited"], ids=FOLDERS
)
def test_an_edit_makes_the_stages_stale_that_use_its_folder(edited: Copy, folder: str) -> None:
    expected = STALE.get(folder, set())
    said = json.loads(edited.run("dvc", "status", "--json").stdout)
    assert {name.rpartition(":")[2] for name in said} == expected
    ours = edited.run("python", "-m", "mlrepo.commands", "status", check=False)
    assert ours.returncode == (1 if expected else 0)
    told = [line for line in ours.stdout.splitlines() if ": mlrepo" in line]
    named = {line.removeprefix("environment/dvc.yaml:").partition(":")[0] for line in told}
    assert named == expected


def doctor(copy: Copy) -> str:
    # `model` would run the library of the project that the environment was made for.
    command = ("python", "-m", "mlrepo.commands", "doctor", "--offline")
    return copy.run(*command, check=False).stdout


def test_an_edit_of_the_library_is_told_and_breaks_nothing(copy: Copy) -> None:
    released = json.loads((copy.path / "mlrepo/MANIFEST.json").read_text(encoding="utf-8"))
    name = f"mlrepo {released['version']}"
    assert f"ok     {name}, as released\n" in doctor(copy)
    assert f"- Library: {name}, as released" in copy.lines("MODEL_CARD.md")

    with (copy.path / "mlrepo/scoring/plots.py").open("a", encoding="utf-8") as file:
        file.write("# Mine.\n")
    assert copy.repro().ran == ["environment", "evaluate", "card"]
    says = f"{name}, but scoring/plots.py differs from the release"
    assert f"- Library: {says.replace('_', chr(92) + '_')}" in copy.lines("MODEL_CARD.md")
    assert f"ok     {says}\n" in doctor(copy)
    copy.commit("An edit of the library")

    (copy.path / "mlrepo/ci/release.py").unlink()
    (copy.path / "mlrepo/commands/mine.py").write_text('"""Mine."""\n', encoding="utf-8")
    all_three = "ci/release.py, commands/mine.py, scoring/plots.py differ from the release"
    assert all_three in doctor(copy)


def test_a_stage_runs_without_dvc(copy: Copy) -> None:
    (copy.path / "models/model.skops").unlink()
    copy.run("python", "-m", "mlrepo", "train")
    assert copy.run("dvc", "status", "--quiet").returncode == 0


def test_the_library_is_the_same_in_a_project_of_another_name(
    bake: Bake, environment: dict[str, str]
) -> None:
    other = bake(project_slug="whales-2", tracker="mlflow", service="fastapi", ci="jenkins")
    run(
        "git",
        "diff",
        "--no-index",
        "--exit-code",
        str(bake() / "mlrepo"),
        str(other / "mlrepo"),
        cwd=other,
        environment=environment,
    )
