"""Registries of honest people, and what one hostile change makes of them: it is not believed.

Tags are made in memory, as the project makes them: their hashes cover all that they say.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from helpers import LONG
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mlrepo.versions.chain import FORMAT
from mlrepo.versions.registry import Registry
from mlrepo.versions.tags import Tag

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
    version = name.partition("@")[2] or None
    _, stage, counter = name.split("#") if "#" in name else ("", None, 0)
    return made(Tag(name, "", on, name, date, by, "Why", version, stage, int(counter), claims))


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
            else:
                tag = people.assign(seen, by, stage, draw(st.integers(0, 9)))
            people.tags = people.tags | {tag.name: tag}
        if not first and draw(st.integers(0, 7)) == 0:  # somebody tries GTO
            by_hand = new(f"model#staging#{seen.highest + 9}", commit(1), people.now, PEOPLE[0])
            people.tags = people.tags | {by_hand.name: by_hand}
    return people.tags


def believed(tags: Tags) -> Tags:
    return Registry.from_tags("model", tags).chain.tags


ROUNDS = settings(
    max_examples=500 if LONG else 100, deadline=None, suppress_health_check=list(HealthCheck)
)


@ROUNDS
@given(honest())
def test_honest_people_are_believed(tags: Tags) -> None:
    chain = Registry.from_tags("model", tags).chain
    with_record = {name for name, tag in tags.items() if tag.claims}
    assert chain.tags.keys() == with_record
    assert (chain.doubts.keys() | chain.settled.keys()) == tags.keys() - with_record


@ROUNDS
@given(honest(5))
def test_what_is_made_by_hand_is_named_until_the_next_tag_knows_of_it(tags: Tags) -> None:
    by_hand = new("model#prod#99", commit(1), max(tag.date for tag in tags.values()), PEOPLE[1])
    people = People(START + timedelta(days=2000), tags | {by_hand.name: by_hand})
    seen = Registry.from_tags("model", people.tags)
    assert by_hand.name in seen.chain.doubts
    after = people.assign(seen, PEOPLE[2], "prod", 0)
    chain = Registry.from_tags("model", people.tags | {after.name: after}).chain
    assert by_hand.name in chain.settled
    assert not chain.doubts
    assert after.name in chain.tags


@dataclass
class Attack:
    """One hostile change of honest tags; it fails an assumption where it is not possible."""

    tags: Tags
    number: int

    def __post_init__(self) -> None:
        chain = believed(self.tags)
        self.order = sorted(chain.values(), key=lambda tag: (tag.date, tag.name))
        named = {name for tag in self.order for name in tag.claims["after"]}
        # Of the last one only the Git remote knows what it was.
        self.inner = [tag for tag in self.order if tag.name in named]
        self.assigned = [tag for tag in self.order if tag.stage]
        self.versions = [tag for tag in self.order if not tag.stage]

    def one(self, of: list[Tag]) -> Tag:
        assume(of)
        return of[self.number % len(of)]

    def put(self, tag: Tag) -> tuple[Tags, str]:
        return {**self.tags, tag.name: tag}, tag.name

    def remade(self, tag: Tag, **changes: Any) -> tuple[Tags, str]:
        """Make an inner tag again, with another value of the tag itself."""
        return self.put(made(replace(tag, **changes)))

    def claiming(self, tag: Tag, **claims: Any) -> tuple[Tags, str]:
        assume(any(tag.claims.get(key) != value for key, value in claims.items()))
        return self.remade(tag, claims={**tag.claims, **claims})

    def forged(self, after: Tag, date: datetime, name: str, /, **claims: Any) -> tuple[Tags, str]:
        """Add an assignment that looks like one of the project."""
        version = self.one([tag for tag in self.versions if tag.date <= after.date])
        by = PEOPLE[2]
        record = {
            "format": FORMAT, "model": "model", "version": version.version, "by": by,
            "at": date.isoformat(), "after": {after.name: after.oid}, "stage": "prod",
            "action": "promote", "version_tag": version.oid,
        }  # fmt: skip
        return self.put(new(name, version.commit, date, by, **record | claims))

    @property
    def last(self) -> Tag:
        return self.order[-1]

    @property
    def late(self) -> datetime:
        return self.last.date + timedelta(days=1)

    def next_name(self) -> str:
        return f"model#prod#{max(tag.counter for tag in self.tags.values()) + 1}"


def bare(tag: Tag) -> Tag:
    """Return a lightweight tag, which is the name of a commit."""
    return replace(tag, oid=tag.commit, called="", claims={}, by="")


def other_commit(attack: Attack, tag: Tag) -> str:
    others = [v.commit for v in attack.versions if v.commit != tag.commit]
    return others[0] if others else commit(999)


def before_last(attack: Attack) -> Tag:
    """Return a tag that was there long before the last one."""
    return attack.one([t for t in attack.inner if t.date < attack.last.date - timedelta(hours=1)])


DAY = timedelta(days=1)
NOBODY = "Eve <eve@example.com>"
KINDS: dict[str, Callable[[Attack], tuple[Tags, str]]] = {
    # Added.
    "a name for a commit as assignment": lambda a: a.put(
        bare(new(a.next_name(), a.one(a.versions).commit, a.late, ""))
    ),
    "a name for a commit as version": lambda a: a.put(
        bare(new("model@v99.0.0", commit(77), a.late, ""))
    ),
    "no record": lambda a: a.put(new(a.next_name(), a.one(a.versions).commit, a.late, NOBODY)),
    "no record and an old date": lambda a: a.put(
        new(a.next_name(), a.one(a.versions).commit, START, NOBODY)
    ),
    "a version without a record": lambda a: a.put(new("model@v99.0.0", commit(77), a.late, NOBODY)),
    "a version whose record names no files": lambda a: a.put(
        new(
            "model@v99.0.0",
            commit(77),
            a.late,
            NOBODY,
            format=FORMAT,
            model="model",
            by=NOBODY,
            version="v99.0.0",
            at=a.late.isoformat(),
            commit=commit(77),
            after={a.last.name: a.last.oid},
        )
    ),
    "into the past": lambda a: a.forged(
        before_last(a), before_last(a).date + timedelta(minutes=1), a.next_name()
    ),
    "in ignorance of the last": lambda a: a.forged(before_last(a), a.late, a.next_name()),
    "calling the last one not believed": lambda a: a.forged(
        before_last(a), a.late, a.next_name(), besides={a.last.name: a.last.oid}
    ),
    "after nothing": lambda a: a.forged(a.last, a.late, a.next_name(), after={}),
    "after what never was": lambda a: a.forged(
        a.last, a.late, a.next_name(), after={"model#prod#7777": "0" * 40}
    ),
    "after the last, with another hash of it": lambda a: a.forged(
        a.last, a.late, a.next_name(), after={a.last.name: "1" * 40}
    ),
    "before what it names": lambda a: a.forged(a.last, a.last.date - DAY, a.next_name()),
    "in the year 2099": lambda a: a.forged(a.last, a.late.replace(year=2099), a.next_name()),
    "about no version": lambda a: a.forged(a.last, a.late, a.next_name(), version_tag="2" * 40),
    "about a version that it is not set on": lambda a: a.forged(
        a.last, a.late, a.next_name(), version="v77.0.0"
    ),
    "a number that was there": lambda a: a.forged(
        a.last, a.late, f"model#hidden#{a.one(a.assigned).counter}", stage="hidden"
    ),
    "a second version on one commit": lambda a: a.put(
        new(
            "model@v99.0.0",
            a.versions[0].commit,
            a.late,
            NOBODY,
            format=FORMAT,
            model="model",
            by=NOBODY,
            version="v99.0.0",
            at=a.late.isoformat(),
            commit=a.versions[0].commit,
            after={t.name: t.oid for t in a.order[-2:]},
            files=True,
        )
    ),
    # Under another name, moved, of another model.
    "a version under another number": lambda a: a.put(
        replace(a.one(a.versions), name="model@v99.0.0", version="v99.0.0")
    ),
    "an assignment under another number": lambda a: a.put(
        replace(a.one(a.assigned), name=a.next_name(), counter=9999)
    ),
    "an assignment under another stage": lambda a: a.put(
        replace(a.one(a.assigned), name=f"model#live#{a.one(a.assigned).counter}", stage="live")
    ),
    "of another model": lambda a: a.forged(a.last, a.late, a.next_name(), model="other"),
    "a name moved to another commit": lambda a: a.put(
        bare(replace(a.one(a.inner), commit=other_commit(a, a.one(a.inner))))
    ),
    "made again on another commit": lambda a: a.remade(
        a.one(a.inner), commit=other_commit(a, a.one(a.inner))
    ),
    # Made again, with one thing changed.
    "other words": lambda a: a.remade(a.one(a.inner), subject="Another reason"),
    "another person": lambda a: a.remade(a.one(a.inner), by=NOBODY),
    "another person in tag and record": lambda a: a.remade(
        a.one(a.inner), by=NOBODY, claims={**a.one(a.inner).claims, "by": NOBODY}
    ),
    "another date": lambda a: a.remade(a.one(a.inner), date=a.one(a.inner).date - DAY),
    "another date in tag and record": lambda a: a.remade(
        a.one(a.inner),
        date=a.one(a.inner).date + timedelta(seconds=1),
        claims={
            **a.one(a.inner).claims,
            "at": (a.one(a.inner).date + timedelta(seconds=1)).isoformat(),
        },
    ),
    "made again with another model": lambda a: a.claiming(a.one(a.inner), model="other"),
    "made again with another format": lambda a: a.claiming(a.one(a.inner), format=0),
    "made again with another version": lambda a: a.claiming(a.one(a.inner), version="v88.0.0"),
    "made again with another action": lambda a: a.claiming(a.one(a.inner), action="rollback"),
    "made again with another stage": lambda a: a.claiming(a.one(a.inner), stage="live"),
    "made again for another version": lambda a: a.claiming(a.one(a.inner), version_tag="3" * 40),
    "made again with another past": lambda a: a.claiming(a.one(a.inner), after={}),
    # Taken out.
    "a version is gone": lambda a: without(a, [t for t in a.inner if not t.stage]),
    "an assignment is gone": lambda a: without(a, [t for t in a.inner if t.stage]),
}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.mark.parametrize("key", ["format", "model", "version", "stage", "commit", "at", "by",
                                 "after", "besides", "version_tag", "action"])  # fmt: skip
def test_whatever_a_record_holds_is_an_answer_in_words(key: str) -> None:
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(honest(), JSON)
    def hold(tags: Tags, value: Any) -> None:
        last = Attack(tags, 0).last
        assume(last.claims.get(key) != value)
        changed = made(replace(last, claims={**last.claims, key: value}))
        chain = Registry.from_tags("model", {**tags, last.name: changed}).chain
        # The last tag of all may be made again with another action, or name no tag as not believed.
        free = {"action", "besides"} | (
            {"stage", "version_tag"} if last.stage is None else {"commit"}
        )
        assert (last.name in chain.doubts) != (last.name in chain.tags)
        assert last.name in chain.doubts or key in free

    hold()


def without(attack: Attack, some: list[Tag]) -> tuple[Tags, str]:
    gone = attack.one(some)
    return {name: tag for name, tag in attack.tags.items() if name != gone.name}, gone.name


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_change_is_named_and_not_believed(kind: str) -> None:
    @settings(
        max_examples=40 if LONG else 15, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(honest(5), st.integers(0, 50))
    def attack(tags: Tags, number: int) -> None:
        changed, name = KINDS[kind](Attack(tags, number))
        assume(changed != tags)
        registry = Registry.from_tags("model", changed)
        assert name in registry.chain.doubts
        honestly = {tag.oid for tag in believed(tags).values()}
        assert {tag.oid for tag in registry.chain.tags.values()} <= honestly

    attack()
