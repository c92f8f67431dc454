"""versions.yaml: what a stage demands, whose signatures count, and when the gate opens."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.sections import Names, Section, parse
from mlrepo.pipeline import git
from mlrepo.versions.rules import PATH, where
from mlrepo.versions.rules.signatures import Signers
from mlrepo.versions.version_numbers import is_number


def _day(value: Any) -> Any:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"'{value}' is no day: write it like 2026-12-31") from None


Day = Annotated[date, BeforeValidator(_day)]


class Stage(Section):
    """What a promotion to a stage demands."""

    gate: bool
    protected: bool
    # How many others approve a version, or made it again, before it comes in.
    approvals: Annotated[int, Field(ge=0)] = 0
    rebuilds: Annotated[int, Field(ge=0)] = 0
    # Whether a model file that can run code when it is loaded stays out.
    refuse_code: bool = False
    # Names that it had before; its past is theirs.
    formerly: Names = ()


class Signing(Section):
    """Whose signatures count, and what needs one: nothing, all, or what came from a day on."""

    required: Annotated[bool | date, BeforeValidator(_day)]
    allowed_signers: str
    gpg_fingerprints: Names

    def needed(self, moment: datetime) -> bool:
        """Return whether a tag of this moment needs a signature."""
        if isinstance(self.required, bool):
            return self.required
        return moment.astimezone(UTC).date() >= self.required


class Grant(Section):
    """What a person may do, in some stages or all, from one day to another, in UTC."""

    who: str
    may: Literal["register", "approve", "release"]
    stages: Names = ()
    since: Day | None = None
    until: Day | None = None

    def covers(self, who: str, may: str, stage: str | None, moment: datetime) -> bool:
        """Return whether it lets a person do this.

        ``may`` is "" for what any role allows, ``stage`` None for what knows no stages.
        """
        day = moment.astimezone(UTC).date()
        return (
            self.who.casefold() == who.casefold()
            and may in (self.may, "")
            and (stage is None or not self.stages or stage in self.stages)
            and (self.since is None or self.since <= day)
            and (self.until is None or day <= self.until)
        )


class Gate(Section):
    """When a challenger may follow a champion."""

    margin: Annotated[float, Field(ge=0)]
    inconclusive: Literal["allow", "refuse"]
    worst_slice: float | None
    max_size_mb: Annotated[float, Field(gt=0)] | None
    max_milliseconds_per_1000_rows: Annotated[float, Field(gt=0)] | None

    def allows(self, verdict: str) -> bool:
        """Return whether it opens: for a pass, and for what is inconclusive where allowed."""
        return verdict == "pass" or (verdict == "inconclusive" and self.inconclusive == "allow")


class Settings(Section):
    """The whole of versions.yaml."""

    stages: Annotated[dict[str, Stage], Field(min_length=1)]
    signing: Signing
    # Who may do what; (): whoever may push.
    roles: Annotated[tuple[Grant, ...], Field(strict=False)] = ()
    gate: Gate

    @model_validator(mode="after")
    def _stage_names(self) -> "Settings":
        for name in self.stages:
            if name == "deprecated" or not name.replace("-", "").isalnum():
                raise ValueError(f"'{name}' is no stage: use letters, digits and -, not deprecated")
            if is_number(name):
                raise ValueError(f"'{name}' reads as a version: let a stage begin with a word")
        return self

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        former = [name for stage in self.stages.values() for name in stage.formerly]
        if twice := [n for n in former if n in self.stages or former.count(n) > 1]:
            raise ValueError(f"'{twice[0]}' is a name of two stages: see formerly")
        if self.roles and self.signing.required is False:
            raise ValueError("roles say nothing without signatures: set signing.required")
        for grant in self.roles:
            if unknown := set(grant.stages) - self.stages.keys():
                raise ValueError(f"roles: '{unknown.pop()}' is no stage of this file")
        return self

    def stage(self, name: str) -> Stage:
        """Return the rules of a stage."""
        if name not in self.stages:
            raise ProjectError(f"'{name}' is no stage: {PATH} has {', '.join(self.stages)}")
        return self.stages[name]

    def may(self, who: str, may: str, stage: str | None, moment: datetime) -> bool:
        """Return whether a person may do this; the stage can have a former name."""
        stage = self.renamed.get(stage or "", stage)
        return not self.roles or any(g.covers(who, may, stage, moment) for g in self.roles)

    def approvers(self, stage: str, moment: datetime) -> set[str]:
        """Return who has a role to approve."""
        people = {grant.who.casefold() for grant in self.roles}
        return {who for who in people if self.may(who, "approve", stage, moment)}

    @property
    def renamed(self) -> dict[str, str]:
        """The former names of stages, with their names today."""
        return {old: name for name, stage in self.stages.items() for old in stage.formerly}

    @property
    def last(self) -> str:
        """The stage that users see."""
        return list(self.stages)[-1]


@dataclass(frozen=True)
class Policy:
    """The demands of a commit."""

    commit: str
    sha256: str
    settings: Settings
    signers: Signers

    @property
    def named(self) -> dict[str, str]:
        """What a record says of it."""
        return {"commit": self.commit, "sha256": self.sha256}


def in_force() -> Policy:
    """Return what counts: the demands of the default branch, or else of the last commit here."""
    place = where()
    if place is None:
        raise ProjectError(f"{PATH} is not committed, and it says what a stage demands: commit it")
    return of(place[0])


def of(commit: str) -> Policy:
    """Return the demands that stand in a commit."""
    return _of(commit, git.folder_in_repository())


@cache
def _of(commit: str, folder: str) -> Policy:
    """The ``folder`` is the current one, in which each model has demands of its own."""
    content = git.bytes_at(commit, str(PATH))
    name = f"{PATH} of {commit[:7]}"
    settings = parse(yaml.parse(content.decode(), name), Settings, name)
    signing, allowed = settings.signing, b""
    with suppress(ProjectError):
        allowed = git.bytes_at(commit, signing.allowed_signers)
    signers = Signers(signing.allowed_signers, allowed, signing.gpg_fingerprints)
    return Policy(commit, hashlib.sha256(content).hexdigest(), settings, signers)


def refuse_uncommitted() -> None:
    """Raise if versions.yaml or the list of signers here is not as committed: it does not count."""
    signers = load_settings().signing.allowed_signers
    if changed := git.git("status", "--porcelain", "--", str(PATH), signers).strip():
        raise ProjectError(
            f"what a stage demands is not committed ({changed}): commit it, or take it back with "
            f"`git checkout {PATH}`"
        )


def load_settings() -> Settings:
    """Read and check versions.yaml as it is in this folder."""
    return parse(yaml.load(PATH), Settings, str(PATH))
