"""Make the model anew and offer what comes out for review; nothing reaches the main branch."""

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path

from mlrepo.ci.job import begin, say, shut_out
from mlrepo.ci.providers import RefusedError, provider
from mlrepo.core.errors import ProjectError, first_line
from mlrepo.core.paths import PARAMS, above
from mlrepo.pipeline import git, models
from mlrepo.pipeline.dvc import dvc
from mlrepo.scoring.score_report import last_run
from mlrepo.storage.transfer import transfer


def train(
    overrides: list[str], branch: str | None, pull_request: bool, model: str | None = None
) -> None:
    """Reproduce with changed params, push to DVC's remote, commit on a new branch and push that.

    ``overrides`` are `key=value`, as `dvc exp run -S` takes them. The branch that was checked out
    stays as it is. Where the project has several models and none is named, each is reproduced.
    """
    asked = _by_folder(overrides, model)
    before = git.require_clean_commit()
    begin()
    # Not the number of the run: it stays the same when a job is run again.
    name = branch or f"train-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    if git.ask("for-each-ref", f"refs/heads/{name}", f"refs/remotes/{git.origin()}/{name}"):
        raise ProjectError(f"the branch {name} exists already: choose another one with --branch")
    env = os.environ.get
    base = env("GITHUB_REF_NAME") or env("CI_COMMIT_BRANCH") or env("BRANCH_NAME")
    base = base or git.ask("branch", "--show-current") or "main"
    if closed := shut_out():
        raise ProjectError(closed)
    say("pull")
    transfer("pull", False)
    if overrides:
        say(f"set {' '.join(overrides)}")
        for folder, changes in asked.items():
            with models.inside(folder):
                _override(changes)
    for label in models.each_folder(model):
        say(f"{label}reproduce what changed")
        dvc("repro", fix="fix what it says above, or `git checkout params.yaml`")
    if not git.git("status", "--porcelain", "--", above() or "."):
        print("Nothing has changed, so there is nothing to offer.")
        return
    say("push data and model")
    git.git("switch", "--quiet", "--create", name)
    git.git("add", "--all", "--", above() or ".")
    title = f"Train with {' '.join(overrides)}" if overrides else "Train again"
    git.commit(title, _author)
    transfer("push", False)
    scores = "\n\n".join(f"{label}\n{last_run()}".lstrip() for label in models.each_folder(model))
    print(scores)
    text = f"From {before[:7]} by `model ci train`.\n\n```text\n{scores}\n```"
    print(_offer(name, base, title, text, pull_request))


def _by_folder(overrides: list[str], model: str | None) -> dict[Path, list[str]]:
    """Return folder -> changes of its params.yaml, which `FOLDER/params.yaml:key=value` names."""
    places = {folder: label for label, folder in models.places(model)}
    if len(places) == 1:
        return dict.fromkeys(places, overrides)
    files = {os.path.relpath(folder / PARAMS): folder for folder in places}
    found: dict[Path, list[str]] = {}
    for override in overrides:
        file, colon, change = override.partition(":")
        if not colon or file not in files:
            raise ProjectError(
                f"-S {override}: the project has several models: write FILE:key=value, with one of "
                f"{', '.join(files)}"
            )
        found.setdefault(files[file], []).append(change)
    return found


def several(text: str) -> list[str]:
    """Return the changes in one text, which is all that the form of a provider gives."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ProjectError(f"--params {text}: {error}: put quotes around key=value") from None


def _override(overrides: list[str]) -> None:
    from dvc.exceptions import DvcException  # type: ignore[import-untyped]
    from dvc.utils.hydra import apply_overrides  # type: ignore[import-untyped]

    try:
        apply_overrides(PARAMS.name, overrides)
    except DvcException as error:
        said = first_line(error.__cause__ or error)
        raise ProjectError(
            f"-S {' '.join(overrides)}: {said}: write key=value with a key of {PARAMS}, or "
            "+key=value for a new one"
        ) from None


def _author() -> tuple[str, str]:
    """Return name and address for a machine where Git knows no author."""
    env = os.environ.get
    name = env("GITLAB_USER_NAME") or env("GITHUB_ACTOR") or "model ci train"
    email = env("GITLAB_USER_EMAIL") or f"{env('GITHUB_ACTOR') or 'ci'}@users.noreply.github.com"
    return name, email


def _offer(branch: str, base: str, title: str, text: str, pull_request: bool) -> str:
    """Push the branch and open a pull request; return what was done."""
    origin = git.origin()
    if origin is None:
        return f"There is no Git remote: the result is on the branch {branch}."
    # Without the hook pre-push: data and model have just been sent.
    git.git("push", "--quiet", "--no-verify", "--set-upstream", origin, branch)
    pushed, service = f"The branch {branch} is pushed.", provider()
    if not pull_request:
        return pushed
    if service is None:
        return f"{pushed} No token is here to open a pull request with: open it by hand."
    try:
        return f"{pushed} {service.propose(branch, base, title, text)}"
    except RefusedError as reason:
        return f"{pushed} No pull request was opened: {reason}"
