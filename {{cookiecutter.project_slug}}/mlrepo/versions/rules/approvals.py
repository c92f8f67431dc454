"""How many people other than its makers approved a version for a stage, or made it again.

A word is an act that somebody signed: approve, reject or attest. Two tags are by one person if they
share the address or the key. The last word of a person counts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.versions.registry import Act, Assignment, Registry, Version
from mlrepo.versions.rules.policy import Policy, Settings
from mlrepo.versions.rules.roles import signatures
from mlrepo.versions.rules.signatures import Signature, address
from mlrepo.versions.tags import Tag

PROVEN = ("identical", "equivalent")  # verdicts of a rebuild that speak for a version
Wrote = Callable[[Version, Iterable[Version]], Mapping[str, str]]


@dataclass(frozen=True)
class Tally:
    """What counts of the words on a version for a stage.

    Attributes:
        asks: how many approvals and rebuilds the stage asks for; {}: it asks for nothing.
        approvals: the approvals that count.
        rebuilds: the rebuilds that count.
        rejections: those that nobody has taken back.
        others: why other words do not count.
        could: who else has a role to approve, where there are roles.
    """

    asks: dict[str, int]
    approvals: list[Act] = field(default_factory=list)
    rebuilds: list[Act] = field(default_factory=list)
    rejections: list[Act] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    could: list[str] = field(default_factory=list)

    @property
    def record(self) -> dict[str, Any]:
        """What the record of a promotion says of it; {}: nothing was asked for."""
        names = {
            kind: [act.tag.name for act in acts]
            for kind, acts in (("approvals", self.approvals), ("rebuilds", self.rebuilds))
        }
        return {"asks": self.asks, **names} if self.asks else {}

    @property
    def lacks(self) -> list[str]:
        """What keeps the version out, and why words do not count; []: it may come in."""
        found = [
            f"{by(act.tag)} has rejected it, and has to approve it ({act.tag.name}): "
            f"{act.tag.subject}"
            for act in self.rejections
        ]
        for kind, acts in (("approvals", self.approvals), ("rebuilds", self.rebuilds)):
            if len(acts) < (wanted := self.asks.get(kind, 0)):
                who = f", by {', '.join(by(act.tag) for act in acts)}" if acts else ""
                more = kind == "approvals" and self.could
                could = f"; {', '.join(more)} may approve" if more else ""
                found.append(f"it has {len(acts)} of {wanted} {kind}{who}{could}")
        return found + self.others if found else []


@dataclass(frozen=True)
class Count:
    """Counts the words in a registry.

    Attributes:
        registry: whose acts are the words.
        settings: what stages ask for, and who has a role.
        said: tells whether the signature of a tag counts.
        wrote: returns address -> commit, of those who wrote what a version has and others have not.
    """

    registry: Registry
    settings: Settings
    said: Callable[[Tag], Signature]
    wrote: Wrote

    def tally(self, version: Version, stage: str) -> Tally:
        """Return what counts for bringing a version into a stage."""
        rules = self.settings.stages.get(stage)
        wanted = {"approvals": rules.approvals, "rebuilds": rules.rebuilds} if rules else {}
        others: list[str] = []
        words = self._last_words(version, ("approve", "reject"), stage, others)
        rejections = [act for act in words if act.action == "reject"]
        makers = self._makers(version, stage) if words or wanted.get("approvals") else {}
        approvals = [
            act
            for act in words
            if act.action == "approve" and not self._made(act.tag, version, makers, others)
        ]
        again = self._last_words(version, ("attest",), None, others) if wanted else []
        rebuilds = []
        for act in again:
            if act.tag.claims.get("verdict") not in PROVEN:
                others.append(f"{act.tag.name}: {by(act.tag)} made it again otherwise")
            elif not self._made(act.tag, version, {}, others):
                rebuilds.append(act)
        asks = wanted if any(wanted.values()) or rejections else {}
        gone = makers.keys() | {by(act.tag) for act in words}
        could = sorted(self.settings.approvers(stage, datetime.now(UTC)) - gone)
        return Tally(asks, approvals, rebuilds, rejections, others, could)

    def is_emergency(self, done: Assignment) -> bool:
        """Return whether it went past what others had to say, and none of them approved it since.

        Who approves must not be the one who did it.
        """
        return done.went_past and not any(
            act.tag.date > done.tag.date and not self._same(act.tag, done.tag)
            for act in self.tally(done.version, done.stage).approvals
        )

    def was_in(self, version: Version, stage: str) -> bool:
        """Return whether a version was in a stage before, and not as an emergency alone."""
        return any(
            done.version == version and done.action != "retire" and not self.is_emergency(done)
            for done in self.registry.of(stage)
        )

    def _last_words(
        self, version: Version, kinds: tuple[str, ...], stage: str | None, others: list[str]
    ) -> list[Act]:
        """Return the last word of each person; ``others`` learns which are not signed as needed."""
        words = []
        for act in self.registry.acts:
            said = act.tag.claims.get("for")
            about = act.version == version and self.settings.renamed.get(str(said), said) == stage
            if about and act.action in kinds:
                if why := self._unsigned(act, stage):
                    others.append(f"{act.tag.name} does not count: {why}")
                else:
                    words.append(act)
        return [
            act
            for n, act in enumerate(words)
            if not any(self._same(act.tag, later.tag) for later in words[n + 1 :])
        ]

    def _unsigned(self, act: Act, stage: str | None) -> str | None:
        signature = self.said(act.tag)
        if signature.state != "good":
            return signature.says
        may = "approve" if stage else ""
        if not self.settings.may(signature.who, may, stage, act.tag.date):
            return f"{signature.who} had no role for it"
        return None

    def _makers(self, version: Version, stage: str) -> dict[str, str]:
        """Return address -> what they did, of the people who made a version.

        Its commits are those that no version has that was in the stage before. One that came in
        past the rules is none that others have looked at.
        """
        known = {
            done.version.name: done.version
            for done in self.registry.of(stage)
            if done.version != version and not done.went_past
        }
        wrote = self.wrote(version, known.values())
        makers = {who: f"wrote the commit {commit}" for who, commit in wrote.items()}
        return makers | {by(version.tag): "registered the version"}

    def _made(
        self, tag: Tag, version: Version, makers: Mapping[str, str], others: list[str]
    ) -> bool:
        """Return whether who made a tag made the version as well, which ``others`` learns."""
        who = by(tag)
        does = "registered the version" if self._same(tag, version.tag) else makers.get(who)
        if does:
            others.append(f"{tag.name} does not count: {who} {does}")
        return does is not None

    def _same(self, one: Tag, other: Tag) -> bool:
        """Return whether two tags are by one person, for all that can be known."""
        keys = {self.said(one).key, self.said(other).key}
        return by(one) == by(other) or (len(keys) == 1 and "" not in keys)


def counted(registry: Registry, policy: Policy) -> Count:
    """Return what counts the words in a registry by the rules of a policy."""
    signed = {name: tag for name, tag in registry.chain.tags.items() if tag.claims.get("signed")}
    said, unsigned = signatures(signed, policy.signers), Signature("none", "not signed")
    return Count(registry, policy.settings, lambda tag: said.get(tag.name, unsigned), wrote)


def wrote(version: Version, known: Iterable[Version]) -> dict[str, str]:
    """Return address -> commit, of authors, committers and co-authors of what is not known."""
    if git.git("rev-parse", "--is-shallow-repository").strip() == "true":
        raise ProjectError(
            "this clone lacks commits, and so does not know who wrote them: "
            "`git fetch --unshallow` brings them"
        )
    also = "%(trailers:key=Co-authored-by,valueonly,separator=%x00)"
    form = f"--format=%x01%h%x00<%ae>%x00<%ce>%x00{also}"
    out = [each.tag.commit for each in known]
    said = git.git("log", "--no-show-signature", form, version.tag.commit, "--not", *out)
    commits = [entry.strip().split("\0") for entry in said.split("\1")[1:]]
    return {_address(who.strip()): at for at, *people in commits for who in people if who}


def by(tag: Tag) -> str:
    """Return the address of who made a tag; where it is signed, it is that of the key."""
    return _address(tag.by)


def _address(identity: str) -> str:
    return address(identity).casefold()
