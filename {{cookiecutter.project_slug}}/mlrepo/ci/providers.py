"""What a provider's interface is asked to do: a comment, a pull request, a release.

GitHub: https://docs.github.com/rest; GitLab: https://docs.gitlab.com/api/rest.
"""

import json
import mimetypes
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = "<!-- model ci report -->"  # finds the comment again
PATIENCE = 60  # seconds
_LONGEST = 60_000  # characters of a comment; GitHub takes 65,536


class RefusedError(Exception):
    """What the provider answers in place of doing it; the job itself has not failed."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the HTTP status (0: no answer) beside the message."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class _Provider:
    url: str
    headers: dict[str, str]

    def call(self, method: str, path: str, content: object = None, file: Path | None = None) -> Any:
        """Return the JSON of an answer."""
        url = path if path.startswith("http") else f"{self.url}{path}"
        headers = {"Accept": "application/json", "User-Agent": "model-ci", **self.headers}
        data = None
        if file:
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            data, headers["Content-Type"] = file.read_bytes(), kind
        elif content is not None:
            data, headers["Content-Type"] = json.dumps(content).encode(), "application/json"
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

    def write(self, comments: str, text: str, change: str, one: str) -> str:
        """Write the one comment that holds `MARK`, or replace it by the method ``change``.

        ``comments`` is the path of all of them, ``one`` that of a comment without its number.
        """
        cut = "\n\n(cut; the job has all of it)" if len(text) > _LONGEST else ""
        body = {"body": f"{MARK}\n{text[:_LONGEST]}{cut}"}
        for comment in self._pages(comments):
            if MARK in (comment.get("body") or ""):
                self.call(change, f"{one}/{comment['id']}", body)
                return "the comment was updated"
        self.call("POST", comments, body)
        return "the comment was written"

    def _pages(self, path: str) -> Iterator[Any]:
        for page in range(1, 51):
            part = self.call("GET", f"{path}?per_page=100&page={page}")
            yield from part
            if len(part) < 100:
                return


@dataclass(frozen=True)
class GitHub(_Provider):
    """GitHub, and its Enterprise Server."""

    repository: str
    pull: int | None

    def comment(self, text: str) -> str:
        """Write the comment of the pull request of this job; return what was done."""
        if self.pull is None:
            return "no pull request is known, so no comment was written"
        issues = f"/repos/{self.repository}/issues"
        return self.write(f"{issues}/{self.pull}/comments", text, "PATCH", f"{issues}/comments")

    def propose(self, branch: str, base: str, title: str, text: str) -> str:
        """Open a pull request; return where."""
        content = {"title": title, "head": branch, "base": base, "body": text}
        made = self.call("POST", f"/repos/{self.repository}/pulls", content)
        return f"Pull request: {made.get('html_url')}"

    def release(self, tag: str, text: str, files: list[Path]) -> str:
        """Make the release, or replace its files; return where."""
        releases, quoted = f"/repos/{self.repository}/releases", urllib.parse.quote(tag, safe="")
        try:
            made = self.call("GET", f"{releases}/tags/{quoted}")
        except RefusedError as error:
            if error.status != 404:
                raise
            made = self.call("POST", releases, {"tag_name": tag, "name": tag, "body": text})
        there = {asset["name"]: asset["id"] for asset in made.get("assets", [])}
        upload = made["upload_url"].partition("{")[0]
        for file in files:
            if file.name in there:
                self.call("DELETE", f"{releases}/assets/{there[file.name]}")
            name = urllib.parse.quote(file.name)
            self.call("POST", f"{upload}?name={name}", file=file)
        return f"release: {made.get('html_url')}"


@dataclass(frozen=True)
class GitLab(_Provider):
    """GitLab."""

    merge_request: str | None  # None as well with the token of the job, which may not comment

    def comment(self, text: str) -> str:
        """Write the note of the merge request of this job; return what was done."""
        if not self.merge_request:
            return "no merge request or no GITLAB_TOKEN is known, so no comment was written"
        notes = f"/merge_requests/{self.merge_request}/notes"
        return self.write(notes, text, "PUT", notes)

    def propose(self, branch: str, base: str, title: str, text: str) -> str:
        """Open a merge request; return where."""
        content = {"source_branch": branch, "target_branch": base, "title": title}
        made = self.call("POST", "/merge_requests", content | {"description": text})
        return f"Merge request: {made.get('web_url')}"

    def release(self, tag: str, text: str, files: list[Path]) -> str:
        """Make a release of files in the package registry; return where."""
        model, version = tag.split("@")[0].split("=")[-1], tag.split("@")[-1]
        links = []
        for file in files:
            package = f"/packages/generic/{urllib.parse.quote(model)}/{version}/{file.name}"
            self.call("PUT", package, file=file)
            links.append({"name": file.name, "url": f"{self.url}{package}"})
        content = {"tag_name": tag, "name": tag, "description": text, "assets": {"links": links}}
        try:
            made = self.call("POST", "/releases", content)
        except RefusedError as error:
            if error.status != 409:
                raise
            return f"the release {tag} was there, and its files are new"
        return f"release: {made.get('_links', {}).get('self')}"


def provider() -> GitHub | GitLab | None:
    """Return the provider that this job runs at, None where it has no token."""
    env = os.environ.get
    repository, token = env("GITHUB_REPOSITORY"), env("GITHUB_TOKEN")
    if repository and token:
        server = env("GITHUB_API_URL") or "https://api.github.com"
        return GitHub(server, {"Authorization": f"Bearer {token}"}, repository, _pull_request())
    url, project = env("CI_API_V4_URL"), env("CI_PROJECT_ID")
    own, job = env("GITLAB_TOKEN"), env("CI_JOB_TOKEN")
    if url and project and (own or job):
        header = {"PRIVATE-TOKEN": own} if own else {"JOB-TOKEN": job or ""}
        request = env("CI_MERGE_REQUEST_IID") if own else None
        return GitLab(f"{url}/projects/{project}", header, request)
    return None


def _pull_request() -> int | None:
    path = os.environ.get("GITHUB_EVENT_PATH")
    if path and Path(path).is_file():
        event = json.loads(Path(path).read_text(encoding="utf-8"))
        number: int | None = event.get("pull_request", {}).get("number")
        return number
    # A Jenkins that builds a repository of GitHub.
    change = os.environ.get("CHANGE_ID", "")
    return int(change) if change.isdigit() else None
