"""cruft keeps a generated project and its template in step without losing the user's edits."""

import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import TEMPLATE, Tool, run


@dataclass(frozen=True)
class Repository:
    """A Git repository and the isolated environment that its commands run in."""

    path: Path
    environment: dict[str, str]

    def git(self, *arguments: str) -> str:
        return run("git", *arguments, cwd=self.path, environment=self.environment).stdout

    def cruft(self, *arguments: str, status: int = 0) -> str:
        command = [sys.executable, "-m", "cruft", *arguments]
        result = run(*command, cwd=self.path, environment=self.environment, check=False)
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.path / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def rejected(self) -> list[Path]:
        return list(self.path.rglob("*.rej"))


@pytest.fixture
def template(tmp_path: Path, environment: dict[str, str], tool: Tool) -> Repository:
    """A copy of this template as a Git repository of its own, so that a test can change it."""
    tool("git", "apt-get install git")
    path = tmp_path / "template"
    generated = "{{cookiecutter.project_slug}}"
    caches = shutil.ignore_patterns("__pycache__", ".*_cache")
    for name in ("hooks", "templates", generated):
        shutil.copytree(TEMPLATE / name, path / name, ignore=caches)
    shutil.copy(TEMPLATE / "cookiecutter.json", path)
    repository = Repository(path, environment)
    repository.git("init", "--quiet")
    # The bundled table is ignored in generated projects, where DVC keeps it.
    repository.git("add", "--force", ".")
    repository.commit("first version")
    return repository


@pytest.fixture
def created(template: Repository, tmp_path: Path) -> Iterator[Repository]:
    """A project that `cruft create` made, committed as set-up would, without its table."""
    Repository(tmp_path, template.environment).cruft("create", str(template.path), "--no-input")
    repository = Repository(tmp_path / "penguins", template.environment)
    repository.git("init", "--quiet")
    repository.commit("first version")
    yield repository
    assert not repository.rejected()
    # Nothing of a cruft run may stay beside the projects.
    assert {path.name for path in tmp_path.iterdir()} == {"template", "penguins"}


SOURCE = "{{cookiecutter.project_slug}}"


def test_fresh_project_is_up_to_date(created: Repository) -> None:
    assert created.git("status", "--porcelain") == ""
    assert "data/raw/penguins.csv\n" not in created.git("ls-files")
    created.cruft("check")
    assert created.cruft("diff", "--exit-code") == ""


def test_diff_is_a_patch_of_the_edits(created: Repository) -> None:
    created.edit(".dvcignore", ".venv/\n", ".venv/\nscratch/\n")
    patch = created.cruft("diff", "--exit-code", status=1)
    assert patch.startswith("diff --git "), "the hooks must not write into the patch"
    assert "-scratch/\n" in patch
    (created.path / "undo.patch").write_text(patch, encoding="utf-8")
    created.git("apply", "undo.patch")
    assert created.cruft("diff", "--exit-code") == ""


def test_update_keeps_the_edits(template: Repository, created: Repository) -> None:
    # The user changes code, knobs and packages, adds a file, and works on another table.
    package = "penguins/model.py"
    first, rest = created.read(package).split("\n", 1)
    created.edit("pyproject.toml", 'version = "0.1.0"', 'version = "7.0.0"')
    created.edit(".gitignore", "*.partial\n", "*.partial\nscratch/\n")
    (created.path / package).write_text(f"{first}\n{rest}\nMINE = 1\n", encoding="utf-8")
    (created.path / "notes.md").write_text("mine\n", encoding="utf-8")
    (created.path / "data/raw/penguins.csv").unlink()
    (created.path / "data/raw/penguins.csv.dvc").unlink()
    (created.path / "schema.yaml").write_text("mine: true\n", encoding="utf-8")
    created.commit("my edits")

    # The template changes the same files in other places, adds one, and renews its table.
    template.edit(f"{SOURCE}/pyproject.toml", "xfail_strict = true", "xfail_strict = false")
    template.edit(f"{SOURCE}/.gitignore", "# Half-written", "/node_modules/\n\n# Half-written")
    template.edit(f"{SOURCE}/{{{{cookiecutter.__package_name}}}}/model.py", first, f"{first} #")
    (template.path / SOURCE / "NEW.md").write_text("{{ cookiecutter.project_name }}\n")
    with (template.path / SOURCE / "data/raw/penguins.csv").open("a") as table:
        table.write("Adelie,Torgersen,39.1,18.7,181,3750,male,2009\n")
    (template.path / SOURCE / "schema.yaml").write_text("theirs: true\n", encoding="utf-8")
    template.commit("second version")

    created.cruft("check", status=1)
    created.cruft("update", "--skip-apply-ask")

    assert 'version = "7.0.0"' in created.read("pyproject.toml")
    assert "xfail_strict = false" in created.read("pyproject.toml")
    assert {"scratch/", "/node_modules/"} <= set(created.read(".gitignore").splitlines())
    assert created.read(package).startswith(f"{first} #\n")
    assert created.read(package).endswith("MINE = 1\n")
    assert created.read("notes.md") == "mine\n"
    assert created.read("NEW.md") == "Penguins\n"
    assert created.read("schema.yaml") == "mine: true\n"
    assert not (created.path / "data/raw/penguins.csv").exists()
    created.cruft("check")
    recorded = json.loads(created.read(".cruft.json"))
    assert recorded["commit"] == template.git("rev-parse", "HEAD").strip()


def test_answers_can_be_changed_later(created: Repository) -> None:
    created.edit(".dvcignore", ".venv/\n", ".venv/\nscratch/\n")
    created.commit("my edits")
    answers = {"ci": "gitlab", "remote": "s3", "remote_url": "s3://bucket/penguins"}
    created.cruft("update", "--skip-apply-ask", "--variables-to-update", json.dumps(answers))

    assert not (created.path / ".github").exists()
    assert "uv sync --frozen" in created.read(".gitlab-ci.yml")
    assert "url = s3://bucket/penguins\n" in created.read(".dvc/config")
    assert '"dvc[s3]' in created.read("pyproject.toml")
    assert "scratch/" in created.read(".dvcignore")
    created.commit("other answers")
    created.cruft("update", "--skip-apply-ask", "--variables-to-update", '{"ci": "none"}')
    assert not (created.path / ".gitlab-ci.yml").exists()


def test_the_service_can_come_and_go_later(created: Repository) -> None:
    before = created.git("ls-files").splitlines()
    for answer in ("fastapi", "none"):
        changed = json.dumps({"service": answer})
        created.cruft("update", "--skip-apply-ask", "--variables-to-update", changed)
        files = ("Containerfile", "docs/service.md")
        assert {(created.path / name).exists() for name in files} == {answer == "fastapi"}
        assert ('"fastapi>=' in created.read("pyproject.toml")) == (answer == "fastapi")
        created.commit(f"service: {answer}")
    assert created.git("ls-files").splitlines() == before


def test_a_tracker_comes_and_goes_with_its_answer(created: Repository) -> None:
    before = created.git("ls-files")
    created.edit(".dvcignore", ".venv/\n", ".venv/\nscratch/\n")
    created.commit("my edits")
    for tracker in ("mlflow", "wandb", "none"):
        answer = json.dumps({"tracker": tracker})
        created.cruft("update", "--skip-apply-ask", "--variables-to-update", answer)
        chosen = tracker != "none"
        assert (created.path / "docs/trackers.md").exists() == chosen
        groups = tomllib.loads(created.read("pyproject.toml"))["dependency-groups"]
        assert (tracker in " ".join(groups.get("tracker", ()))) == chosen
        assert "scratch/" in created.read(".dvcignore")
        hook = created.path / ".githooks/post-commit"
        assert os.access(hook, os.X_OK) == chosen
        created.commit(tracker)
    assert created.git("ls-files") == before


def test_refused_answer_changes_nothing(created: Repository) -> None:
    result = run(
        *(sys.executable, "-m", "cruft", "update", "--skip-apply-ask"),
        *("--variables-to-update", '{"remote": "s3"}'),
        cwd=created.path,
        environment=created.environment,
        check=False,
    )
    assert result.returncode != 0
    assert "remote_url '../penguins-remote' does not suit the remote 's3'" in result.stderr
    assert created.git("status", "--porcelain") == ""


def test_hostile_texts_survive_an_update(template: Repository, tmp_path: Path) -> None:
    text = "a \"b\" 'c' \\d\\ 🐧 $(touch hacked) <&> #"
    answers = {"project_slug": "hostile", "description": text, "author": text}
    Repository(tmp_path, template.environment).cruft(
        "create", str(template.path), "--no-input", "--extra-context", json.dumps(answers)
    )
    project = Repository(tmp_path / "hostile", template.environment)
    project.git("init", "--quiet")
    project.commit("first version")
    before = project.read("pyproject.toml"), project.read("LICENSE")
    assert f"Copyright (c) {text}\n" in before[1]
    template.edit(f"{SOURCE}/.dvcignore", ".venv/\n", ".venv/\n.tox/\n")
    template.commit("second version")
    project.cruft("update", "--skip-apply-ask")
    assert ".tox/" in project.read(".dvcignore")
    assert (project.read("pyproject.toml"), project.read("LICENSE")) == before
    assert project.cruft("diff", "--exit-code") == ""


def test_an_update_overwrites_no_edit_of_the_library(
    template: Repository, created: Repository
) -> None:
    edited, kept = "mlrepo/learning/duration.py", "mlrepo/core/files.py"
    first, rest = created.read(edited).split("\n", 1)
    (created.path / edited).write_text(f"{first} Mine.\n{rest}", encoding="utf-8")
    created.commit("my edit of the library")
    source = template.path / SOURCE
    (source / edited).write_text(f"{first} Theirs.\n{rest}", encoding="utf-8")
    (source / kept).write_text(f"{created.read(kept)}# New.\n", encoding="utf-8")
    template.commit("another release of the library")

    created.cruft("update", "--skip-apply-ask")

    assert created.git("diff", "--name-only", "--diff-filter=U").split() == [edited]
    conflict = created.read(edited)
    assert f"{first} Mine.\n" in conflict
    assert f"{first} Theirs.\n" in conflict
    assert created.read(kept).endswith("# New.\n")
