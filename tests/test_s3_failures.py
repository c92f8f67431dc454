"""Each way in which an S3 remote cannot be used is told in seconds, with its name and the fix."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Project
from helpers import LONG, in_long_form
from servers import S3, free_port, serve_s3
from sharing import Sharer, share

# What goes wrong: variables of the environment, a setting of the remote, the meaning, the fix.
FAILURES = {
    "a wrong key": (
        {"AWS_ACCESS_KEY_ID": "wrong"},
        "",
        "refuses the key, the secret",
        "check the credentials in the environment or .dvc/config.local",
    ),
    "a wrong secret": (
        {"AWS_SECRET_ACCESS_KEY": "wrong"},
        "",
        "refuses the key, the secret",
        "check the credentials in the environment or .dvc/config.local",
    ),
    # Nor has the HOME of the tests a folder .aws; Amazon's own machines are asked for a role.
    "no credentials": (
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        "",
        "gets no credentials",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    "no bucket": (
        {},
        "url = s3://nobody-made-it/penguins",
        "has no such bucket",
        "make the bucket, or `dvc remote modify storage url ADDRESS`",
    ),
    "no server": (
        {},
        "endpointurl = http://127.0.0.1:{port}",
        "cannot be reached",
        "check the network and the address: `dvc remote modify storage endpointurl ADDRESS`",
    ),
}
# In a clone that has no cache.
COMING = [
    ("get", "v1", "-o", "../served"),
    ("promote", "v1", "prod", "-m", "Why"),
    ("rollback", "--to", "v1", "-m", "Why"),
]
COMMANDS = {
    "push": ("model", "push"),
    "pull": ("model", "pull"),
    "doctor": ("model", "doctor"),
    "gc": ("model", "gc", "--cloud"),
    "verify": ("model", "verify", "v1"),
    "register": ("model", "register", "-m", "Again"),
    "hook": ("git", "push", "origin", "main"),
}


@pytest.fixture(scope="module")
def versioned(s3_project: Project, s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Sharer:
    """A copy with a version, and with a commit that neither remote has."""
    new = share(s3_project, tmp_path_factory.mktemp("failures"), s3, "failures")
    new.run("model", "push")
    new.run("git", "push", "--quiet", "--set-upstream", "origin", "main")
    new.model("register", "-m", "The first one")
    (new.path / "data/raw/more.csv").write_text("a\n1\n", encoding="utf-8")
    new.run("dvc", "add", "--quiet", "data/raw/more.csv")
    new.commit("More data")
    return new


def assert_told(copy: Sharer, turn: int, meaning: str, fix: str, **variables: str) -> None:
    """Run each command, also those that bring a model in a clone that has no cache.

    Unless in a long run, every second one, from the first or from the second as it is their turn.
    """
    before, there = copy.state(), copy.objects().keys()
    for name, command in list(COMMANDS.items())[0 if LONG else turn % 2 :: 1 if LONG else 2]:
        said = copy.told(*command, **variables)
        assert meaning in said, name
        assert fix in said, name
    clone = copy.path.parent / "clone"
    fresh = replace(copy, path=clone) if clone.exists() else copy.clone("clone")
    settings = (copy.path / ".dvc/config.local").read_text(encoding="utf-8")
    (fresh.path / ".dvc/config.local").write_text(settings, encoding="utf-8")
    for command in COMING:
        said = fresh.told("model", *command, **variables)
        assert meaning in said
        assert fix in said
        assert "whoever has it" not in said
    assert not (fresh.path.parent / "served/VERSION.json").exists()
    assert copy.state() == before
    assert copy.objects().keys() == there


@pytest.mark.parametrize("what", list(FAILURES)[:: 1 if LONG else 3])
def test_a_remote_that_cannot_be_used_is_told(versioned: Sharer, what: str) -> None:
    variables, setting, meaning, fix = FAILURES[what]
    set_remote(versioned, setting.format(port=free_port()))
    assert_told(versioned, list(FAILURES).index(what), meaning, fix, **variables)


@in_long_form
def test_a_server_that_takes_the_call_and_never_answers_is_told(
    versioned: Sharer, tmp_path: Path
) -> None:
    with serve_s3(tmp_path / "s3", "failures") as server:
        server.process.send_signal(signal.SIGSTOP)
        set_remote(versioned, f"endpointurl = {server.url}")
        told = "does not answer for 6 seconds", "check the network and the address"
        assert_told(versioned, len(FAILURES), *told)


def set_remote(copy: Sharer, line: str) -> None:
    """Let a line of .dvc/config.local, which also has the project's plots, hide one of its own."""
    local = copy.path / ".dvc/config.local"
    kept = local.read_text(encoding="utf-8").partition("['remote")[0]
    text = f"['remote \"storage\"']\n    {line}\n" if line else ""
    local.write_text(kept + text, encoding="utf-8")
