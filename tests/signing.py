"""Keys, copies that sign with them, and the rules that count there."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from made_tags import remake
from releases import Released, copied

BEGIN = "-----BEGIN "
PROMOTE = ("promote", "v1.2", "prod", "-m", "It is better")


@dataclass(frozen=True)
class Keys:
    """Two SSH keys: the project names the first one's owner."""

    ours: Path
    theirs: Path


def make_keys(ssh_keygen: str, folder: Path) -> Keys:
    """Make two SSH keys."""
    made = Keys(folder / "ours", folder / "theirs")
    for key in (made.ours, made.theirs):
        command = [ssh_keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
        subprocess.run(command, check=True)
    return made


def signing(two_versions: Released, keys: Keys, folder: Path) -> Released:
    """HEAD could be v1.2.0; Git signs with our key where it is asked to, and verify knows it."""
    copy = copied(two_versions, folder)
    public = keys.ours.with_suffix(".pub").read_text(encoding="utf-8")
    (copy.path / ".allowed_signers").write_text(f"test@example.com {public}", encoding="utf-8")
    copy.run("git", "add", ".allowed_signers")
    settings(copy)
    copy.run("git", "config", "gpg.format", "ssh")
    sign_with(copy, keys.ours)
    return copy


def settings(copy: Released, old: str = "", new: str = "") -> None:
    """Change what counts, which is what the default branch of the Git remote has."""
    copy.edit("versions.yaml", old, new)
    copy.commit_anyway()
    copy.run("git", "push", "--quiet", "--no-verify", "origin", "HEAD")


def sign_with(copy: Released, key: Path) -> None:
    copy.run("git", "config", "user.signingKey", f"{key}.pub")


def roles(copy: Released, *grants: str) -> None:
    """Require signatures, by people with these roles."""
    path = copy.path / "versions.yaml"
    text = re.sub("^roles: .*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text.replace("required: false", "required: true")
    path.write_text(f"{text.rstrip()}\nroles: [{', '.join(grants)}]\n", encoding="utf-8")
    settings(copy)


def shown(copy: Released) -> Any:
    """Return what `model show` prints where tags are not believed."""
    done = copy.model("show", "--json", check=False)
    assert done.returncode == 1
    return json.loads(done.stdout)


def require(copy: Released) -> None:
    settings(copy, "required: false", "required: true")


def protect(copy: Released) -> None:
    settings(copy, "prod: {gate: true, protected: false}", "prod: {gate: false, protected: true}")


def without_signature(copy: Released, name: str, **changes: Any) -> None:
    """Make a tag again, without its signature."""
    text = copy.git("cat-file", "tag", name)
    remake(copy, name, text[text.index(BEGIN) :], "", **changes)
