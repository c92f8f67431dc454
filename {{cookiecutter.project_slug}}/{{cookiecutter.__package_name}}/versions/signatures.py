"""Whose signature a tag bears, by Git's own means."""

import re
from dataclasses import dataclass
from pathlib import Path

from .. import git
from ..errors import ProjectError
from ..settings import Signing
from .tags import Tag


@dataclass(frozen=True)
class Signature:
    """What is known of a tag's signature."""

    state: str  # good, bad or none
    signer: str | None
    says: str

    def lets_down(self, needed: bool) -> bool:
        """Whether it is bad, or none where one is needed."""
        return self.state == "bad" or (self.state == "none" and needed)


def check(tag: Tag, signing: Signing) -> Signature:
    """Return whether the signature of a tag is by somebody whom the project allows."""
    if tag.called not in ("", tag.name):
        return Signature("bad", None, f"it is the tag {tag.called} under another name")
    if not re.search(r"^-----BEGIN (SSH|PGP) SIGNATURE-----$", tag.message, re.MULTILINE):
        return Signature("none", None, "not signed")
    allowed = Path(signing.allowed_signers).resolve()
    command = ("-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-tag", "--raw", tag.oid)
    good, said = git.said_of(*command)
    ssh = re.search(r'^Good "git" signature for (\S+) with', said, re.MULTILINE)
    if good and ssh:
        return Signature("good", ssh[1], f"signed by {ssh[1]}")
    gpg = re.search(r"^\[GNUPG:\] VALIDSIG .*?([0-9A-F]{40})$", said, re.MULTILINE)
    if good and gpg and gpg[1] in signing.gpg_fingerprints:
        return Signature("good", gpg[1], f"signed by the GPG key {gpg[1]}")
    if ssh or gpg or 'Good "git" signature' in said:
        place = signing.allowed_signers if not gpg else "gpg_fingerprints in versions.yaml"
        return Signature("bad", None, f"signed by a key that {place} does not name")
    return Signature("bad", None, f"the signature is not good: {said.splitlines()[-1:] or said}")


def refuse_bad(tag: Tag, signing: Signing) -> Signature:
    """Return the signature of a tag.

    Raises:
        ProjectError: if it is bad, or there is none where the project requires one.
    """
    found = check(tag, signing)
    if found.lets_down(signing.required):
        raise ProjectError(f"{tag.name}: {found.says}")
    return found
