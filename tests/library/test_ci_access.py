"""What a job compares with, which token its Git uses, and when it is shut out of DVC's remote."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from mlrepo.ci import job
from mlrepo.core.errors import ProjectError
from mlrepo.storage import remote
from mlrepo.storage.remote_errors import CredentialsError, RightsError

from .repository import commit, git

OF_PROVIDERS = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CHANGE_TARGET")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone on a branch of its own, one commit ahead of main, as the current folder."""
    for name in (*OF_PROVIDERS, "CI_DEFAULT_BRANCH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "origin").mkdir()
    monkeypatch.chdir(tmp_path / "origin")
    git("init", "--quiet", "--initial-branch=main")
    Path("file").touch()
    commit()
    git("clone", "--quiet", ".", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    git("switch", "--quiet", "--create", "change")
    Path("more").touch()
    commit()
    return tmp_path / "clone"


def test_the_base_is_what_both_branches_have(clone: Path) -> None:
    main = git("rev-parse", "main")
    assert job.base_of(None) == ("main", main)
    assert job.base_of("main") == ("main", main)
    assert job.base_of("gone") == ("gone", None)


@pytest.mark.parametrize("name", OF_PROVIDERS)
def test_each_provider_names_the_branch_to_merge_into(
    clone: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    git("branch", "release")
    monkeypatch.setenv(name, "release")
    assert job.base_of(None) == ("release", git("rev-parse", "HEAD"))


def test_all_branches_and_moved_tags_are_taken_over(clone: Path) -> None:
    git("tag", "model@v1.0.0")
    for command in (["branch", "other"], ["tag", "model@v1.0.0", "main"]):
        git("-C", "../origin", *command)
    job.fetch_all()
    assert git("rev-parse", "origin/other") == git("rev-parse", "main")
    assert git("rev-parse", "model@v1.0.0") == git("rev-parse", "main")


def test_a_git_remote_that_is_gone_leaves_the_tags_of_the_clone(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git("remote", "set-url", "origin", "../gone")
    job.fetch_all()
    assert "the tags of this clone count" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "server", "login"),
    [
        (
            {"GITHUB_REPOSITORY": "a/b", "GITHUB_TOKEN": "t"},
            "https://github.com",
            "eC1hY2Nlc3MtdG9rZW46dA==",
        ),
        (
            {"GITLAB_TOKEN": "t", "CI_SERVER_URL": "https://git.example"},
            "https://git.example",
            "b2F1dGgyOnQ=",
        ),
    ],
)
def test_git_uses_the_token_and_no_file_holds_it(
    clone: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], server: str, login: str
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, "GIT_CONFIG_COUNT": "0"})
    for name in ("GITHUB_REPOSITORY", "GITHUB_SERVER_URL", "GITLAB_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(given)
    job.sign_in()
    set_ = {name: value for name, value in os.environ.items() if name.startswith("GIT_CONFIG_")}
    assert set_["GIT_CONFIG_KEY_1"] == f"http.{server}/.extraheader"
    assert set_["GIT_CONFIG_VALUE_0"] == ""
    assert set_["GIT_CONFIG_VALUE_1"] == f"AUTHORIZATION: basic {login}"
    assert set_["GIT_CONFIG_COUNT"] == "2"
    assert "extraheader" not in (clone / ".git/config").read_text(encoding="utf-8")


def shut_out(monkeypatch: pytest.MonkeyPatch, url: str, error: ProjectError | None) -> str:
    def probe(_: float) -> None:
        if error:
            raise error

    store = SimpleNamespace(remote_settings=lambda: ("storage", {"url": url}))
    monkeypatch.setattr(job, "Store", lambda: store)
    monkeypatch.setattr(remote, "probe", probe)
    return job.shut_out()


def test_a_fork_without_secrets_is_shut_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shut_out(monkeypatch, "s3://bucket", None) == ""
    # The type decides, and not the words.
    assert shut_out(monkeypatch, "s3://bucket", CredentialsError("no key")) == "no key"
    with pytest.raises(RightsError):
        shut_out(monkeypatch, "s3://bucket", RightsError("gets no credentials"))


def test_a_runner_has_no_folder_of_yours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CI", "true")
    gone = str(tmp_path / "gone")
    assert f"({gone}) is a folder that this runner does not have" in shut_out(
        monkeypatch, gone, None
    )
    monkeypatch.delenv("CI")
    assert shut_out(monkeypatch, gone, None) == ""
