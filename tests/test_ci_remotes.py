"""Each kind of remote in the files of GitHub and GitLab, run up to the command that uses it.

A script stands in for uv: it keeps what it is called with, and the variables that it sees. Of the
clouds' own actions a stand-in says what they would sign in with; see ci_runners.py.
"""

import re
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


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_the_command_sees_what_the_provider_keeps(
    bake: Bake, environment: dict[str, str], tool: Tool, tmp_path: Path, provider: str, case: str
) -> None:
    remote, given = CASES[case].remote, CASES[case].given
    seen: dict[str, str] = getattr(CASES[case], provider) or given
    lines = {f"{name}={value}" for name, value in seen.items()}
    for name, text in (("uv", UV), ("python3", PYTHON)):
        script = tmp_path / "fakes" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)

    def shell(command: str, cwd: Path = tmp_path) -> None:
        run("sh", "-ec", command, cwd=cwd, environment=environment)

    if remote == "ssh":
        shell("ssh-keygen -q -t ed25519 -N '' -C of-the-team -f key")
        given = {**given, "SSH_PRIVATE_KEY": (tmp_path / "key").read_text(encoding="utf-8")}
        lines = {"of-the-team"}
    shell(f"cp -R '{with_remote(bake, provider, remote)}' clone")
    origin = "git remote add origin git@example.com:team/penguins.git"
    shell(f"git init -q; git add -A; git commit -qm Start; {origin}", tmp_path / "clone")
    ours = ("AWS_", "AZURE_", "GOOGLE_")  # of whoever runs this
    variables = {
        **{name: value for name, value in environment.items() if not name.startswith(ours)},
        "FAKES": str(tmp_path / "fakes"),
        "SEEN": str(tmp_path / "seen"),
        "HOME": str(tmp_path),
        "SSH_AUTH_SOCK": "",
        "PATH": f"{tmp_path / 'fakes'}:{environment['PATH']}",
    }
    with serve_api() as api:
        kept = {**given, **TRACKERS, "ID_TOKEN": "token-of-the-cloud"}
        runner = RUNNERS[provider](tool, tmp_path, variables, api, given=kept)
        job = runner.run(tmp_path / "clone", "check", {"ref": "refs/heads/main"})
    assert job.code == 0, job.output
    assert job.ran == ["check"]
    text = re.sub(r"=/\S+/\.uv/", "=.uv/", (tmp_path / "seen").read_text(encoding="utf-8"))
    calls = {}
    for call in text.split("uv ")[1:]:
        words, *rest = call.splitlines()
        calls[words.split()[-1]] = set(rest)
    assert list(calls) == ["--frozen", "check", "mirror"]
    trackers = {f"{name}={value}" for name, value in TRACKERS.items()}
    # GitLab has no variables of a step, and gives each job all that the project keeps.
    others = trackers if provider == "gitlab" else set()
    assert calls["check"] - others == lines
    assert calls["mirror"] - trackers == lines
    wanted = "MLFLOW" if PARTS[remote]["tracker"] == "mlflow" else "WANDB"
    assert [line for line in calls["mirror"] if line.startswith(wanted)]
