"""What is generated is clean as it comes out, and the template's own tree keeps its rules."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from conftest import CHOICES, TEMPLATE, VARIANTS, Bake, Project, Tool, run
from helpers import in_long_form

TREE = TEMPLATE / "{{cookiecutter.project_slug}}"
PACKAGE = "{{ cookiecutter.__package_name }}"
# Names of other lengths break lines elsewhere and sort elsewhere among the imports.
BAKES = [
    *({name: value} for name, value in VARIANTS),
    *({"project_slug": s} for s in ("a", "z" * 40)),
]
NAMES = [next(iter(answers.values())) for answers in BAKES]


def template_files(pattern: str = "*") -> list[Path]:
    return [
        path
        for path in sorted(TREE.rglob(pattern))
        if path.is_file() and not re.search(r"__pycache__|\.\w+_cache", str(path))
    ]


def test_python_holds_no_template_code_but_the_package_name() -> None:
    assert template_files("*.py")
    for path in template_files("*.py"):
        text = path.read_text(encoding="utf-8")
        if {"{{cookiecutter.__package_name}}", "mlrepo"} & {*path.parts}:  # copied, never rendered
            assert not re.search(r"\{\{ ?cookiecutter|\{%", text), path.name
        else:
            assert not re.search(r"\{[{%#]", text.replace(PACKAGE, "")), path.name


def test_no_python_file_is_long() -> None:
    own = [path for name in ("hooks", "tests") for path in (TEMPLATE / name).glob("*.py")]
    lengths = {
        path.relative_to(TEMPLATE): len(path.read_text(encoding="utf-8").splitlines())
        for path in [*template_files("*.py"), *own]
    }
    assert {path: lines for path, lines in lengths.items() if lines > 250} == {}


def test_file_names_work_on_every_system() -> None:
    folders = {part for path in template_files() for part in path.relative_to(TREE).parts[:-1]}
    # A folder whose name comes out empty would be the root of the file system to cookiecutter.
    assert {name for name in folders if "{" in name} == {"{{cookiecutter.__package_name}}"}
    for path in template_files():
        assert not set(path.name) & set('"|<>:*?\\'), f"{path.name}: not a name on Windows"


def test_every_dependency_has_two_bounds(bake: Bake) -> None:
    pyproject = tomllib.loads((bake() / "pyproject.toml").read_text(encoding="utf-8"))
    project = pyproject["project"]
    groups = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *pyproject["dependency-groups"].values(),
    ]
    bounded = re.compile(r"[a-z0-9-]+(\[\w+\])?>=[\d.]+,<[\d.]+(; .*)?")
    for requirement in [requirement for group in groups for requirement in group]:
        assert bounded.fullmatch(requirement), requirement


def test_linter_is_the_generated_projects_linter(bake: Bake) -> None:
    """So that its verdict here is the verdict there."""
    generated = tomllib.loads((bake() / "pyproject.toml").read_text(encoding="utf-8"))
    own = tomllib.loads((TEMPLATE / "pyproject.toml").read_text(encoding="utf-8"))
    [ruff] = [line for line in generated["dependency-groups"]["dev"] if line.startswith("ruff")]
    assert ruff in own["project"]["optional-dependencies"]["test"]


@pytest.mark.parametrize("answers", BAKES, ids=NAMES)
def test_generated_code_passes_ruff(
    bake: Bake, environment: dict[str, str], answers: dict[str, str]
) -> None:
    path = bake(**answers)
    run("ruff", "check", "--no-cache", cwd=path, environment=environment)
    run("ruff", "format", "--no-cache", "--check", cwd=path, environment=environment)


# What the parts that were chosen import is in no other project's environment.
@pytest.mark.parametrize(
    "answers", [each for each in BAKES if not {"service", "tracker"} & each.keys()], ids=str
)
def test_generated_code_passes_mypy(
    bake: Bake, project: Project, tmp_path_factory: pytest.TempPathFactory, answers: dict[str, str]
) -> None:
    cache = tmp_path_factory.getbasetemp() / "mypy_cache"  # the packages are the same for all
    project.run("mypy", "--cache-dir", str(cache), cwd=bake(**answers))


def test_git_keeps_pointers_and_dvc_keeps_data(
    bake: Bake, environment: dict[str, str], tmp_path: Path, tool: Tool
) -> None:
    tool("git", "apt-get install git")
    path = tmp_path / "penguins"
    shutil.copytree(bake(), path)
    run("git", "init", "--quiet", cwd=path, environment=environment)

    def git(*arguments: str) -> list[str]:
        return run("git", *arguments, cwd=path, environment=environment).stdout.splitlines()

    by_dvc = [
        "data/raw/penguins.csv",
        "data/raw/parts/1.parquet",
        "data/prepared/train.parquet",
        "models/model.skops",
        "models/model.skops.sha256",
        "models/model.skops.partial",
        ".dvc/cache/x",
        ".dvc/config.local",
    ]
    by_git = [
        "data/raw/penguins.csv.dvc",
        "data/raw/.gitignore",
        "metrics/evaluate.json",
        "dvc.lock",
        "uv.lock",
        "env.json",
        "MODEL_CARD.md",
        ".python-version",
        ".dvc/config",
    ]
    assert git("check-ignore", "--no-index", *by_dvc, *by_git, "README.md") == by_dvc

    def attribute(name: str, file: str) -> str:
        return git("check-attr", name, "--", file)[0].split(": ")[2]

    merged_by_hand = ["dvc.lock", "uv.lock", "env.json", "metrics/a/b.json", "reports/a.csv"]
    merged_by_hand += ["MODEL_CARD.md", "environment/dvc.lock"]
    assert [attribute("merge", file) for file in merged_by_hand] == ["unset"] * 7
    assert attribute("merge", "params.yaml") == "unspecified"
    assert attribute("text", "data/raw/penguins.csv") == "unset"
    for file in ("penguins/train.py", "dvc.yaml", "dvc.lock", "data/raw/penguins.csv.dvc"):
        assert attribute("eol", file) == "lf", file


def test_dvc_adds_no_ignore_files_of_its_own(project: Project, bake: Bake) -> None:
    for ignored in project.run("git", "ls-files", "*.gitignore").stdout.splitlines():
        assert (project.path / ignored).read_bytes() == (bake() / ignored).read_bytes(), ignored


@in_long_form  # the jobs of test_ci_story.py run the same command
def test_ci_checks_pass_in_a_clone(project: Project, tmp_path: Path) -> None:
    """A runner has what Git has: no data, no cache, no environment."""
    clone = tmp_path / "clone"
    project.run("git", "clone", "--quiet", str(project.path), str(clone))
    environment = {**project.environment, "CI": "true"}
    run("uv", "sync", "--frozen", cwd=clone, environment=environment)
    check = ["uv", "run", "--frozen", "model", "ci", "check"]
    said = run(*check, cwd=clone, environment=environment).stdout
    results = said[said.index("==> result") :].splitlines()[1:]
    names = ["lint", "format", "types", "imports", "tests", "dvc.lock", "uv.lock"]
    assert results[:-1] == [f"ok     {name}" for name in names]
    assert results[-1].startswith("skipped  data at DVC's remote: ")


@in_long_form
def test_lowest_allowed_packages_work(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "lowest"
    project.run("git", "clone", "--quiet", str(project.path), str(path))
    shutil.copy(project.path / "data/raw/penguins.csv", path / "data/raw")
    lowest = {**project.environment, "UV_RESOLUTION": "lowest-direct"}
    for command in ("uv lock --upgrade", "uv sync --frozen", "uv run dvc repro", "uv run pytest"):
        run(*command.split(), cwd=path, environment=lowest)
    assert "lowest-direct" in (path / "uv.lock").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("remote", CHOICES["remote"])
def test_packages_of_every_remote_can_be_locked(
    bake: Bake, environment: dict[str, str], tmp_path: Path, remote: str
) -> None:
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(bake(remote=remote) / name, tmp_path)
    run("uv", "lock", cwd=tmp_path, environment=environment)
    locked = tomllib.loads((tmp_path / "uv.lock").read_text(encoding="utf-8"))["package"]
    plugins = {f"dvc-{name}" for name in CHOICES["remote"]}
    assert {each["name"] for each in locked} & plugins == {f"dvc-{remote}"} - {"dvc-local"}
