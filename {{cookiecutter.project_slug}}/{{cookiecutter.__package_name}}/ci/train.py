"""Make the model anew and offer what comes out for review; nothing reaches the main branch."""

import os
import subprocess
from datetime import UTC, datetime

from .. import git
from ..errors import ProjectError
from ..layout import plain
from ..results import EVALUATE, SCORES, read_csv, read_json
from ..score_tables import overall
from .forge import RefusedError, forge
from .reach import fetch, shut_out, sign_in, transfer
from .shell import need, say

PARAMS = "params.yaml"


def train(overrides: list[str], branch: str | None, pull_request: bool) -> None:
    """Reproduce with changed params, push to DVC's remote, commit on a new branch and push that.

    Args:
        overrides: `key=value` each, as `dvc exp run -S` takes them.
        branch: its name; one with the time, if None.
        pull_request: open a pull or merge request, where the job has a token.

    Raises:
        ProjectError: with what is in the way. The branch that was checked out stays as it is.
    """
    sign_in()
    if git.git("status", "--porcelain", "--", "."):
        raise ProjectError("not all is committed: commit or `git stash` it first")
    fetch()
    # Not the number of the run: it stays the same when a job is run again.
    name = branch or f"train-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    if git.ask("for-each-ref", f"refs/heads/{name}", f"refs/remotes/{git.origin()}/{name}"):
        raise ProjectError(f"the branch {name} exists already: choose another one with --branch")
    base, before = _branch(), git.git("rev-parse", "HEAD").strip()
    closed = shut_out()
    if closed:
        raise ProjectError(closed)
    say("pull")
    transfer("pull")
    if overrides:
        say(f"set {' '.join(overrides)}")
        _override(overrides)
    say("reproduce what changed")
    need("dvc", "repro", mend="mend what it says above, or `git checkout params.yaml`")
    if not git.git("status", "--porcelain", "--", "."):
        print("Nothing has changed, so there is nothing to offer.")
        return
    say("push data and model")
    git.git("switch", "--quiet", "--create", name)
    git.git("add", "--all", "--", ".")
    title = f"Train with {' '.join(overrides)}" if overrides else "Train again"
    _commit(title)
    transfer("push")
    scores = plain(overall(read_csv(SCORES), read_json(EVALUATE)["train"]))
    print(scores)
    text = f"From {before[:7]} by `model ci train`.\n\n```text\n{scores}\n```"
    print(_offer(name, base, title, text, pull_request))


def _override(overrides: list[str]) -> None:
    from dvc.exceptions import DvcException  # type: ignore[import-untyped]
    from dvc.utils.hydra import apply_overrides  # type: ignore[import-untyped]

    try:
        apply_overrides(PARAMS, overrides)
    except DvcException as error:
        raise ProjectError(
            f"-S {' '.join(overrides)}: {error.__cause__ or error}: write key=value with a key of "
            f"{PARAMS}, or +key=value for a new one"
        ) from None


def _commit(title: str) -> None:
    command = ["git", *_author(), "commit", "--quiet", "--message", title]
    if subprocess.run(command, check=False).returncode:
        raise ProjectError("Git refused the commit: mend what it says and run this again")


def _author() -> list[str]:
    """Return the options that name an author where the machine has none."""
    if git.ask("var", "GIT_AUTHOR_IDENT") and git.ask("var", "GIT_COMMITTER_IDENT"):
        return []
    env = os.environ.get
    name = env("GITLAB_USER_NAME") or env("GITHUB_ACTOR") or "model ci train"
    email = env("GITLAB_USER_EMAIL") or f"{env('GITHUB_ACTOR') or 'ci'}@users.noreply.github.com"
    return ["-c", f"user.name={name}", "-c", f"user.email={email}"]


def _branch() -> str:
    """Return the branch that the result is for."""
    env = os.environ.get
    here = env("CI_COMMIT_BRANCH") or env("BRANCH_NAME") or git.ask("branch", "--show-current")
    return env("GITHUB_REF_NAME") or here or "main"


def _offer(branch: str, base: str, title: str, text: str, pull_request: bool) -> str:
    """Push the branch and open a pull request; return what was done."""
    origin = git.origin()
    if origin is None:
        return f"There is no Git remote: the result is on the branch {branch}."
    # Without the hook pre-push: data and model have just been sent.
    git.git("push", "--quiet", "--no-verify", "--set-upstream", origin, branch)
    pushed, service = f"The branch {branch} is pushed.", forge()
    if not pull_request:
        return pushed
    if service is None:
        return f"{pushed} No token is here to open a pull request with: open it by hand."
    try:
        return f"{pushed} {service.propose(branch, base, title, text)}"
    except RefusedError as reason:
        return f"{pushed} No pull request was opened: {reason}"
