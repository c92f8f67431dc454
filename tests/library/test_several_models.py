"""Further models in folders of their own: what `model add` writes, and which one is meant."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlrepo.adoption import add
from mlrepo.core import paths, yaml
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import dvc_lock, git, models
from mlrepo.pipeline.dvc_files import digest
from mlrepo.pipeline.dvc_yaml import find, load_pipeline
from mlrepo.versions import tags

from .conftest import OWNER, PROJECT, render_yaml

YAML = ("dvc.yaml", "environment/dvc.yaml", "params.yaml", "schema.yaml", "sweep.yaml")


def tree() -> dict[str, bytes]:
    """Return path -> content of all files but Git's own."""
    files = (path for path in Path().rglob("*") if path.is_file() and ".git/" not in f"{path}")
    return {path.as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one model, as the current folder, all of it committed."""
    folder = tmp_path / "repository" / OWNER
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])  # to which a model's folder is added
    git.folder_in_repository.cache_clear()
    render_yaml(*YAML, "versions.yaml")
    for path, text in {
        "mlrepo/__init__.py": "",
        "mlrepo/core/one.py": "1\n",
        "pyproject.toml": f'[tool.mlrepo]\npackage = "{OWNER}"\n[project]\nname = "penguins"\n',
        ".gitignore": "*.partial\n__pycache__/\n",
        ".gitattributes": "* -text\n",
        ".dvcignore": "*~\n",
        f"{OWNER}/__init__.py": '"""Yours."""\n',
        f"{OWNER}/model.py": f"from {OWNER}.params import Params\nfrom .data import add_features\n",
    }.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
    commands = "init --quiet", "add --all", "commit --quiet --message A"
    for command in commands:
        who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        subprocess.run(["git", *who, *command.split()], check=True)
    return folder


def test_only_new_files_are_written_and_git_takes_them_back(project: Path) -> None:
    before = tree()
    written = add.add("fraud")
    after = tree()
    assert {path: after[path] for path in before} == before
    assert after.keys() - before.keys() == {f"fraud/{path}" for path in written}
    assert git.git("status", "--porcelain").split() == ["??", "fraud/"]
    subprocess.run(["git", "clean", "-fdq", "fraud"], check=True)
    assert tree() == before


def test_the_copy_differs_where_the_folder_matters_and_nowhere_else(project: Path) -> None:
    add.add("fraud")
    told = {}
    for path in (*YAML, "versions.yaml"):
        old, new = (Path(place, path).read_text().splitlines() for place in ("", "fraud"))
        told[path] = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert told["params.yaml"] == [
        ("  path: data/raw/penguins.csv", "  path: ../data/raw/penguins.csv")
    ]
    assert told["sweep.yaml"] == [("name: sweep", "name: fraud")]
    assert told["schema.yaml"] == []
    signers = "  allowed_signers: "
    assert told["versions.yaml"] == [
        (f"{signers}.allowed_signers", f"{signers}../.allowed_signers")
    ]
    code = Path("fraud/fraud/model.py").read_text()
    assert code == "from fraud.params import Params\nfrom .data import add_features\n"
    stages = {stage.name: stage for stage in load_pipeline(Path("fraud")).stages}
    assert stages["train"].cmd == "python ../mlrepo train"
    assert {"fraud/model.py", "../mlrepo/learning", "data/prepared/train.parquet"} < set(
        stages["train"].deps
    )
    environment = stages["environment/dvc.yaml:environment"]
    assert environment.cmd == "python ../mlrepo core.environment"
    assert "../uv.lock" in environment.deps
    assert environment.outs.keys() == {"env.json"}


def test_a_model_page_of_the_template_is_copied_with_its_comments(project: Path) -> None:
    """Comments and layout stay, of the template's own dvc.yaml as it is generated."""
    text = (PROJECT / "dvc.yaml").read_text(encoding="utf-8")
    text = text.replace("{{ cookiecutter.__package_name }}", OWNER)
    Path("dvc.yaml").write_text(text.replace("{{ cookiecutter.__description_toml }}", "'A'"))
    add.add("fraud")
    old, new = (Path(place, "dvc.yaml").read_text().splitlines() for place in ("", "fraud"))
    assert [line for line in new if line.lstrip().startswith("#")] == [
        line.replace(f"{OWNER}/", "fraud/") for line in old if line.lstrip().startswith("#")
    ]
    assert [len(line) - len(line.lstrip()) for line in new] == [
        len(line) - len(line.lstrip()) for line in old
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        *(
            (name, "small letters")
            for name in ("Fraud", "a-b", "9lives", "x_", "x", "", "ü1", "../x")
        ),
        ("class", "small letters"),
        ("json", "a Python module"),
        ("polars", "a Python module"),
        ("data", "a Python module"),
        ("mlrepo", "is there already"),
        (OWNER, "is there already"),
        ("model", "the name of a model"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(
    project: Path, name: str, why: str
) -> None:
    before = tree()
    with pytest.raises(ProjectError, match=why):
        add.add(name)
    assert tree() == before


def test_all_is_written_or_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, write = tree(), Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.parent.name == "fraud":
            raise OSError(28, "No space left on device", str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ProjectError, match="no space left"):
        add.add("fraud")
    assert tree() == before


def test_each_model_has_its_own_pipelines_and_tags(project: Path) -> None:
    add.add("fraud")
    git.git("add", "--all")
    assert find() == ["dvc.yaml", "environment/dvc.yaml"]
    assert [model.name for model in models.find()] == ["model", "fraud"]
    assert tags.artifact_in_tag("model") == "model"
    with models.inside(project / "fraud"):
        assert find() == ["dvc.yaml", "environment/dvc.yaml"]
        assert tags.artifact_in_tag("fraud") == "fraud=fraud"
        assert paths.above() == "../"
        assert paths.in_project("uv.lock") == Path("../uv.lock")
        subprocess.run(
            ["git", "-c", "user.name=T", "-c", "user.email=t@e", "commit", "-qm", "B"], check=True
        )
        assert dvc_lock.paths("HEAD", "dvc.yaml") == ["dvc.yaml", "environment/dvc.yaml"]
        assert {"params.yaml", "../params.yaml", "../mlrepo/__init__.py"} < git.paths_at("HEAD")
    assert dvc_lock.paths("HEAD", "dvc.yaml") == ["dvc.yaml", "environment/dvc.yaml"]
    assert Path.cwd() == project


def test_a_folder_with_a_pipeline_is_no_model_without_a_package_of_its_name(project: Path) -> None:
    render_yaml("dvc.yaml", "params.yaml", folder=Path("other"))
    assert models.folders() == []
    assert find() == ["dvc.yaml", "environment/dvc.yaml", "other/dvc.yaml"]


def test_the_library_has_one_digest_from_either_folder(project: Path) -> None:
    add.add("fraud")
    Path("mlrepo/core/two.py~").write_text("left by an editor\n", encoding="utf-8")
    Path("fraud/parts").mkdir()
    for name in ("one.csv", "one.csv~"):
        Path("fraud/parts", name).write_text("1\n", encoding="utf-8")
    before, whole = digest("mlrepo/core"), digest("fraud/parts")
    with models.inside(project / "fraud"):
        assert digest("../mlrepo/core") == before
        assert digest("parts") == whole
    Path("fraud/parts/one.csv~").unlink()
    assert digest("fraud/parts") == whole


def test_which_model_is_meant(project: Path) -> None:
    assert models.choose_model(None) == "model"
    add.add("fraud")
    with pytest.raises(ProjectError, match=r"name one with --model.*\['model', 'fraud'\]"):
        models.choose_model(None)
    assert models.meant(None) == ["model", "fraud"]
    seen = {name: Path.cwd().name for name in models.each()}
    assert seen == {"model": OWNER, "fraud": "fraud"}
    with pytest.raises(ProjectError, match=r"no model 'other'.*\['model', 'fraud'\]"):
        models.enter("other")
    assert models.enter("fraud") == "fraud"
    assert Path.cwd() == project / "fraud"
    assert models.choose_model(None) == "fraud"
    assert models.meant(None) == ["fraud"]
    assert models.enter("model") == "model"
    assert Path.cwd() == project


def test_an_artifact_of_another_name_is_named_with_its_folder(project: Path) -> None:
    add.add("fraud")
    text = Path("fraud/dvc.yaml").read_text(encoding="utf-8")
    content = yaml.parse(text, "dvc.yaml")
    content["artifacts"] = {"net": content["artifacts"]["fraud"]}
    Path("fraud/dvc.yaml").write_text(yaml.dump(content), encoding="utf-8")
    assert [model.name for model in models.find()] == ["model", "fraud:net"]
    assert models.enter("fraud:net") == "net"
    assert tags.artifact_in_tag("net") == "fraud=net"


@pytest.mark.parametrize("place", ["", "fraud"])
def test_what_is_not_committed_anywhere_in_the_project_counts(project: Path, place: str) -> None:
    add.add("fraud")
    git.git("add", "--all")
    subprocess.run(
        ["git", "-c", "user.name=T", "-c", "user.email=t@e", "commit", "-qm", "B"], check=True
    )
    refused: Callable[[], str] = git.require_clean_commit
    with models.inside(project / place):
        assert refused() == git.git("rev-parse", "HEAD").strip()
        (project / "mlrepo/core/one.py").write_text("2\n", encoding="utf-8")
        changed = os.path.relpath(project / "mlrepo/core/one.py")
        with pytest.raises(ProjectError, match=rf"M {changed}"):
            refused()
