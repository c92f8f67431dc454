"""Bring the pipeline of an earlier version back as a branch that can be reviewed."""

from pathlib import PurePosixPath

from mlrepo.core import owner
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.pipeline.dvc_lock import LOCK
from mlrepo.pipeline.dvc_yaml import PIPELINE
from mlrepo.versions.records import old_records
from mlrepo.versions.registry import Version

# What shapes a version beside its pipeline and the files that its stages read and write.
_ALWAYS = ("params.yaml", "pyproject.toml", "uv.lock", ".python-version")


def restore(version: Version) -> tuple[str, list[str]]:
    """Commit a version's data pointers, params, code, environment and outputs on a new branch.

    A folder comes back without what was added to it, and the library whole, as its folders only
    work together; of a commit in which it was a part of the owner's package, that comes back. All
    else (README, tests, CI) stays as it is here. The branch is returned, and what came back.
    """
    git.require_clean_commit()
    record, commit = version.record, version.tag.commit
    branch = f"restore-{record['model']}-{version.name}"
    if git.ask("rev-parse", "--verify", f"refs/heads/{branch}"):
        raise ProjectError(f"the branch {branch} exists already: `git branch -D {branch}` drops it")
    kept = {
        f"{path}.dvc" if entry["kept_by"] == "dvc" else path
        for path, entry in record["files"].items()
    }
    if old_records.is_one_package(commit):
        kept.add(owner.name())
    elif any(path.startswith(f"{old_records.LIBRARY}/") for path in kept):
        kept.add(old_records.LIBRARY)
    there, here = git.paths_at(commit), git.paths_at("HEAD")
    pipelines = {path for path in there | here if PurePosixPath(path).name in (PIPELINE, LOCK)}
    folders = {parent.as_posix() for path in there for parent in PurePosixPath(path).parents[:-1]}
    # A pipeline that was added since then would stand beside the one that it came from.
    paths = sorted(({*_ALWAYS, *kept} & (there | folders)) | pipelines)
    if git.ask("diff", "--quiet", commit, "HEAD", "--", *paths) is not None:
        raise ProjectError(f"this commit has all that {version.name} is made of already")
    git.git("switch", "--quiet", "--create", branch)
    git.git("checkout", "--no-overlay", commit, "--", *paths)
    git.git("commit", "--quiet", "--no-verify", "--message", f"Restore {version.tag.name}")
    return branch, git.git("diff", "--name-only", "--relative", "HEAD~1").splitlines()
