"""What a job has of its provider: rights, all branches and tags, and a page for people."""

import base64
import os
from pathlib import Path

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.storage import remote
from mlrepo.storage.remote_errors import CredentialsError
from mlrepo.storage.store import Store

FOLDER = Path("reports/ci")  # Git ignores it

_FIRST = 60  # seconds: in a fresh environment, DVC's own start can take longer than the answer


def say(step: str) -> None:
    """Announce a step, in its order among what commands print."""
    print(f"==> {step}", flush=True)


def summarize(text: str) -> bool:
    """Add Markdown to the page of the job; return whether the provider has one."""
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    return bool(page)


def shut_out() -> str:
    """Return why this job cannot use DVC's remote, though nothing is broken; "" if it can.

    A fork has no secrets, and a runner of a provider has no folder of yours.
    """
    name, settings = Store().remote_settings()
    url = str(settings.get("url", ""))
    if os.environ.get("CI") and "://" not in url and not Path(url).exists():
        return f"DVC's remote '{name}' ({url}) is a folder that this runner does not have"
    try:
        remote.probe(_FIRST)
    except CredentialsError as error:
        return str(error)
    return ""


def begin() -> None:
    """Let Git use the token of the job, and take over all branches and tags."""
    sign_in()
    fetch_all()


def sign_in() -> None:
    """Let every Git command of this process use the token of the job, which no file holds."""
    env = os.environ.get
    user, token, server = "oauth2", env("GITLAB_TOKEN"), env("CI_SERVER_URL")
    if env("GITHUB_REPOSITORY"):
        user, token = "x-access-token", env("GITHUB_TOKEN")
        server = env("GITHUB_SERVER_URL") or "https://github.com"  # a Jenkins knows no server
    if not (token and server):
        return
    secret = base64.b64encode(f"{user}:{token}".encode()).decode()
    # The empty value drops what a checkout may have left: two such headers are refused.
    values = ["", f"AUTHORIZATION: basic {secret}"]
    first = int(env("GIT_CONFIG_COUNT") or 0)
    for number, value in enumerate(values, first):
        os.environ[f"GIT_CONFIG_KEY_{number}"] = f"http.{server.rstrip('/')}/.extraheader"
        os.environ[f"GIT_CONFIG_VALUE_{number}"] = value
    os.environ["GIT_CONFIG_COUNT"] = str(first + len(values))


def fetch_all() -> None:
    """Take over all branches and tags, also those that a checkout has set on another object."""
    origin = git.origin()
    if origin is None:
        return
    try:
        # All branches by name: some checkouts are told to fetch none but their own.
        branches = f"+refs/heads/*:refs/remotes/{origin}/*"
        git.git("fetch", "--quiet", "--tags", "--force", origin, branches)
    except ProjectError as error:
        say(f"the tags of this clone count: {error}")


def base_of(named: str | None) -> tuple[str, str | None]:
    """Return the name of the branch that changes are compared with, and the commit.

    That is the newest commit that the named branch, or else the one to merge into, has in common
    with HEAD; None if the branch is not here.
    """
    env, origin = os.environ.get, git.origin()
    target = named or env("GITHUB_BASE_REF") or env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
    target = target or env("CHANGE_TARGET") or _default_branch(origin)
    for reference in (f"refs/remotes/{origin}/{target}", target):
        commit = git.ask("merge-base", reference, "HEAD")
        if commit:
            return target, commit
    return target, None


def _default_branch(origin: str | None) -> str:
    head = git.ask("rev-parse", "--abbrev-ref", f"{origin}/HEAD") if origin else None
    return head.partition("/")[2] if head else os.environ.get("CI_DEFAULT_BRANCH") or "main"
