"""What is asked of GitHub and of GitLab, by a stand-in of them: see tests/servers.py."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import TOKEN, Api, free_port, serve_api

from mlrepo.ci import providers
from mlrepo.ci.providers import GitHub, GitLab, RefusedError, provider

AT_GITHUB = {"GITHUB_REPOSITORY": "team/penguins", "GITHUB_TOKEN": TOKEN}
AT_GITLAB = {"CI_PROJECT_ID": "42", "GITLAB_TOKEN": TOKEN, "CI_MERGE_REQUEST_IID": "7"}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine that runs the tests counts."""
    for name in ("GITHUB_API_URL", "GITHUB_EVENT_PATH", "CHANGE_ID", "CI_API_V4_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in (*AT_GITHUB, *AT_GITLAB, "CI_JOB_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def api() -> Iterator[Api]:
    with serve_api() as served:
        yield served


def at(api: Api, name: str, monkeypatch: pytest.MonkeyPatch, **more: str) -> GitHub | GitLab:
    """Return the provider of a job for its request number 7."""
    given = {**(AT_GITHUB if name == "github" else AT_GITLAB), **more}
    given |= {"GITHUB_API_URL": api.url, "CHANGE_ID": "7"} if name == "github" else {}
    given |= {"CI_API_V4_URL": f"{api.url}/api/v4"} if name == "gitlab" else {}
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    found = provider()
    assert found is not None
    return found


BOTH = pytest.mark.parametrize("name", ["github", "gitlab"])


@BOTH
def test_one_comment_is_written_and_then_replaced(
    api: Api, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    service = at(api, name, monkeypatch)
    api.comments.append({"id": 1, "body": "Looks good"})
    assert service.comment("first") == "the comment was written"
    assert service.comment("second") == "the comment was updated"
    assert [c["body"] for c in api.comments] == ["Looks good", f"{providers.MARK}\nsecond"]


@BOTH
def test_a_long_comment_is_cut_and_says_so(
    api: Api, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    at(api, name, monkeypatch).comment("ä" * 70_000)
    body = api.comments[0]["body"]
    assert len(body) < 65_536
    assert body.endswith("(cut; the job has all of it)")


@BOTH
def test_a_refusal_has_its_status_and_words(
    api: Api, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    service = at(api, name, monkeypatch)
    api.refuses = True
    with pytest.raises(RefusedError, match=r"403 .*not accessible") as caught:
        service.propose("branch", "main", "Title", "Text")
    assert caught.value.status == 403


@BOTH
def test_a_request_names_both_branches(
    api: Api, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    said = at(api, name, monkeypatch).propose("train-1", "main", "Title", "Text")
    assert said.endswith(f"{api.url}/pull/7")
    [asked] = api.made("POST .*/(pulls|merge_requests)")
    assert {"train-1", "main", "Title", "Text"} == set(asked.values())


@BOTH
def test_a_release_holds_the_files_and_can_be_made_again(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    service = at(api, name, monkeypatch)
    model = tmp_path / "model.skops"
    for content in (b"first", b"second"):
        model.write_bytes(content)
        service.release("model@v1.0.0", "Notes", [model])
        assert list(api.files.values()) == [content]
    assert list(api.releases) == ["model@v1.0.0"]


def test_a_server_that_is_gone_is_no_crash(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(RefusedError, match="cannot be reached") as caught:
        at(api, "github", monkeypatch).comment("text")
    assert caught.value.status == 0


def test_without_a_token_there_is_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider() is None
    monkeypatch.setenv("GITHUB_REPOSITORY", "team/penguins")
    assert provider() is None


def test_the_number_of_the_pull_request_is_in_the_event(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def number(event: dict[str, Any]) -> int | None:
        file = tmp_path / "event.json"
        file.write_text(json.dumps(event), encoding="utf-8")
        service = at(api, "github", monkeypatch, GITHUB_EVENT_PATH=str(file))
        assert isinstance(service, GitHub)
        return service.pull

    assert number({"pull_request": {"number": 12}}) == 12
    assert number({"ref": "refs/heads/main"}) is None


def test_the_token_of_a_job_at_gitlab_may_release_and_not_comment(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_JOB_TOKEN", "of the job")
    service = at(api, "gitlab", monkeypatch, GITLAB_TOKEN="")
    assert "no comment was written" in service.comment("text")
    assert isinstance(service, GitLab)
    assert service.headers == {"JOB-TOKEN": "of the job"}
    assert api.asked == []
