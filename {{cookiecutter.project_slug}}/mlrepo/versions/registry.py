"""What the tags say: versions, what was in which stage when, and what may come next."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from semver import Version as Number

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.versions import tags
from mlrepo.versions.chain import FORMAT, Chain, follow
from mlrepo.versions.tags import Tag

# Stages are assigned to versions; a version in this one is bad. GTO shows it as a stage.
DEPRECATED = "deprecated"


@dataclass(frozen=True)
class Version:
    """A version: its number and the tag that holds its record."""

    number: Number
    tag: Tag

    @property
    def name(self) -> str:
        """The number as people write it, such as v1.2.0."""
        return f"v{self.number}"

    @property
    def record(self) -> dict[str, Any]:
        """All that its tag says of it."""
        return self.tag.record


@dataclass(frozen=True)
class Assignment:
    """The moment at which a version came into a stage."""

    counter: int
    stage: str
    version: Version
    tag: Tag

    @property
    def action(self) -> str:
        """What it was: promote, rollback or deprecate."""
        return str(self.tag.claims.get("action", "promote"))


@dataclass(frozen=True)
class Registry:
    """All versions of a model by number, and all assignments in their order.

    These are the believed ones; ``chain`` has the tags that are not, and why.
    """

    model: str
    versions: dict[Number, Version]
    assignments: list[Assignment]
    chain: Chain = field(default_factory=Chain)
    highest: int = 0  # number of an assignment, believed or not

    @classmethod
    def load(cls, model: str) -> "Registry":
        """Read the tags of this clone; nothing else is asked."""
        return cls.from_tags(model, tags.read(model))

    @classmethod
    def from_tags(cls, model: str, found: dict[str, Tag]) -> "Registry":
        """Take what is believed from all tags of a model."""
        chain = follow(model, found)
        numbered = {
            Number.parse(tag.version[1:]): tag for tag in chain.tags.values() if tag.version
        }
        versions = {number: Version(number, numbered[number]) for number in sorted(numbered)}
        by_commit = {version.tag.commit: version for version in versions.values()}
        assignments = [
            Assignment(tag.counter, tag.stage, by_commit[tag.commit], tag)
            for tag in chain.tags.values()
            if tag.stage
        ]
        highest = max((tag.counter for tag in found.values()), default=0)
        return cls(model, versions, assignments, chain, highest)

    def version(self, text: str) -> Version:
        """Return the version that a person means by v1, 1.2 or v1.2.0."""
        number = parse_number(text)
        if number not in self.versions:
            tag = f"{self.prefix}@v{number}"
            if tag in self.strange:
                raise ProjectError(f"{tag} is not believed: {self.strange[tag]}")
            known = ", ".join(version.name for version in list(self.versions.values())[-5:])
            raise ProjectError(f"{self.model} has no version v{number}; it has {known or 'none'}")
        return self.versions[number]

    def resolve(self, text: str) -> Version:
        """Return the version that a number, or the name of a stage, stands for now."""
        if is_number(text):
            return self.version(text)
        current = self.current(text)
        if current is None:
            strange = "".join(f"\n  not believed: {n}: {why}" for n, why in self.strange.items())
            raise ProjectError(f"nothing is in the stage '{text}': see `model show`{strange}")
        return current.version

    def newest(self) -> Version:
        """Return the highest version."""
        if not self.versions and self.strange:
            lines = [f"{name}: {why}" for name, why in self.strange.items()]
            raise ProjectError("\n  ".join([f"no version of {self.model} is believed", *lines]))
        if not self.versions:
            raise ProjectError(f"{self.model} has no version yet: `model register` makes one")
        return list(self.versions.values())[-1]

    def version_before(self, number: Number, after: Iterable[str]) -> str | None:
        """Return the highest version below a number among the tags ``after``, and before those."""
        known = self.chain.before(after)
        below = [v for v in self.versions.values() if v.number < number and v.tag.name in known]
        return below[-1].name if below else None

    @property
    def prefix(self) -> str:
        """What the names of its tags begin with."""
        return tags.artifact_in_tag(self.model)

    @property
    def strange(self) -> dict[str, str]:
        """Why each tag that is not believed is not."""
        return self.chain.settled | self.chain.doubts

    @cached_property
    def _by_stage(self) -> dict[str, list[Assignment]]:
        by_stage = defaultdict[str, list[Assignment]](list)
        for assignment in self.assignments:
            by_stage[assignment.stage].append(assignment)
        return by_stage

    @property
    def stages(self) -> list[str]:
        """The stages that a version was ever in, in the order of their first use."""
        return [stage for stage in self._by_stage if stage != DEPRECATED]

    def of(self, stage: str) -> list[Assignment]:
        """Return the assignments of a stage, oldest first."""
        return list(self._by_stage.get(stage, ()))

    def current(self, stage: str, date: datetime | None = None) -> Assignment | None:
        """Return what is in a stage now, or was at a date."""
        until = [a for a in self.of(stage) if date is None or a.tag.date <= date]
        return until[-1] if until else None

    def bad(self, version: Version) -> Assignment | None:
        """Return the assignment that marked a version bad, if one did."""
        return next((a for a in self.of(DEPRECATED) if a.version == version), None)

    def previous(self, stage: str) -> Version:
        """Return the version that a rollback goes to.

        Promotions pile up and a rollback takes from the top, so that a second rollback goes
        further back and not forth again. Bad versions are passed over.
        """
        pile: list[Version] = []
        for assignment in self.of(stage):
            if assignment.action == "rollback" and assignment.version in pile:
                while pile.pop() != assignment.version:
                    pass
            pile.append(assignment.version)
        if not pile:
            raise ProjectError(f"nothing was ever in the stage '{stage}'")
        earlier = [v for v in pile[:-1] if v != pile[-1] and not self.bad(v)]
        if not earlier:
            raise ProjectError(
                f"no good version was in '{stage}' before {pile[-1].name}: name one with --to"
            )
        return earlier[-1]

    def refuse_none_here(self) -> None:
        """Raise if this clone has no tag of the model, and the Git remote has some or is silent."""
        remote = git.origin()
        if remote and not tags.read(self.model):
            there = git.ask("ls-remote", "--refs", remote, *tags.references(self.model))
            if there != "":
                what = "has versions" if there else "cannot be asked for versions"
                raise ProjectError(
                    f"this clone has no tag of {self.model}, and {remote} {what}: "
                    f"`git fetch --tags {remote}` brings them"
                )

    def refuse_news(self) -> None:
        """Raise if somebody made a tag after this was read: whoever decides must know of it."""
        tags.fetch(self.model)
        news = Registry.load(self.model).chain.ends.keys() - self.chain.tags.keys()
        if news:
            raise ProjectError(
                f"somebody else was first: {', '.join(sorted(news))} came meanwhile. Nothing has "
                "changed here; look at `model history` and decide again"
            )

    def head(self, version: str) -> dict[str, Any]:
        """Return what the record in the next tag begins with; it names the tags before.

        Its time is now, and later than all before: GTO orders events by it, and clocks differ
        between machines. Tags that are not believed are named as such: so they stay out.
        """
        dates = [tag.date + timedelta(seconds=1) for tag in self.chain.tags.values()]
        head = {
            "format": FORMAT,
            "model": self.model,
            "version": version,
            "at": max([datetime.now(UTC).replace(microsecond=0), *dates]).isoformat(),
            "by": git.identity(),
            "after": self.chain.ends,
        }
        return head | ({"besides": self.chain.strange} if self.chain.strange else {})


def is_number(text: str) -> bool:
    """Return whether a person who writes ``text`` means the number of a version, not a stage."""
    return re.fullmatch(r"v?\d+(\.\d+)*([-+].*)?", text) is not None


def parse_number(text: str) -> Number:
    """Return the number that v1, 1.2 or v1.2.0-rc.1 stands for."""
    try:
        return Number.parse(text.strip().removeprefix("v"), optional_minor_and_patch=True)
    except ValueError:
        raise ProjectError(
            f"'{text}' is no version: write it like v1.2.0 (https://semver.org)"
        ) from None
