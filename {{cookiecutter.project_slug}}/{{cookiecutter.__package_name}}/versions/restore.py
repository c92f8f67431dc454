"""Bring the pipeline of an earlier version back as a branch that can be reviewed."""

from pathlib import PurePosixPath

from .. import git
from ..errors import ProjectError
from ..locks import LOCK
from ..pipeline import PIPELINE
from .registry import Version, recorded

# What shapes a version beside its pipeline and the files that its stages read and write.
_ALWAYS = ("params.yaml", "pyproject.toml", "uv.lock", ".python-version")


def restore(version: Version) -> tuple[str, list[str]]:
    """Commit a version's data pointers, params, code, environment and outputs on a new branch.

    All else (README, tests, CI, these commands) stays as it is here.

    Returns:
        The branch, and the paths that came back.

    Raises:
        ProjectError: if something is not committed, the branch exists or nothing would change.
    """
    if git.git("status", "--porcelain", "--", "."):
        raise ProjectError("not all is committed: commit or `git stash` it first")
    record, commit = recorded(version), version.tag.commit
    branch = f"restore-{record['model']}-{version.name}"
    if git.ask("rev-parse", "--verify", f"refs/heads/{branch}"):
        raise ProjectError(f"the branch {branch} exists already: `git branch -D {branch}` drops it")
    kept = [
        f"{path}.dvc" if entry["kept_by"] == "dvc" else path
        for path, entry in record["files"].items()
    ]
    there, here = git.paths_at(commit), git.paths_at("HEAD")
    pipelines = {path for path in there | here if PurePosixPath(path).name in (PIPELINE, LOCK)}
    # A pipeline that was added since then would stand beside the one that it came from.
    paths = sorted(({*_ALWAYS, *kept} & there) | pipelines)
    if git.ask("diff", "--quiet", commit, "HEAD", "--", *paths) is not None:
        raise ProjectError(f"this commit has all that {version.name} is made of already")
    git.git("switch", "--quiet", "--create", branch)
    git.git("checkout", "--no-overlay", commit, "--", *paths)
    subject = f"Restore {version.tag.name}"
    git.git("commit", "--quiet", "--no-verify", "--message", subject)
    return branch, git.git("diff", "--name-only", "--relative", "HEAD~1").splitlines()
