"""Whether a job can use DVC's remote, and Git's, with what the provider gave it."""

import base64
import os
from pathlib import Path

from .. import git, imported, remote
from ..errors import ProjectError
from ..store import Store
from .shell import module, say

_FIRST = 60  # seconds: in a fresh environment, DVC's own start can take longer than the answer


def shut_out() -> str:
    """Return why this job cannot use DVC's remote, though nothing is broken; "" if it can.

    A fork has no secrets, and a runner of a provider has no folder of yours.

    Raises:
        ProjectError: if the remote is broken.
    """
    name, settings = Store().remote_settings()
    url = str(settings.get("url", ""))
    if os.environ.get("CI") and "://" not in url and not Path(url).exists():
        return f"DVC's remote '{name}' ({url}) is a folder that this runner does not have"
    try:
        remote.probe(_FIRST)
    except ProjectError as error:
        if "gets no credentials" in str(error):
            return str(error)
        raise
    return ""


def transfer(verb: str, *options: str) -> None:
    """Run `dvc pull` or `push` with a remote that has answered.

    Raises:
        ProjectError: naming the remote and the mend, if it fails.
    """
    if module("dvc", verb, *options):
        remote.probe(_FIRST)  # if it is gone by now, that is the reason
        raise ProjectError(f"`dvc {verb}` failed: mend what it says above; what is done stays done")
    if verb == "pull":
        imported.keep_all()


def sign_in() -> None:
    """Let every Git command of this process use the token of the job, which no file holds."""
    user, token, server = _token()
    if not (token and server):
        return
    secret = base64.b64encode(f"{user}:{token}".encode()).decode()
    # The empty value drops what a checkout may have left: two such headers are refused.
    values = ["", f"AUTHORIZATION: basic {secret}"]
    first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    for number, value in enumerate(values, first):
        os.environ[f"GIT_CONFIG_KEY_{number}"] = f"http.{server.rstrip('/')}/.extraheader"
        os.environ[f"GIT_CONFIG_VALUE_{number}"] = value
    os.environ["GIT_CONFIG_COUNT"] = str(first + len(values))


def _token() -> tuple[str, str, str]:
    env = os.environ.get
    if env("GITHUB_REPOSITORY"):
        server = env("GITHUB_SERVER_URL") or "https://github.com"  # a Jenkins knows no server
        return "x-access-token", env("GITHUB_TOKEN", ""), server
    return "oauth2", env("GITLAB_TOKEN", ""), env("CI_SERVER_URL", "")


def fetch() -> None:
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
    """Return how people call the commit that changes are held against, and the commit itself.

    It is the newest one that the named or the target branch has in common with HEAD; None if the
    branch is not here.
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
