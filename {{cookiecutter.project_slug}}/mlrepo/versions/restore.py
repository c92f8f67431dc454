"""Bring the pipeline of an earlier version back as a branch that can be reviewed."""

from pathlib import PurePosixPath

from mlrepo.core import owner
from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import in_project
from mlrepo.pipeline import dvc_lock, git
from mlrepo.pipeline.dvc_lock import LOCK
from mlrepo.pipeline.dvc_yaml import PARAMS, PIPELINE
from mlrepo.versions.records import old_records
from mlrepo.versions.registry import Version

# What shapes a version beside params, pipeline and the files that its stages read and write.
_SHARED = ("pyproject.toml", "uv.lock", ".python-version")


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
    library = old_records.library()
    kept = {
        f"{path}.dvc" if entry["kept_by"] == "dvc" else path
        for path, entry in record["files"].items()
    }
    if old_records.is_one_package(commit):
        kept.add(owner.name())
    elif any(path.startswith(f"{library}/") for path in kept):
        kept.add(library)
    there = git.paths_at(commit)
    sides = (commit, "HEAD")
    pipelines = {p for each in sides for n in (PIPELINE, LOCK) for p in dvc_lock.paths(each, n)}
    folders = {parent.as_posix() for path in there for parent in PurePosixPath(path).parents[:-1]}
    # A pipeline that was added since then would stand beside the one that it came from.
    shared = {in_project(name).as_posix() for name in _SHARED}
    paths = sorted(({PARAMS, *shared, *kept} & (there | folders)) | pipelines)
    if git.ask("diff", "--quiet", commit, "HEAD", "--", *paths) is not None:
        raise ProjectError(f"this commit has all that {version.name} is made of already")
    git.git("switch", "--quiet", "--create", branch)
    git.git("checkout", "--no-overlay", commit, "--", *paths)
    git.git("commit", "--quiet", "--no-verify", "--message", f"Restore {version.tag.name}")
    return branch, git.from_here(git.git("diff", "--name-only", "HEAD~1").splitlines())
