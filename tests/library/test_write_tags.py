"""A tag that is shared is believed where it arrives."""

from pathlib import Path

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.versions import tags, verify, write_tags
from mlrepo.versions.registry import Registry

from . import tagging
from .repository import commit, git


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with two versions that were made before its Git remote was."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
    git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    git("init", "--quiet", str(tmp_path / "here"))
    monkeypatch.chdir(tmp_path / "here")
    for number in ("1.0.0", "1.1.0"):
        Path("params.yaml").write_text(number, encoding="utf-8")
        commit()
        tagging.version(number)
    git("remote", "add", "origin", "../origin.git")
    git("push", "--quiet", "origin", "HEAD:main")
    return tmp_path


def promote() -> None:
    """Bring the first version into a stage, as `model promote` writes it."""
    registry = Registry.load("model")
    tag = registry.version("1.0.0").tag
    act = {"stage": "prod", "action": "promote", "version_tag": tag.oid}
    name = f"model#prod#{registry.highest + 1}"
    record = {**registry.head("v1.0.0"), **act}
    write_tags.write(name, tag.commit, "Why", record, False, lambda _: None)


def test_the_tags_before_it_that_the_remote_lacks_come_with_it(here: Path) -> None:
    git("tag", "model@v0.1.0", "HEAD~1")  # by hand: it is not believed, and stays here
    promote()
    names = {"model@v1.0.0", "model@v1.1.0", "model#prod#1"}
    assert tags.at("origin", "model").keys() == names
    git("clone", "--quiet", str(here / "origin.git"), str(here / "other"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here / "other")
        chain = Registry.load("model").chain
        assert set(chain.tags) == names
        assert not chain.doubts


@pytest.mark.usefixtures("here")
def test_all_tags_come_or_none() -> None:
    git("push", "--quiet", "origin", "HEAD:refs/tags/model#prod#1")
    with pytest.raises(ProjectError, match="somebody else was first"):
        promote()
    assert tags.at("origin", "model").keys() == {"model#prod#1"}


@pytest.mark.usefixtures("here")
def test_a_tag_that_the_remote_lacks_is_told_with_what_sends_it() -> None:
    git("tag", "model@v0.1.0", "HEAD~1")
    registry = Registry.load("model")
    said = list(verify._history(registry, registry.version("1.0.0"), offline=False))
    assert said[-3:] == [
        "origin has no model@v0.1.0",
        "origin has no model@v1.0.0: `git push origin model@v1.0.0` sends it",
        "origin has no model@v1.1.0: `git push origin model@v1.1.0` sends it",
    ]
