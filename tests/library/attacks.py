"""What a hostile person may do to a registry, one change at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import assume

from mlrepo.versions.chain import FORMAT
from mlrepo.versions.registry import Registry
from mlrepo.versions.tags import Tag

from .honest import PEOPLE, START, Tags, commit, made, new


def believed(tags: Tags) -> Tags:
    return Registry.from_tags("model", tags).chain.tags


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
        self.versions = [tag for tag in self.order if tag.version]
        self.acts = [tag for tag in self.inner if tag.act]

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
    "made again with another act": lambda a: a.claiming(a.one(a.acts), act="reject"),
    "an act for another stage": lambda a: a.claiming(a.one(a.acts), **{"for": "live"}),
    # A stage that its name or its record alone empties.
    "emptied by the name alone": lambda a: a.forged(
        a.last, a.late, a.next_name().replace("#", "!#").replace("model!", "model")
    ),
    "emptied by the record alone": lambda a: a.forged(
        a.last, a.late, a.next_name(), action="retire"
    ),
    # An act.
    "an act without a record": lambda a: a.put(
        new(a.next_name().replace("#prod", "+note"), a.one(a.versions).commit, a.late, NOBODY)
    ),
    "an act under another number": lambda a: a.put(
        replace(a.one(a.acts), name=a.next_name().replace("#prod", "+note"), counter=9999)
    ),
    "an assignment under the name of an act": lambda a: a.forged(
        a.last, a.late, a.next_name().replace("#prod", "+approve")
    ),
    "an act about no version": lambda a: a.forged(
        a.last, a.late, a.next_name().replace("#prod", "+note"), act="note", version_tag="2" * 40
    ),
    # Taken out.
    "a version is gone": lambda a: without(a, [t for t in a.inner if t.version]),
    "an assignment is gone": lambda a: without(a, [t for t in a.inner if t.stage]),
    "an act is gone": lambda a: without(a, a.acts),
}


def without(attack: Attack, some: list[Tag]) -> tuple[Tags, str]:
    gone = attack.one(some)
    return {name: tag for name, tag in attack.tags.items() if name != gone.name}, gone.name
