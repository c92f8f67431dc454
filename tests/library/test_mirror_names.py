"""Names that mean something to who looks at a tracker, and that it takes."""

from pathlib import Path

import pytest

from mlrepo.mirror import repository as mirror_repository
from mlrepo.mirror import runs, wandb_artifacts

from . import tagging
from .test_mirror_runs import Repository, found, repository

__all__ = ["repository"]  # a fixture


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("https://me:secret@example.com/a/b.git", "https://example.com/a/b.git"),
        ("git@example.com:a/b.git", "git@example.com:a/b.git"),
        ("../origin.git", "my-penguins"),
        ("/srv/git/b.git", "my-penguins"),
        ("file:///srv/git/b.git", "my-penguins"),
        (None, "my-penguins"),
    ],
)
def test_a_repository_has_a_name_that_others_can_use(
    repository: Repository, remote: str | None, shown: str
) -> None:
    Path("pyproject.toml").write_text('[project]\nname = "my-penguins"\n', encoding="utf-8")
    if remote:
        repository.git("remote", "add", "origin", remote)
    assert mirror_repository.address() == shown


def test_a_stage_with_wandbs_own_word_has_another_alias(repository: Repository) -> None:
    repository.pipeline()
    tagging.version("1.0.0")
    tagging.assign("1.0.0", "latest")
    [source] = found().values()
    run = runs.read(source, "model")
    assert run is not None
    assert wandb_artifacts.aliases(run) == ["v1.0.0", "stage-latest"]
