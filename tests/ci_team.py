"""A team's project with CI: its Git remote, its S3 bucket, and what its members do."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci_runners import RUNNERS, GitHub, GitLab, Job, Runner
from conftest import Bake, Tool
from helpers import Copy, copy_again
from servers import S3, Api

PULL_REQUEST = {"pull_request": {"number": 7, "base": {"ref": "main"}, "head": {"ref": "change"}}}


@dataclass(frozen=True)
class Team:
    """One member's clone, and the runner of the provider."""

    copy: Copy
    runner: Runner
    origin: Path
    s3: S3
    bucket: str

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as a member does, with credentials."""
        return self.copy.run(*command, check=check, **self.s3.variables)

    def change(self, message: str, values: dict[str, Any], reproduce: bool = True) -> None:
        """Change params, reproduce, commit and push; the hook sends the data first."""
        self.copy.set_params(values)
        if reproduce:
            self.run("dvc", "repro", "--quiet")
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message, *([] if reproduce else ["-n"]))
        self.run("git", "push", "--quiet", "--set-upstream", "origin", "HEAD")

    def merge(self, branch: str) -> None:
        """Merge a branch of the Git remote into main, as the provider's button does."""
        self.run("git", "fetch", "--quiet", "origin")
        self.run("git", "switch", "--quiet", "main")
        self.run("git", "merge", "--quiet", "--no-ff", "--no-edit", f"origin/{branch}")
        self.run("dvc", "pull", "--quiet")
        self.run("git", "push", "--quiet", "origin", "main")

    def job(self, name: str, ref: str = "main", **inputs: str) -> Job:
        """Run a job for a branch, a tag or (report) a pull request, in a fresh clone."""
        clone = self.runner.folder / "clone"
        shutil.rmtree(clone, ignore_errors=True)
        tag = "@" in ref or "#" in ref
        # GitHub's checkout brings all; tags.yml starts the workflow of main, which checks main out.
        # The others bring what they build and nothing else.
        everything = isinstance(self.runner, GitHub)
        what = "main" if everything and tag else ref
        how = ["--no-single-branch" if everything else "--single-branch", "--branch", what]
        self.copy.run("git", "clone", "--quiet", *how, str(self.origin), str(clone))
        event: dict[str, Any] = {"ref": f"refs/{'tags' if tag else 'heads'}/{ref}"}
        if name in ("check", "report"):
            event = PULL_REQUEST
        job = self.runner.run(clone, name, event, **inputs)
        # A job that a condition passes over ends well too. Those of GitLab run beside each other.
        ran, wanted = job.ran, self.runner.expected(name)
        if isinstance(self.runner, GitLab):
            ran, wanted = sorted(ran), sorted(wanted)
        assert ran == wanted, job.output
        return job

    def tag(self, *command: str) -> str:
        """Run a command that makes a tag; return its name."""
        before = set(self.copy.git("tag").split())
        self.run("model", *command)
        [made] = set(self.copy.git("tag").split()) - before
        return made

    def kept(self) -> set[str]:
        """Return the keys of all outputs in dvc.lock that Git does not hold."""
        in_git = set(self.copy.git("ls-files").splitlines())
        outs = [out for stage in self.copy.lock()["stages"].values() for out in stage["outs"]]
        hashes = {out["md5"] for out in outs if out["path"] not in in_git}
        for folder in [md5 for md5 in hashes if md5.endswith(".dir")]:
            entries = self.copy.path / ".dvc/cache/files/md5" / folder[:2] / folder[2:]
            hashes |= {each["md5"] for each in json.loads(entries.read_text(encoding="utf-8"))}
        return {f"penguins/files/md5/{md5[:2]}/{md5[2:]}" for md5 in hashes}

    def deployed(self) -> dict[str, Any]:
        """Return VERSION.json of prod, with the bytes of its model under "bytes"."""
        place = Path(self.runner.environment["DEPLOY_TARGET"], "model/prod")
        facts: dict[str, Any] = json.loads((place / "VERSION.json").read_text(encoding="utf-8"))
        return {**facts, "bytes": (place / facts["file"]).read_bytes()}


def gather(
    quick: Copy,
    bake: Bake,
    provider: str,
    folder: Path,
    s3: S3,
    tool: Tool,
    api: Api,
    bucket: str = "",
) -> Team:
    """Copy a project with S3, give it a provider and push it to a Git remote of its own.

    All copies of a project share one environment and one cache of mypy for their jobs.
    """
    copy = copy_again(quick, folder / "penguins")
    for name in (".github", ".gitlab-ci.yml", "Jenkinsfile"):
        baked = bake(ci=provider, remote="s3") / name
        if baked.is_dir():
            shutil.copytree(baked, copy.path / name)
        elif baked.exists():
            shutil.copy(baked, copy.path)
    bucket = bucket or f"models-{provider}"
    origin = folder / "origin.git"
    environment, shared = quick.project.environment, quick.path.parent
    team_environment = {
        # What a runner imports it compiles once, whatever this machine is told.
        **{k: v for k, v in environment.items() if k != "PYTHONDONTWRITEBYTECODE"},
        # A second run in the same environment, as a cache of it gives.
        "UV_PROJECT_ENVIRONMENT": str(shared / "environment"),
        "DEPLOY_TARGET": str(folder / "deployed"),
        "MYPY_CACHE_DIR": str(shared / "mypy"),
        "PYTEST_ADDOPTS": "-k test_data",  # other tests of this template run all
    }
    runner = RUNNERS[provider](tool, folder, team_environment, api)
    team = Team(copy, runner, origin, s3, bucket)
    copy.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    copy.run("git", "remote", "add", "origin", str(origin))
    for key, value in (("url", f"s3://{bucket}/penguins"), ("endpointurl", s3.url)):
        copy.run("dvc", "remote", "modify", "storage", key, value)
    team.change("Start", {}, reproduce=False)
    return team
