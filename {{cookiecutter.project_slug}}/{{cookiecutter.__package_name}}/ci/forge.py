"""What a provider's interface is asked to do: a comment, a pull request, a release.

GitHub: https://docs.github.com/rest; GitLab: https://docs.gitlab.com/api/rest.
"""

import json
import mimetypes
import os
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

MARK = "<!-- model ci report -->"  # finds the comment again
PATIENCE = 60  # seconds
_LONGEST = 60_000  # characters of a comment; GitHub takes 65,536


class RefusedError(Exception):
    """What the provider answers in place of doing it; the job itself has not failed."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the HTTP status (0: no answer) beside the message."""
        super().__init__(message)
        self.status = status


class Forge(Protocol):
    """A provider, with a token that may or may not be allowed to do these."""

    def comment(self, text: str) -> str:
        """Write the one comment of the pull request of this job; return what was done."""

    def propose(self, branch: str, base: str, title: str, text: str) -> str:
        """Open a pull request; return where."""

    def release(self, tag: str, text: str, files: list[Path]) -> str:
        """Make a release, or complete it; return where."""


def forge() -> Forge | None:
    """Return the provider that this job runs at, None where it has no token."""
    env = os.environ.get
    if env("GITHUB_REPOSITORY") and env("GITHUB_TOKEN"):
        api = _Api(
            env("GITHUB_API_URL") or "https://api.github.com",
            {"Authorization": f"Bearer {env('GITHUB_TOKEN')}"},
        )
        return GitHub(api, env("GITHUB_REPOSITORY", ""), _pull_request())
    if env("CI_API_V4_URL") and env("CI_PROJECT_ID"):
        own, job = env("GITLAB_TOKEN"), env("CI_JOB_TOKEN")
        if own or job:
            header = {"PRIVATE-TOKEN": own} if own else {"JOB-TOKEN": job or ""}
            api = _Api(f"{env('CI_API_V4_URL')}/projects/{env('CI_PROJECT_ID')}", header)
            return GitLab(api, env("CI_MERGE_REQUEST_IID"), bool(own))
    return None


def _pull_request() -> int | None:
    path = os.environ.get("GITHUB_EVENT_PATH")
    if path and Path(path).is_file():
        event = json.loads(Path(path).read_text(encoding="utf-8"))
        number = event.get("pull_request", {}).get("number")
        return int(number) if number else None
    # A Jenkins that builds a repository of GitHub.
    change = os.environ.get("CHANGE_ID", "")
    return int(change) if change.isdigit() else None


@dataclass(frozen=True)
class _Api:
    url: str
    headers: dict[str, str]

    def call(self, method: str, path: str, content: object = None, file: Path | None = None) -> Any:
        """Return the JSON of an answer.

        Raises:
            RefusedError: with what was answered.
        """
        url = path if path.startswith("http") else f"{self.url}{path}"
        headers = {"Accept": "application/json", "User-Agent": "model-ci", **self.headers}
        if file:
            data: bytes | None = file.read_bytes()
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        else:
            data = None if content is None else json.dumps(content).encode()
            kind = "application/json"
        if data is not None:
            headers["Content-Type"] = kind
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")[:300]
            told = f"{method} {path} was answered {error.code} {said}"
            raise RefusedError(error.code, told) from None
        except OSError as error:  # URLError and timeouts
            raise RefusedError(0, f"{self.url} cannot be reached: {error}") from None
        return json.loads(text) if text else None

    def pages(self, path: str) -> list[Any]:
        """Return all elements of a list that comes in pages."""
        found: list[Any] = []
        for page in range(1, 51):
            part = self.call("GET", f"{path}?per_page=100&page={page}")
            found += part
            if len(part) < 100:
                break
        return found


@dataclass(frozen=True)
class GitHub:
    """GitHub, and its Enterprise Server."""

    api: _Api
    repository: str
    pull: int | None

    def comment(self, text: str) -> str:
        """Write or replace the comment."""
        if self.pull is None:
            return "no pull request is known, so no comment was written"
        repository, body = f"/repos/{self.repository}", {"body": _marked(text)}
        issue = f"{repository}/issues/{self.pull}/comments"
        for comment in self.api.pages(issue):
            if MARK in (comment.get("body") or ""):
                self.api.call("PATCH", f"{repository}/issues/comments/{comment['id']}", body)
                return "the comment was updated"
        self.api.call("POST", issue, body)
        return "the comment was written"

    def propose(self, branch: str, base: str, title: str, text: str) -> str:
        """Open a pull request."""
        content = {"title": title, "head": branch, "base": base, "body": text}
        made = self.api.call("POST", f"/repos/{self.repository}/pulls", content)
        return f"Pull request: {made.get('html_url')}"

    def release(self, tag: str, text: str, files: list[Path]) -> str:
        """Make the release and replace its files."""
        releases, quoted = f"/repos/{self.repository}/releases", urllib.parse.quote(tag, safe="")
        try:
            made = self.api.call("GET", f"{releases}/tags/{quoted}")
        except RefusedError as error:
            if error.status != 404:
                raise
            content = {"tag_name": tag, "name": tag, "body": text}
            made = self.api.call("POST", releases, content)
        there = {asset["name"]: asset["id"] for asset in made.get("assets", [])}
        upload = made["upload_url"].partition("{")[0]
        for file in files:
            if file.name in there:
                self.api.call("DELETE", f"{releases}/assets/{there[file.name]}")
            name = urllib.parse.quote(file.name)
            self.api.call("POST", f"{upload}?name={name}", file=file)
        return f"release: {made.get('html_url')}"


@dataclass(frozen=True)
class GitLab:
    """GitLab; ``trusted``: with a token of its own, as the job's may not comment or propose."""

    api: _Api
    merge_request: str | None
    trusted: bool

    def comment(self, text: str) -> str:
        """Write or replace the note."""
        if not (self.merge_request and self.trusted):
            return "no merge request or no GITLAB_TOKEN is known, so no comment was written"
        notes, body = f"/merge_requests/{self.merge_request}/notes", {"body": _marked(text)}
        for note in self.api.pages(notes):
            if MARK in (note.get("body") or ""):
                self.api.call("PUT", f"{notes}/{note['id']}", body)
                return "the comment was updated"
        self.api.call("POST", notes, body)
        return "the comment was written"

    def propose(self, branch: str, base: str, title: str, text: str) -> str:
        """Open a merge request."""
        content = {"source_branch": branch, "target_branch": base, "title": title}
        made = self.api.call("POST", "/merge_requests", content | {"description": text})
        return f"Merge request: {made.get('web_url')}"

    def release(self, tag: str, text: str, files: list[Path]) -> str:
        """Put the files into the package registry and make a release that links to them."""
        model, version = tag.split("@")[0].split("=")[-1], tag.split("@")[-1]
        links = []
        for file in files:
            package = f"/packages/generic/{urllib.parse.quote(model)}/{version}/{file.name}"
            self.api.call("PUT", package, file=file)
            links.append({"name": file.name, "url": f"{self.api.url}{package}"})
        content = {"tag_name": tag, "name": tag, "description": text, "assets": {"links": links}}
        try:
            made = self.api.call("POST", "/releases", content)
        except RefusedError as error:
            if error.status != 409:
                raise
            return f"the release {tag} was there, and its files are new"
        return f"release: {made.get('_links', {}).get('self')}"


def _marked(text: str) -> str:
    cut = "\n\n(cut; the job has all of it)" if len(text) > _LONGEST else ""
    return f"{MARK}\n{text[:_LONGEST]}{cut}"
