"""Signatures with real keys: who signed is told, and no other key, forgery or gap passes."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Tool
from made_tags import remake
from releases import Released, refused, wrong
from signing import (
    BEGIN,
    PROMOTE,
    Keys,
    make_keys,
    protect,
    require,
    settings,
    sign_with,
    signing,
    without_signature,
)


@pytest.fixture
def keys(tool: Tool, tmp_path: Path) -> Keys:
    return make_keys(tool("ssh-keygen", "apt-get install openssh-client"), tmp_path)


@pytest.fixture
def copy(two_versions: Released, keys: Keys, tmp_path: Path) -> Released:
    return signing(two_versions, keys, tmp_path / "copy")


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


def test_a_key_that_does_not_count_is_told_before_anything_is_pushed(
    copy: Released, keys: Keys
) -> None:
    state = copy.state()
    sign_with(copy, keys.theirs)
    told = "model@v1.2.0 was not made: signed by a key that .allowed_signers does not name"
    for command in (("--sign",), ()):
        copy.run("git", "config", "tag.gpgSign", str(not command).lower())
        refused(copy, "register", "-m", "By somebody", *command, words=[told])
    sign_with(copy, keys.ours)
    told = "but the tag says that bo@example.com made it: `git config user.email` must be the key's"
    bo = "bo@example.com"
    by_bo = ("register", "-m", "By Bo")
    refused(copy, *by_bo, words=[told], GIT_COMMITTER_NAME="Bo", GIT_COMMITTER_EMAIL=bo)
    assert copy.state() == state


@pytest.mark.parametrize("expired", ["valid-before=20200101", "valid-after=29990101"])
def test_a_key_that_has_expired_is_told_as_well(copy: Released, keys: Keys, expired: str) -> None:
    public = keys.ours.with_suffix(".pub").read_text(encoding="utf-8")
    text = f"test@example.com {expired} {public}"
    (copy.path / ".allowed_signers").write_text(text, encoding="utf-8")
    settings(copy)
    refused(copy, "register", "-m", "Too late", "--sign", words=["model@v1.2.0 was not made"])


def test_a_stranger_is_found_out(copy: Released, keys: Keys) -> None:
    """Whoever writes the tag by hand is told nothing beforehand."""
    copy.model("register", "-m", "Signed by us", "--sign")
    text = copy.git("cat-file", "tag", "model@v1.2.0")
    without_signature(copy, "model@v1.2.0")
    sign_with(copy, keys.theirs)
    message = text.partition("\n\n")[2].partition(BEGIN)[0]
    (copy.path.parent / "message").write_text(message, encoding="utf-8")
    date = str(
        copy.git("for-each-ref", "--format=%(creatordate:unix) +0000", "refs/tags/model@v1.2.0")
    )
    copy.run(
        "git", "tag", "--force", "--sign", "--cleanup=verbatim", "-F", "../message",
        "model@v1.2.0", "HEAD", GIT_COMMITTER_DATE=date,
    )  # fmt: skip
    told = "signed by a key that .allowed_signers does not name"
    assert wrong(copy, "v1.2", "--offline") == {"signature": told}
    copy.run("git", "push", "--quiet", "--no-verify", "--force", "origin", "model@v1.2.0")
    refused(copy, *PROMOTE, words=[f"model@v1.2.0: {told}"])


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
    settings(copy)
    found = wrong(copy, "v1.2", "--offline")["signature"]
    assert found == "signed by a key that .allowed_signers does not name"


def test_a_key_that_git_trusts_too_little_does_not_pass(copy: Released) -> None:
    copy.model("register", "-m", "More", "--sign")
    copy.run("git", "config", "gpg.minTrustLevel", "ultimate")
    assert "signature" in wrong(copy, "v1.2", "--offline")


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
    copy.model("countersign", "-m", "What is older")
    copy.model("register", "-m", "More")
    copy.model(*PROMOTE, "--override", "In a hurry")
    assert BEGIN in copy.git("cat-file", "tag", "model#prod#5")


def test_a_protected_stage_takes_no_other_without_a_reason(copy: Released) -> None:
    copy.model("register", "-m", "A version")
    protect(copy)
    copy.run("git", "config", "--unset", "user.signingKey")
    fix = "To sign with an SSH key: `git config gpg.format ssh` and `git config user.signingKey"
    refused(copy, *PROMOTE, words=["the tag model#prod#4 was not made", "user.signingkey", fix])
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
    us = {"GNUPGHOME": home, "GIT_COMMITTER_EMAIL": "ours@example.com"}
    copy.model("register", "-m", "Signed", "--sign", check=True, **us)
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

    copy.run("git", "config", "user.signingKey", "theirs@example.com")
    copy.run("git", "commit", "--quiet", "--allow-empty", "-m", "Next")
    told = "by a key that gpg_fingerprints in versions.yaml does not name"
    refused(copy, "register", "-m", "By somebody", "--sign", words=[told], GNUPGHOME=home)
