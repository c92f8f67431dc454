"""What the tags say: versions, what was in which stage when, and what may come next."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from semver import Version as Number

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.git import identity
from mlrepo.versions.tags import Tag, artifact_in_tag, read

# Stages are assigned to versions; a version in this one is bad. GTO shows it as a stage.
DEPRECATED = "deprecated"

FORMAT = 1  # of the record in a tag: raised when a key changes its meaning


@dataclass(frozen=True)
class Version:
    """A version: its number and the tag that holds its record."""

    number: Number
    tag: Tag

    @property
    def name(self) -> str:
        """The number as people write it, such as v1.2.0."""
        return f"v{self.number}"


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
        return str(self.tag.record.get("action", "promote"))


@dataclass(frozen=True)
class Registry:
    """All versions of a model by number, and all assignments in their order."""

    model: str
    versions: dict[Number, Version]
    assignments: list[Assignment]
    strange: list[str] = field(default_factory=list)  # tags on a commit that has no version

    @classmethod
    def load(cls, model: str) -> "Registry":
        """Read the tags of this clone; nothing else is asked."""
        artifact = artifact_in_tag(model)
        found, by_commit = list[Version](), defaultdict[str, list[Version]](list)
        for tag in read(model, "@", text=False):
            text = tag.name.removeprefix(f"{artifact}@v")
            if Number.is_valid(text):
                found.append(Version(Number.parse(text), tag))
                by_commit[tag.commit].append(found[-1])
        versions = {v.number: v for v in sorted(found, key=lambda v: v.number)}
        assignments, strange = [], []
        for tag in read(model, "#", text=True):
            name = re.fullmatch(rf"{re.escape(artifact)}#(.+)#(\d+)", tag.name)
            if name and tag.commit in by_commit:
                version = _meant(tag, by_commit[tag.commit])
                assignments.append(Assignment(int(name[2]), name[1], version, tag))
            else:
                strange.append(tag.name)
        return cls(model, versions, sorted(assignments, key=lambda a: a.counter), strange)

    def version(self, text: str) -> Version:
        """Return the version that a person means by v1, 1.2 or v1.2.0."""
        number = parse_number(text)
        if number not in self.versions:
            known = ", ".join(version.name for version in list(self.versions.values())[-5:])
            raise ProjectError(f"{self.model} has no version v{number}; it has {known or 'none'}")
        return self.versions[number]

    def resolve(self, text: str) -> Version:
        """Return the version that a number, or the name of a stage, stands for now."""
        if is_number(text):
            return self.version(text)
        current = self.current(text)
        if current is None:
            raise ProjectError(f"nothing is in the stage '{text}': see `model show`")
        return current.version

    def newest(self) -> Version:
        """Return the highest version."""
        if not self.versions:
            raise ProjectError(f"{self.model} has no version yet: `model register` makes one")
        return list(self.versions.values())[-1]

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

    @property
    def counters(self) -> set[int]:
        """The numbers of all assignments; they count over all stages, as GTO's do."""
        found = (re.search(r"#(\d+)$", name) for name in self.strange)
        return {a.counter for a in self.assignments} | {int(each[1]) for each in found if each}

    def next_counter(self) -> int:
        """Return the number of the next assignment."""
        return max(self.counters, default=0) + 1

    def head(self, version: str) -> dict[str, Any]:
        """Return what the record in the next tag begins with; it names the tag before.

        Its time is now, and later than all before: GTO orders events by it, and clocks differ
        between machines.
        """
        tags = [v.tag for v in self.versions.values()] + [a.tag for a in self.assignments]
        last = max(tags, key=lambda tag: (tag.date, tag.name), default=None)
        now = datetime.now(UTC).replace(microsecond=0)
        return {
            "format": FORMAT,
            "model": self.model,
            "version": version,
            "at": (max(now, last.date + timedelta(seconds=1)) if last else now).isoformat(),
            "by": identity(),
            "after": {last.name: last.oid} if last else {},
        }


def recorded(version: Version) -> dict[str, Any]:
    """Return the record of a version."""
    record = version.tag.record
    if "files" not in record:
        raise ProjectError(
            f"{version.tag.name} holds no record: it was not made by `model register`, so nothing "
            "proves what it is"
        )
    return record


def _meant(tag: Tag, versions: list[Version]) -> Version:
    """Return which of the versions of one commit a tag is about: only tags by hand make several."""
    if len(versions) == 1:
        return versions[0]
    named = tag.record.get("version")
    return next((version for version in versions if version.name == named), versions[0])


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
