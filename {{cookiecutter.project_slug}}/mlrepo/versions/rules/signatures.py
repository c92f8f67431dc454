"""Whose signature a tag bears, and whether it counts."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.versions.tags import SIGNATURE, Tag


@dataclass(frozen=True)
class Signature:
    """What Git says of a tag's signature.

    Attributes:
        state: whether there is one, and whether it counts.
        says: the same in words.
        who: the address of the person whose key it is, "" unless it counts.
        key: the fingerprint of the key.
    """

    state: Literal["good", "bad", "none"]
    says: str
    who: str = ""
    key: str = ""


@dataclass(frozen=True)
class Signers:
    """The keys that count: lines of SSH keys (man ssh-keygen, ALLOWED SIGNERS), GPG fingerprints.

    A signature counts for a tag whose tagger is the owner of the key: who signs with one name and
    tags under another is believed neither.
    """

    place: str  # the file that the SSH keys stand in
    ssh: bytes
    gpg: tuple[str, ...]

    def check(self, tag: Tag) -> Signature:
        """Return whether the signature of a tag is by the person who made the tag."""
        if tag.called not in ("", tag.name):
            return Signature("bad", f"it is the tag {tag.called} under another name")
        if not SIGNATURE.search(tag.message):
            return Signature("none", "not signed")
        list_of_keys = f"gpg.ssh.allowedSignersFile={self._folder.name}/allowed"
        done = git.run("-c", list_of_keys, "verify-tag", "--raw", tag.oid)
        good, said = done.returncode == 0, (done.stdout + done.stderr).strip()
        ssh = re.search(r'^Good "git" signature for (\S+) with \S+ key (\S+)', said, re.MULTILINE)
        if good and ssh:
            return self._of_person(tag, [ssh[1]], ssh[2], f"signed by {ssh[1]}")
        gpg = re.search(r"^\[GNUPG:\] VALIDSIG .*?([0-9A-F]{40})$", said, re.MULTILINE)
        if good and gpg and gpg[1] in self.gpg:
            people = re.findall(r"^\[GNUPG:\] GOODSIG \S+ (.*)$", said, re.MULTILINE)
            told = f"signed by the GPG key {gpg[1]}"
            return self._of_person(tag, list(map(address, people)), gpg[1], told)
        if ssh or gpg or 'Good "git" signature' in said:
            place = "gpg_fingerprints in versions.yaml" if gpg else self.place
            return Signature("bad", f"signed by a key that {place} does not name")
        reason = said.splitlines()[-1] if said else "Git does not say why"
        return Signature("bad", f"the signature is not good: {reason}")

    def refuse_bad(self, tag: Tag) -> None:
        """Refuse a tag whose signature does not count."""
        found = self.check(tag)
        if found.state == "bad":
            raise ProjectError(f"{tag.name}: {found.says}")

    @cached_property
    def _folder(self) -> TemporaryDirectory[str]:
        folder = TemporaryDirectory()  # gone with this object
        Path(folder.name, "allowed").write_bytes(self.ssh)
        return folder

    def _of_person(self, tag: Tag, people: list[str], key: str, says: str) -> Signature:
        tagger = address(tag.by)
        if tagger.casefold() not in [each.casefold() for each in people]:
            other = f"{says}, but the tag says that {tagger} made it"
            return Signature("bad", f"{other}: `git config user.email` must be the key's")
        return Signature("good", says, tagger, key)


def address(identity: str) -> str:
    """Return the address in "Name <address>"."""
    return identity.rpartition("<")[2].rstrip(">")
