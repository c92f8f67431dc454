"""Each kind of remote in the files of GitHub and GitLab, run up to the command that uses it.

A script stands in for uv: it keeps what it is called with, and the variables that it sees. Of the
clouds' own actions a stand-in says what they would sign in with; see ci_runners.py.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from ci_runners import RUNNERS
from conftest import Bake, Tool, run
from servers import serve_api
from test_ci_files import PARTS, with_remote

UV = r"""#!/bin/sh
{
    echo "uv $*"
    env | grep -E '^(AWS|GOOGLE|AZURE|MLFLOW_TRACKING_URI|WANDB)_?.*=.' | grep -v DEFAULT_REGION
    [ -z "$SSH_AUTH_SOCK" ] || ssh-add -l | cut -d ' ' -f 3
} >> "$SEEN"
mkdir -p reports/ci/page  # which a job moves
"""
# For GitLab, whose files bring uv by pip.
PYTHON = """#!/bin/sh
mkdir -p .uv/bin && cp "$FAKES/uv" .uv/bin/uv && cp /bin/true .uv/bin/pip
"""
KEYS = {
    "AWS_ACCESS_KEY_ID": "key-of-aws",
    "AWS_SECRET_ACCESS_KEY": "secret-of-aws",
    "AWS_SESSION_TOKEN": "token-of-aws",
}
POOL, ACCOUNT = "GOOGLE_WORKLOAD_IDENTITY_PROVIDER", {"AZURE_STORAGE_ACCOUNT": "account"}
FILE = {"GOOGLE_APPLICATION_CREDENTIALS": "file"}
TOKEN = ".uv/id-token"


@dataclass(frozen=True)
class Case:
    """What the provider keeps, and what the command sees of it; the same unless told."""

    remote: str
    given: dict[str, str]
    github: dict[str, str] | None = None
    gitlab: dict[str, str] | None = None


CASES = {
    "s3 by a role": Case(
        "s3",
        {"AWS_ROLE_ARN": "role"},
        {"AWS_ACCESS_KEY_ID": "role"},
        {"AWS_ROLE_ARN": "role", "AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN},
    ),
    "s3 by a key": Case("s3", KEYS),
    "gs by a pool": Case(
        "gs",
        {POOL: "pool", **FILE},
        {"GOOGLE_APPLICATION_CREDENTIALS": "pool", "GOOGLE_KEY": "false"},
    ),
    "gs by a key": Case(
        "gs",
        {"GOOGLE_KEY": "{}", **FILE},
        {"GOOGLE_APPLICATION_CREDENTIALS": "{}", "GOOGLE_KEY": "true"},
    ),
    "azure by an app": Case(
        "azure",
        {**ACCOUNT, "AZURE_CLIENT_ID": "app"},
        {**ACCOUNT, "AZURE_CONFIG_DIR": "app"},
        {**ACCOUNT, "AZURE_CLIENT_ID": "app", "AZURE_FEDERATED_TOKEN_FILE": TOKEN},
    ),
    "azure by a key": Case("azure", {**ACCOUNT, "AZURE_STORAGE_KEY": "key-of-azure"}),
    "ssh": Case("ssh", {"SSH_KNOWN_HOSTS": "example.com ssh-ed25519 AAAA"}),
}
TRACKERS = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "WANDB_API_KEY": "key-of-wandb"}


def faked(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """Return an environment with the stand-in of uv, and without what signs its owner in."""
    for name, text in (("uv", UV), ("python3", PYTHON)):
        script = folder / "fakes" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)
    ours = ("AWS_", "AZURE_", "GOOGLE_")
    return {
        **{name: value for name, value in environment.items() if not name.startswith(ours)},
        "FAKES": str(folder / "fakes"),
        "SEEN": str(folder / "seen"),
        "HOME": str(folder),
        "SSH_AUTH_SOCK": "",
        "PATH": f"{folder / 'fakes'}:{environment['PATH']}",
    }


def cloned(baked: Path, environment: dict[str, str], folder: Path) -> Path:
    """Return a repository with a generated project."""
    clone = shutil.copytree(baked, folder / "clone")
    origin = "git remote add origin git@example.com:team/penguins.git"
    command = f"git init -q; git add -A; git commit -qm Start; {origin}"
    run("sh", "-ec", command, cwd=clone, environment=environment)
    return clone


def calls_of_uv(folder: Path) -> dict[str, set[str]]:
    """Last word of each call of the stand-in -> the variables that it saw."""
    text = re.sub(r"=/\S+/\.uv/", "=.uv/", (folder / "seen").read_text(encoding="utf-8"))
    calls = {}
    for call in text.split("uv ")[1:]:
        words, *rest = call.splitlines()
        calls[words.split()[-1]] = set(rest)
    return calls


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_the_command_sees_what_the_provider_keeps(
    bake: Bake, environment: dict[str, str], tool: Tool, tmp_path: Path, provider: str, case: str
) -> None:
    remote, given = CASES[case].remote, CASES[case].given
    seen: dict[str, str] = getattr(CASES[case], provider) or given
    lines = {f"{name}={value}" for name, value in seen.items()}
    if remote == "ssh":
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "of-the-team", "-f", "key"]
        run(*command, cwd=tmp_path, environment=environment)
        given = {**given, "SSH_PRIVATE_KEY": (tmp_path / "key").read_text(encoding="utf-8")}
        lines = {"of-the-team"}
    clone = cloned(with_remote(bake, provider, remote), environment, tmp_path)
    variables = faked(environment, tmp_path)
    with serve_api() as api:
        kept = {**given, **TRACKERS, "ID_TOKEN": "token-of-the-cloud"}
        runner = RUNNERS[provider](tool, tmp_path, variables, api, given=kept)
        job = runner.run(clone, "check", {"ref": "refs/heads/main"})
    assert job.code == 0, job.output
    assert job.ran == ["check"]
    calls = calls_of_uv(tmp_path)
    assert list(calls) == ["--frozen", "check", "mirror"]
    trackers = {f"{name}={value}" for name, value in TRACKERS.items()}
    # GitLab has no variables of a step, and gives each job all that the project keeps.
    others = trackers if provider == "gitlab" else set()
    assert calls["check"] - others == lines
    assert calls["mirror"] - trackers == lines
    wanted = "MLFLOW" if PARTS[remote]["tracker"] == "mlflow" else "WANDB"
    assert [line for line in calls["mirror"] if line.startswith(wanted)]


def test_a_job_of_another_file_sees_the_same(
    bake: Bake, environment: dict[str, str], tool: Tool, tmp_path: Path
) -> None:
    case = CASES["azure by an app"]
    clone = cloned(with_remote(bake, "github", case.remote), environment, tmp_path)
    with serve_api() as api:
        kept = {**case.given, **TRACKERS}
        runner = RUNNERS["github"](tool, tmp_path, faked(environment, tmp_path), api, given=kept)
        job = runner.run(clone, "verify", {"ref": "refs/heads/main"})
    assert (job.code, job.ran) == (0, ["verify"]), job.output
    calls = calls_of_uv(tmp_path)
    assert list(calls) == ["--frozen", "verify"]
    assert calls["verify"] == {f"{name}={value}" for name, value in (case.github or {}).items()}


def test_a_stage_of_gitlab_is_deployed_by_the_job_of_its_environment(
    bake: Bake, environment: dict[str, str], tool: Tool, tmp_path: Path
) -> None:
    clone = cloned(with_remote(bake, "gitlab", "local"), environment, tmp_path)
    git = ("git", "push", "--quiet", str(tmp_path / "origin.git"), "HEAD:main")
    run("git", "init", "--quiet", "--bare", "origin.git", cwd=tmp_path, environment=environment)
    run(*git, cwd=clone, environment=environment)
    run("git", "remote", "set-url", "origin", git[3], cwd=clone, environment=environment)
    with serve_api() as api:
        runner = RUNNERS["gitlab"](tool, tmp_path, faked(environment, tmp_path), api, given={})
        job = runner.run(clone, "deploy", {"ref": "refs/tags/model#prod#1"})
    assert job.code == 0, job.output
    assert sorted(job.ran) == ["deploy-prod", "pages"], job.output
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert "uv run --frozen model ci deploy model#prod#1 --stage prod\n" in seen
