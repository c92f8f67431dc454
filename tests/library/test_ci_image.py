"""The image of the service: which engine is called with what, in a clone of what.

No container engine runs here: a script in its place keeps what it is told and what it finds.
"""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from semver import Version as Number

from mlrepo.ci import image, release
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git as pipeline_git
from mlrepo.versions.registry import Assignment, Registry, Version
from mlrepo.versions.tags import Tag

from .conftest import render_yaml
from .repository import commit, git
from .test_ci_jobs import hand_over, tag

ENGINE = """#!/bin/sh
{ echo "$*"; git log -1 --format=%s; git tag; git remote get-url origin; ls; } >> "$SEEN"
exit "${CODE:-0}"
"""
BUILT = (
    "build --file Containerfile --build-arg PYTHON=3.12 "
    "--tag registry.example.com/team/penguins:model-v1.0.0 ."
)


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Version:
    """A version of a service whose commit is not the newest; the folder is the current one."""
    for name in ("bin", "project"):
        (tmp_path / name).mkdir()
    engine = tmp_path / "bin/docker"
    engine.write_text(ENGINE, encoding="utf-8")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(engine.parent), prepend=os.pathsep)
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    monkeypatch.setenv("MODEL_IMAGE", "registry.example.com/Team/Penguins")
    monkeypatch.chdir(tmp_path / "project")
    pipeline_git.folder_in_repository.cache_clear()
    git("init", "--quiet", "--initial-branch=main")
    git("remote", "add", "origin", "https://oauth2:secret@git.example.com/team/penguins.git")
    Path("Containerfile").touch()
    Path(".python-version").write_text("3.12\n", encoding="utf-8")
    made = commit()
    git("tag", "model@v1.0.0")
    Path("later").touch()
    commit()
    name = "model@v1.0.0"
    return Version(Number(1), Tag(name, "1" * 40, made, name, datetime.now(UTC), "me", "notes"))


def seen(tmp_path: Path) -> list[str]:
    return (tmp_path / "seen").read_text(encoding="utf-8").splitlines()


def test_it_is_built_in_a_clone_of_the_version_and_pushed(version: Version, tmp_path: Path) -> None:
    git("commit", "--quiet", "--allow-empty", "--message", "Later still")
    image.build(version)
    url = "https://git.example.com/team/penguins.git"  # without the token
    found = ["A commit", "model@v1.0.0", url, "Containerfile"]
    pushed = "push registry.example.com/team/penguins:model-v1.0.0"
    assert seen(tmp_path) == [BUILT, *found, pushed, *found]


def test_a_version_from_before_the_service_has_none(
    version: Version, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("Containerfile").unlink()
    older = Tag("model@v2", "1" * 40, commit(), "model@v2", datetime.now(UTC), "me", "notes")
    image.build(Version(Number(2), older))
    assert "v2.0.0 has no Containerfile, so there is no image of it." in capsys.readouterr().out
    assert not (tmp_path / "seen").exists()


def test_what_fails_is_told(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE", "7")
    with pytest.raises(ProjectError, match=r"`docker build .*` ended with exit code 7: fix what"):
        image.build(version)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ProjectError, match="MODEL_IMAGE is set, but neither docker nor podman"):
        image.build(version)


def test_deploy_hands_its_name_on(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    render_yaml("dvc.yaml")
    script = "import pathlib, sys\nfor f in sys.argv[1:2]: pathlib.Path('seen').write_bytes("
    Path("deploy.py").write_text(f"{script}pathlib.Path(f, 'VERSION.json').read_bytes())", "utf-8")
    assigned = [Assignment(1, "prod", version, tag("model#prod#1"))]
    monkeypatch.setattr(
        Registry, "load", lambda _: Registry("model", {version.number: version}, assigned)
    )
    monkeypatch.setattr(release, "begin", lambda: None)
    hand_over(monkeypatch)
    assert release.deploy("model#prod#1", None)
    facts = json.loads(Path("seen").read_text(encoding="utf-8"))
    assert facts["image"] == "registry.example.com/team/penguins:model-v1.0.0"


def test_release_builds_it_where_a_place_is_named(
    version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render_yaml("dvc.yaml")
    for name in ("GITHUB_TOKEN", "CI_API_V4_URL", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)  # it ends with a folder
    record = {"artifact": {"sha256": "1"}, "data": {"path": "table.csv", "md5": "2"}}
    vars(version.tag).update(record=record, message="notes")
    monkeypatch.setattr(
        Registry, "load", lambda _: Registry("model", {version.number: version}, [])
    )
    monkeypatch.setattr(release, "begin", lambda: None)
    monkeypatch.setattr(release, "_holds", lambda *_: True)
    monkeypatch.setattr(release, "fill", lambda *_: [])
    assert release.release("model@v1.0.0")
    assert [line for line in seen(tmp_path) if line == BUILT] == [BUILT]
    (tmp_path / "seen").unlink()
    monkeypatch.delenv("MODEL_IMAGE")
    assert release.release("model@v1.0.0")
    assert not (tmp_path / "seen").exists()
    # Not of a version that does not hold.
    monkeypatch.setenv("MODEL_IMAGE", "registry.example.com/team/penguins")
    monkeypatch.setattr(release, "_holds", lambda *_: False)
    assert not release.release("model@v1.0.0")
    assert not (tmp_path / "seen").exists()
