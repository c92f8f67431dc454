"""versions.yaml: what a stage demands, whose signatures count, and when the gate opens."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import sha256
from mlrepo.core.sections import Names, Section, parse
from mlrepo.pipeline import git
from mlrepo.versions.registry import is_number
from mlrepo.versions.tags import Tag

PATH = Path("versions.yaml")


class Stage(Section):
    """What a promotion to a stage demands."""

    gate: bool
    protected: bool


@dataclass(frozen=True)
class Signature:
    """What Git says of a tag's signature."""

    state: Literal["good", "bad", "none"]
    says: str

    def is_insufficient(self, needed: bool) -> bool:
        """Whether it is bad, or none where one is needed."""
        return self.state == "bad" or (self.state == "none" and needed)


class Signing(Section):
    """Whose signatures count."""

    required: bool
    allowed_signers: str
    gpg_fingerprints: Names

    def check(self, tag: Tag) -> Signature:
        """Return whether the signature of a tag is by somebody whom the project allows."""
        if tag.called not in ("", tag.name):
            return Signature("bad", f"it is the tag {tag.called} under another name")
        if not re.search(r"^-----BEGIN (SSH|PGP) SIGNATURE-----$", tag.message, re.MULTILINE):
            return Signature("none", "not signed")
        signers = f"gpg.ssh.allowedSignersFile={Path(self.allowed_signers).resolve()}"
        done = git.run("-c", signers, "verify-tag", "--raw", tag.oid)
        good, said = done.returncode == 0, (done.stdout + done.stderr).strip()
        ssh = re.search(r'^Good "git" signature for (\S+) with', said, re.MULTILINE)
        if good and ssh:
            return Signature("good", f"signed by {ssh[1]}")
        gpg = re.search(r"^\[GNUPG:\] VALIDSIG .*?([0-9A-F]{40})$", said, re.MULTILINE)
        if good and gpg and gpg[1] in self.gpg_fingerprints:
            return Signature("good", f"signed by the GPG key {gpg[1]}")
        if ssh or gpg or 'Good "git" signature' in said:
            place = self.allowed_signers if not gpg else "gpg_fingerprints in versions.yaml"
            return Signature("bad", f"signed by a key that {place} does not name")
        reason = said.splitlines()[-1] if said else "Git does not say why"
        return Signature("bad", f"the signature is not good: {reason}")

    def refuse_bad(self, tag: Tag) -> None:
        """Refuse a tag whose signature is bad, or that has none where one is required."""
        found = self.check(tag)
        if found.is_insufficient(self.required):
            raise ProjectError(f"{tag.name}: {found.says}")


class Gate(Section):
    """When a challenger may follow a champion."""

    margin: Annotated[float, Field(ge=0)]
    inconclusive: Literal["allow", "refuse"]
    worst_slice: float | None
    max_size_mb: Annotated[float, Field(gt=0)] | None
    max_milliseconds_per_1000_rows: Annotated[float, Field(gt=0)] | None


class Settings(Section):
    """The whole of versions.yaml."""

    stages: Annotated[dict[str, Stage], Field(min_length=1)]
    signing: Signing
    gate: Gate

    @model_validator(mode="after")
    def _stage_names(self) -> "Settings":
        for name in self.stages:
            if name == "deprecated" or not name.replace("-", "").isalnum():
                raise ValueError(f"'{name}' is no stage: use letters, digits and -, not deprecated")
            if is_number(name):
                raise ValueError(f"'{name}' reads as a version: let a stage begin with a word")
        return self

    def stage(self, name: str) -> Stage:
        """Return the rules of a stage."""
        if name not in self.stages:
            raise ProjectError(f"'{name}' is no stage: {PATH} has {', '.join(self.stages)}")
        return self.stages[name]

    def needs_signature(self, stage: str, override: str | None) -> bool:
        """Return whether the tag that brings a version into a stage has to be signed."""
        protected = stage in self.stages and self.stages[stage].protected
        return self.signing.required or (protected and not override)

    @property
    def last(self) -> str:
        """The stage that users see."""
        return list(self.stages)[-1]


def in_force() -> dict[str, str]:
    """Return the commit that the demands of this folder stand in, and what tells them.

    Raises:
        ProjectError: if versions.yaml or the list of signers is not as committed: an edit that is
            undone after a release would leave no trace.
    """
    signers = load_settings().signing.allowed_signers
    if changed := git.git("status", "--porcelain", "--", str(PATH), signers).strip():
        raise ProjectError(
            f"what a stage demands is not committed ({changed}): commit it, or take it back with "
            f"`git checkout {PATH}`"
        )
    return {"commit": git.git("rev-parse", "HEAD").strip(), "sha256": sha256(PATH)}


def load_settings() -> Settings:
    """Read and check versions.yaml."""
    return parse(yaml.load(PATH), Settings, str(PATH))
