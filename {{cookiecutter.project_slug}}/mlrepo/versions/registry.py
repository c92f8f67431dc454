"""What the tags say: versions, what was in which stage when, and what may come next."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any

from semver import Version as Number

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.versions import rules, tags
from mlrepo.versions.chain import FORMAT, Chain, follow
from mlrepo.versions.tags import Tag
from mlrepo.versions.version_numbers import is_number, parse_number

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
    """The moment at which a version came into a stage, or out of it (retire).

    ``stage`` is its name today, which may be another than that in the tag.
    """

    counter: int
    stage: str
    version: Version
    tag: Tag

    @property
    def action(self) -> str:
        """What it was: promote, rollback, retire or deprecate."""
        return str(self.tag.claims.get("action", "promote"))

    @property
    def went_past(self) -> bool:
        """Whether somebody went on in spite of what the stage asked of others."""
        return bool(self.tag.claims.get("override") and self.tag.claims.get("asks"))


@dataclass(frozen=True)
class Act:
    """What else a person said of a version."""

    action: str  # such as approve
    version: Version
    tag: Tag


@dataclass(frozen=True)
class Registry:
    """All versions of a model by number, and all assignments and acts in their order.

    These are the believed ones; ``chain`` has the tags that are not, and why.
    """

    model: str
    versions: dict[Number, Version]
    assignments: list[Assignment]
    chain: Chain = field(default_factory=Chain)
    highest: int = 0  # number of an assignment or an act, believed or not
    acts: list[Act] = field(default_factory=list)

    @classmethod
    def load(cls, model: str) -> "Registry":
        """Read the tags of this clone, and believe what the rules in force accept."""
        found = tags.read(model)
        reading = rules.reading(found)
        return cls.from_tags(model, found, reading.refused, reading.renamed)

    @classmethod
    def from_tags(
        cls,
        model: str,
        found: dict[str, Tag],
        refused: Mapping[str, str] = MappingProxyType({}),
        renamed: Mapping[str, str] = MappingProxyType({}),
    ) -> "Registry":
        """Take what is believed but for the ``refused``; ``renamed`` has stages of old names."""
        chain = follow(model, found, refused)
        numbered = {
            Number.parse(tag.version[1:]): tag for tag in chain.tags.values() if tag.version
        }
        versions = {number: Version(number, numbered[number]) for number in sorted(numbered)}
        by_commit = {version.tag.commit: version for version in versions.values()}
        assignments = [
            Assignment(tag.counter, renamed.get(tag.stage, tag.stage), by_commit[tag.commit], tag)
            for tag in chain.tags.values()
            if tag.stage
        ]
        acts = [Act(tag.act, by_commit[tag.commit], tag) for tag in chain.tags.values() if tag.act]
        highest = max((tag.counter for tag in found.values()), default=0)
        return cls(model, versions, assignments, chain, highest, acts)

    def version(self, text: str) -> Version:
        """Return the version that a person means by v1, 1.2 or v1.2.0."""
        number = parse_number(text)
        if number not in self.versions:
            tag = f"{self.prefix}@v{number}"
            if tag in self.strange:
                raise ProjectError(f"{tag} is not believed: {self.strange[tag]}")
            known = ", ".join(version.name for version in list(self.versions.values())[-5:])
            known = known or "none: `model register` makes one"
            raise ProjectError(f"{self.model} has no version v{number}; it has {known}")
        return self.versions[number]

    def resolve(self, text: str) -> Version:
        """Return the version that a number, or the name of a stage, stands for now."""
        if is_number(text):
            return self.version(text)
        current = self.current(text)
        if current is None:
            rules.refuse_unknown(text)
            how = f": `model promote VERSION {text}` brings a version in"
            raise ProjectError(f"nothing is in the stage '{text}'{self._not_believed or how}")
        return current.version

    def newest(self) -> Version:
        """Return the highest version."""
        if not self.versions and self.strange:
            raise ProjectError(f"no version of {self.model} is believed{self._not_believed}")
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

    @property
    def in_use(self) -> dict[str, Version]:
        """The version in each stage that is not empty."""
        now = {stage: self.current(stage) for stage in self.stages}
        return {stage: done.version for stage, done in now.items() if done}

    @property
    def events(self) -> list[Assignment | Act]:
        """All that happened to versions after they were registered."""
        return [*self.assignments, *self.acts]

    @property
    def _not_believed(self) -> str:
        return "".join(f"\n  not believed: {name}: {why}" for name, why in self.strange.items())

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
        return until[-1] if until and until[-1].action != "retire" else None

    def bad(self, version: Version) -> Assignment | None:
        """Return the assignment that marked a version bad, if one did."""
        return next((a for a in self.of(DEPRECATED) if a.version == version), None)

    def previous(self, stage: str) -> Version:
        """Return the version that a rollback goes to.

        Promotions pile up and a rollback takes from the top, so that a second rollback goes
        further back and not forth again. Of an empty stage it brings the last one back. Bad
        versions are passed over.
        """
        pile: list[Version] = []
        for assignment in self.of(stage):
            if assignment.action == "retire":
                continue
            if assignment.action == "rollback" and assignment.version in pile:
                while pile.pop() != assignment.version:
                    pass
            pile.append(assignment.version)
        if not pile:
            raise ProjectError(f"nothing was ever in the stage '{stage}'{self._not_believed}")
        now = self.current(stage)
        earlier = [v for v in pile if (not now or v != now.version) and not self.bad(v)]
        if not earlier:
            raise ProjectError(
                f"no good version was in '{stage}' before {pile[-1].name}: name one with --to"
            )
        return earlier[-1]

    def now(self) -> datetime:
        """Return the time that the next tag bears: later than all before, as clocks differ."""
        dates = [tag.date + timedelta(seconds=1) for tag in self.chain.tags.values()]
        return max([datetime.now(UTC).replace(microsecond=0), *dates])

    def head(self, version: str) -> dict[str, Any]:
        """Return what the record in the next tag begins with; it names the tags before.

        Tags that are not believed are named as such: so they stay out.
        """
        head = {
            "format": FORMAT,
            "model": self.model,
            "version": version,
            "at": self.now().isoformat(),
            "by": git.identity(),
            "after": self.chain.ends,
        }
        return head | ({"besides": self.chain.strange} if self.chain.strange else {})
