"""The image of the service with the code of a version."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from mlrepo.ci.job import say
from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import above
from mlrepo.pipeline import git
from mlrepo.versions.registry import Version

PLACE = "MODEL_IMAGE"  # variable of a job: where images go, such as registry.example.com/penguins
FILE = "Containerfile"


def place() -> str:
    """Return where images go; "" where the job names no place."""
    return os.environ.get(PLACE, "").lower()  # which is all that registries take


def name(version: Version) -> str:
    """Return the full name of the image of a version."""
    return f"{place()}:{re.sub(r'[^A-Za-z0-9_.-]', '-', version.tag.name)}"


def build(version: Version) -> None:
    """Build and push the image of a version from a clone at its commit, with all tags.

    A commit from before the project had a service has none, which is reported.
    """
    say(f"image {name(version)}")
    engine = shutil.which("docker") or shutil.which("podman")
    if engine is None:
        raise ProjectError(
            f"{PLACE} is set, but neither docker nor podman is here: install one, or unset it"
        )
    with TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        top = git.git("rev-parse", "--show-toplevel").strip()
        git.git("clone", "--quiet", "--no-checkout", top, str(clone))
        git.git("-C", str(clone), "checkout", "--quiet", "--detach", version.tag.commit)
        if origin := git.origin():
            # For `--fetch` in the container: not this disk, and without the token of the job.
            url = git.git("remote", "get-url", origin).strip()
            url = re.sub("://[^/@]*@", "://", url)
            git.git("-C", str(clone), "remote", "set-url", "origin", url)
        context = clone / git.folder_in_repository() / above()
        if not (context / FILE).exists():
            print(f"{version.name} has no {FILE}, so there is no image of it.")
            return
        python = (context / ".python-version").read_text(encoding="utf-8").strip()
        how = ["--file", FILE, "--build-arg", f"PYTHON={python}", "--tag", name(version)]
        for command in (["build", *how, "."], ["push", name(version)]):
            done = subprocess.run([engine, *command], cwd=context, check=False)
            if done.returncode:
                raise ProjectError(
                    f"`{Path(engine).name} {' '.join(command)}` ended with exit code "
                    f"{done.returncode}: fix what it says above, then run the release again"
                )
