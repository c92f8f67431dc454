"""Registries of honest people, as Hypothesis draws them.

Tags are made in memory, as the project makes them: their hashes cover all that they say.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from mlrepo.versions.chain import FORMAT
from mlrepo.versions.registry import Registry
from mlrepo.versions.tags import Tag, kind_of

START = datetime(2015, 1, 5, 9, tzinfo=UTC)
PEOPLE = ("Ada <ada@example.com>", "Bo <bo@example.com>", "Cy <cy@example.com>")
Tags = dict[str, Tag]


def made(tag: Tag) -> Tag:
    """Return a tag with the hash of its content."""
    content = [tag.called, tag.commit, tag.date.isoformat(), tag.by, tag.subject, tag.claims]
    return replace(tag, oid=hashlib.sha1(json.dumps(content).encode()).hexdigest())


def commit(number: int) -> str:
    return hashlib.sha1(str(number).encode()).hexdigest()


def new(name: str, on: str, date: datetime, by: str, /, **claims: Any) -> Tag:
    """Return an annotated tag."""
    return made(Tag(name, "", on, name, date, by, "Why", claims=claims, **kind_of("model", name)))


@dataclass
class People:
    """What some people do, one after the other or at the same time."""

    now: datetime = START
    tags: Tags = field(default_factory=dict)

    def record(self, seen: Registry, version: str, date: datetime, by: str) -> dict[str, Any]:
        besides = {"besides": seen.chain.strange} if seen.chain.strange else {}
        head = {"format": FORMAT, "model": "model", "version": version, "by": by}
        return head | {"at": date.isoformat(), "after": seen.chain.ends} | besides

    def register(self, seen: Registry, by: str) -> Tag:
        number = len(seen.versions) + 1
        date, on = self.after(seen), commit(number)
        record = self.record(seen, f"v{number}.0.0", date, by)
        return new(f"model@v{number}.0.0", on, date, by, **record, commit=on, files=True)

    def assign(self, seen: Registry, by: str, stage: str, pick: int) -> Tag:
        version = list(seen.versions.values())[pick % len(seen.versions)]
        date, name = self.after(seen), f"model#{stage}#{seen.highest + 1}"
        record = self.record(seen, version.name, date, by)
        more = {"stage": stage, "action": "promote", "version_tag": version.tag.oid}
        return new(name, version.tag.commit, date, by, **record, **more)

    def retire(self, seen: Registry, by: str, stage: str) -> Tag | None:
        current = seen.current(stage)
        if current is None:
            return None
        date, name = self.after(seen), f"model#{stage}!#{seen.highest + 1}"
        record = self.record(seen, current.version.name, date, by)
        more = {"stage": stage, "action": "retire", "version_tag": current.version.tag.oid}
        return new(name, current.version.tag.commit, date, by, **record, **more)

    def say(self, seen: Registry, by: str, act: str, pick: int) -> Tag:
        version = list(seen.versions.values())[pick % len(seen.versions)]
        date, name = self.after(seen), f"model+{act}#{seen.highest + 1}"
        record = self.record(seen, version.name, date, by)
        more = {"act": act, "version_tag": version.tag.oid}
        more |= {"for": "prod"} if act == "approve" else {}
        return new(name, version.tag.commit, date, by, **record, **more)

    def after(self, seen: Registry) -> datetime:
        dates = [tag.date + timedelta(seconds=1) for tag in seen.chain.tags.values()]
        return max([self.now, *dates])


@st.composite
def honest(draw: st.DrawFn, least: int = 3) -> Tags:
    """Return the tags of up to ten events, some of which happen in the same minutes."""
    people = People()
    for _ in range(draw(st.integers(least, 10))):
        people.now += timedelta(minutes=draw(st.sampled_from([1, 30, 60 * 24, 60 * 24 * 90])))
        seen = Registry.from_tags("model", people.tags)
        who = draw(st.permutations(PEOPLE))
        first = not seen.versions
        together = 1 if first else draw(st.sampled_from([1, 1, 1, 2]))
        stages = draw(st.permutations(["staging", "prod", "deprecated"]))
        for by, stage in zip(who[:together], stages, strict=False):
            if first or (stage == stages[0] and draw(st.booleans())):
                tag = people.register(seen, by)
            elif what := draw(st.sampled_from([None, None, None, "note", "approve"])):
                tag = people.say(seen, by, what, draw(st.integers(0, 9)))
            elif stage != "deprecated" and draw(st.integers(0, 5)) == 0:
                tag = people.retire(seen, by, stage) or people.register(seen, by)
            else:
                tag = people.assign(seen, by, stage, draw(st.integers(0, 9)))
            people.tags = people.tags | {tag.name: tag}
        if not first and draw(st.integers(0, 7)) == 0:  # somebody tries GTO
            by_hand = new(f"model#staging#{seen.highest + 9}", commit(1), people.now, PEOPLE[0])
            people.tags = people.tags | {by_hand.name: by_hand}
    return people.tags
