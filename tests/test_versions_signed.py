"""Signatures with real keys: who signed is told, and no other key, forgery or gap passes."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Tool
from made_tags import remake
from releases import Released, copied, refused, wrong

BEGIN = "-----BEGIN "
PROMOTE = ("promote", "v1.2", "prod", "-m", "It is better")


@dataclass(frozen=True)
class Keys:
    """Two SSH keys: the project names the first one's owner."""

    ours: Path
    theirs: Path


@pytest.fixture
def keys(tool: Tool, tmp_path: Path) -> Keys:
    program = tool("ssh-keygen", "apt-get install openssh-client")
    made = Keys(tmp_path / "ours", tmp_path / "theirs")
    for key in (made.ours, made.theirs):
        command = [program, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
        subprocess.run(command, check=True)
    return made


@pytest.fixture
def copy(two_versions: Released, keys: Keys, tmp_path: Path) -> Released:
    """HEAD could be v1.2.0; Git signs with our key where it is asked to, and verify knows it."""
    copy = copied(two_versions, tmp_path / "copy")
    public = keys.ours.with_suffix(".pub").read_text(encoding="utf-8")
    (copy.path / ".allowed_signers").write_text(f"test@example.com {public}", encoding="utf-8")
    copy.run("git", "add", ".allowed_signers")
    settings(copy)
    copy.run("git", "config", "gpg.format", "ssh")
    sign_with(copy, keys.ours)
    return copy


def sign_with(copy: Released, key: Path) -> None:
    copy.run("git", "config", "user.signingKey", f"{key}.pub")


def settings(copy: Released, old: str = "", new: str = "") -> None:
    """Change what counts, which is what the default branch of the Git remote has."""
    copy.edit("versions.yaml", old, new)
    copy.commit_anyway()
    copy.run("git", "push", "--quiet", "--no-verify", "origin", "HEAD")


def require(copy: Released) -> None:
    settings(copy, "required: false", "required: true")


def protect(copy: Released) -> None:
    settings(copy, "prod: {gate: true, protected: false}", "prod: {gate: false, protected: true}")


def without_signature(copy: Released, name: str, **changes: Any) -> None:
    """Make a tag again, without its signature."""
    text = copy.git("cat-file", "tag", name)
    remake(copy, name, text[text.index(BEGIN) :], "", **changes)


@pytest.mark.parametrize("how", ["--sign", "tag.gpgSign"])
def test_verify_says_who_signed(copy: Released, how: str) -> None:
    if how == "tag.gpgSign":
        copy.run("git", "config", "tag.gpgSign", "true")
    copy.model("register", "-m", "Signed", *(["--sign"] if how == "--sign" else []))
    assert BEGIN in copy.git("cat-file", "tag", "model@v1.2.0")
    assert copy.json("verify", "v1.2")["signature"] == "signed by test@example.com"
    said = copy.model("verify", "v1.2", "--offline").stdout
    assert said.endswith("model@v1.2.0 holds; signed by test@example.com\n")
    assert copy.model("verify", "v1", "--offline").stdout.endswith("v1.0.0 holds; not signed\n")


def test_a_stranger_is_found_out(copy: Released, keys: Keys) -> None:
    sign_with(copy, keys.theirs)
    copy.model("register", "-m", "Signed by somebody", "--sign")
    told = "signed by a key that .allowed_signers does not name"
    assert wrong(copy, "v1.2", "--offline") == {"signature": told}
    refused(copy, *PROMOTE, words=[f"model@v1.2.0: {told}"])

    (copy.path / ".allowed_signers").unlink()
    copy.commit_anyway()
    assert wrong(copy, "v1.2", "--offline") == {"signature": told}


def test_a_forged_version_is_found_out(copy: Released) -> None:
    copy.model("register", "-m", "The good one", "--sign")
    remake(copy, "model@v1.2.0", "The good one", "The best one")
    found = wrong(copy, "v1.2", "--offline")
    assert found.keys() == {"signature"}
    assert "the signature is not good" in found["signature"]
    copy.run("git", "push", "--quiet", "--no-verify", "--force", "origin", "model@v1.2.0")
    refused(copy, *PROMOTE, words=["model@v1.2.0: the signature is not good"])


def test_without_a_list_of_signers_every_key_is_a_strangers(copy: Released) -> None:
    copy.model("register", "-m", "More", "--sign")
    copy.git("rm", "--quiet", ".allowed_signers")
    copy.commit_anyway()
    found = wrong(copy, "v1.2", "--offline")["signature"]
    assert found == "signed by a key that .allowed_signers does not name"


def test_a_key_that_git_trusts_too_little_does_not_pass(copy: Released) -> None:
    copy.model("register", "-m", "More", "--sign")
    copy.run("git", "config", "gpg.minTrustLevel", "ultimate")
    assert "signature" in wrong(copy, "v1.2", "--offline")


def test_an_unsigned_version_does_not_pass_where_signatures_are_required(copy: Released) -> None:
    copy.model("register", "-m", "Not signed")
    require(copy)
    assert wrong(copy, "v1", "--offline") == {"signature": "not signed"}
    refused(copy, *PROMOTE, words=["model@v1.2.0: not signed"])
    refused(copy, "rollback", "-m", "Why", "--to", "v1", words=["model@v1.0.0: not signed"])


def test_all_is_signed_where_signatures_are_required(copy: Released) -> None:
    require(copy)
    copy.model("register", "-m", "Signed")
    copy.model("promote", "v1.2", "staging", "-m", "Signed as well")
    copy.model("deprecate", "v1.2", "-m", "Signed, too")
    for name in ("model@v1.2.0", "model#staging#4", "model#deprecated#5"):
        assert BEGIN in copy.git("cat-file", "tag", name)
    assert copy.model("verify", "v1.2").returncode == 0

    without_signature(copy, "model#deprecated#5")
    told = {"signature": "model#deprecated#5: not signed"}
    assert wrong(copy, "v1.2", "--offline") == told


def test_a_protected_stage_takes_a_signed_tag(copy: Released) -> None:
    copy.model("register", "-m", "A version")
    protect(copy)
    copy.model(*PROMOTE)
    assert BEGIN in copy.git("cat-file", "tag", "model#prod#4")
    assert copy.model("verify", "v1.2").returncode == 0

    remake(copy, "model#prod#4", "It is better", "It is best")
    found = wrong(copy, "v1.2", "--offline")
    assert found.keys() == {"signature"}
    assert "model#prod#4: the signature is not good" in found["signature"]


def test_no_reason_stands_for_a_signature_that_every_tag_needs(copy: Released) -> None:
    require(copy)
    protect(copy)
    copy.model("register", "-m", "More")
    copy.model(*PROMOTE, "--override", "In a hurry")
    assert BEGIN in copy.git("cat-file", "tag", "model#prod#4")


def test_a_protected_stage_takes_no_other_without_a_reason(copy: Released) -> None:
    copy.model("register", "-m", "A version")
    protect(copy)
    copy.run("git", "config", "--unset", "user.signingKey")
    refused(copy, *PROMOTE, words=["the tag model#prod#4 was not made", "user.signingkey"])
    assert copy.json("show")[0]["stages"] == []

    copy.model(*PROMOTE, "--override", "The key is at home")
    tag = copy.git("cat-file", "tag", "model#prod#4")
    assert BEGIN not in tag
    assert '"override": "The key is at home"' in tag
    assert copy.model("verify", "v1.2").returncode == 0

    remake(copy, "model#prod#4", override=None)
    assert wrong(copy, "v1.2", "--offline") == {"signature": "model#prod#4: not signed"}


@pytest.fixture
def gpg(tool: Tool) -> Iterator[tuple[str, str]]:
    """The folder of two GPG keys, and the fingerprint of the first one."""
    program = tool("gpg", "apt-get install gnupg")
    with tempfile.TemporaryDirectory() as home:
        batch = [program, "--homedir", home, "--batch", "--quiet"]
        for name in ("ours", "theirs"):
            make = ["--passphrase", "", "--quick-generate-key", f"{name}@example.com", "ed25519"]
            subprocess.run([*batch, *make], check=True, capture_output=True)
        listed = subprocess.run(
            [*batch, "--with-colons", "--list-keys", "ours@example.com"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        fingerprint = next(x for x in listed.stdout.splitlines() if x.startswith("fpr:"))
        yield home, fingerprint.strip("fpr:")
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


def test_gpg_keys_count_by_their_fingerprints(copy: Released, gpg: tuple[str, str]) -> None:
    home, fingerprint = gpg
    settings(copy, "gpg_fingerprints: []", f"gpg_fingerprints: [{fingerprint}]")
    copy.run("git", "config", "gpg.format", "openpgp")
    copy.run("git", "config", "user.signingKey", "ours@example.com")
    copy.model("register", "-m", "Signed", "--sign", GNUPGHOME=home)
    said = copy.model("verify", "v1.2", GNUPGHOME=home).stdout
    assert said.endswith(f"holds; signed by the GPG key {fingerprint}\n")
    # Where nobody has imported the key, nothing is known of it.
    assert "the signature is not good" in wrong(copy, "v1.2", "--offline")["signature"]
    expire = ["gpg", "--homedir", home, "--batch", "--quick-set-expire", fingerprint, "seconds=1"]
    copy.run(*expire)
    time.sleep(2)
    done = copy.model("verify", "v1.2", "--offline", check=False, GNUPGHOME=home)
    assert done.returncode == 1
    copy.run(*expire[:-1], "0")

    settings(copy, "required: false", "required: true")
    copy.run("git", "config", "user.signingKey", "theirs@example.com")
    copy.model("register", "-m", "Signed by somebody", GNUPGHOME=home)
    done = copy.model("verify", "v1.3", "--offline", check=False, GNUPGHOME=home)
    assert done.returncode == 1
    assert "by a key that gpg_fingerprints in versions.yaml does not name" in done.stdout
