"""Which tags of a model are believed, and why the others are not.

The record in a tag says what the tag itself says: name, commit, date and person. It also names, by
their hashes, the tags that were the last ones when it was made. So the tags form a chain, into
which nothing fits that was added, moved, made again or taken out. Of two people who make a tag in
the same minutes neither knows of the other; the next tag names both.

What no chain shows: that it was rewritten from some tag to its end, to a clone that has none of the
old tags; and that its last tag was made again. `model verify` asks the Git remote as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_

from mlrepo.versions.tags import Tag, reached

FORMAT = 1  # of the record in a tag: raised when a key changes its meaning
# Tags of which neither names the other were made at the same time if they are this close.
TOGETHER = timedelta(minutes=10)
AHEAD = timedelta(minutes=5)  # of the clock here, that of another machine


@dataclass(frozen=True)
class Chain:
    """The tags that are believed, oldest first, and why others are not.

    Attributes:
        tags: by their names.
        doubts: name -> why it is not believed, or that it is gone.
        settled: the same, of tags that a believed one already names as not believed.
        strange: name -> hash of each tag that is not believed.
    """

    tags: dict[str, Tag] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    settled: dict[str, str] = field(default_factory=dict)
    strange: dict[str, str] = field(default_factory=dict)

    @property
    def ends(self) -> dict[str, str]:
        """Name -> hash of each tag that no other names: what the next one has to name."""
        named = {name for tag in self.tags.values() for name in tag.claims["after"]}
        return {name: tag.oid for name, tag in self.tags.items() if name not in named}

    def before(self, after: Iterable[str]) -> set[str]:
        """Return these names of tags, and all that those name in turn."""
        known = self.tags
        return reached(
            known.keys() & after, lambda name: known.keys() & known[name].claims["after"]
        )


def follow(model: str, found: Mapping[str, Tag], refused: Mapping[str, str]) -> Chain:
    """Tell the tags of ``model`` that form one chain from those that do not.

    ``refused`` says why tags are not believed whatever their place in the chain is.
    """
    doubts = {name: why for name, tag in found.items() if (why := _denies_itself(model, tag))}
    doubts |= refused
    claimed = [tag for name, tag in found.items() if name not in doubts]
    for tag in claimed:
        for name, oid in tag.claims["after"].items():
            if name not in found or found[name].oid != oid:
                now = "another" if name in found else "gone"
                doubts[name] = f"it was there when {tag.name} was made, and is {now} now"

    links = _Links()
    for tag in sorted(claimed, key=lambda tag: (tag.date, tag.name)):
        if tag.name not in doubts and (why := links.add(tag)):
            doubts[tag.name] = why
    believed = links.one_history()
    for name in links.tags.keys() - believed.keys():
        doubts[name] = "no later tag names it: it was added afterwards, or apart from the others"
    known = {item for tag in believed.values() for item in tag.claims.get("besides", {}).items()}
    settled = {n: why for n, why in doubts.items() if n in found and (n, found[n].oid) in known}
    strange = {name: tag.oid for name, tag in found.items() if name not in believed}
    return Chain(believed, {n: w for n, w in doubts.items() if n not in settled}, settled, strange)


def _denies_itself(model: str, tag: Tag) -> str | None:
    """Return what in a record is missing, or other than the tag itself has it."""
    if not tag.claims:
        return "it holds no record that can be read: `model` did not make it"
    names = [tag.claims.get("after"), tag.claims.get("besides", {})]
    if tag.claims.get("format") != FORMAT or not all(map(_are_tags, names)):
        return f"its record is not of the format {FORMAT}"
    if tag.called != tag.name:
        return f"it is the tag {tag.called} under another name"
    true: dict[str, object] = {"model": model, "at": tag.date.isoformat(), "by": tag.by}
    if tag.version:
        true |= {"version": tag.version, "commit": tag.commit, "files": True}
    elif tag.act:
        true |= {"act": tag.act}
    else:
        true |= {"stage": tag.stage}
    for key, value in true.items():
        if tag.claims.get(key) != value:
            return f"its record says {key} {tag.claims.get(key)!r}, the tag itself {value!r}"
    if tag.is_empty != (tag.claims.get("action") == "retire"):
        return "its name and its record differ in whether it empties a stage"
    if tag.date > datetime.now(UTC) + AHEAD:
        return f"it is dated {tag.date:%Y-%m-%d}, which is still to come: a clock was wrong"
    return None


def _are_tags(content: object) -> bool:
    return isinstance(content, dict) and all(isinstance(oid, str) for oid in content.values())


class _Links:
    """Tags by date, each with those that lead to it: a number that has a bit for each."""

    def __init__(self) -> None:
        self.tags: dict[str, Tag] = {}
        self._place: dict[str, int] = {}
        self._before: list[int] = []
        self._counter: list[int] = []  # the highest up to each tag
        self._versions: dict[str, Tag] = {}  # by the commit

    def add(self, tag: Tag) -> str | None:
        """Add a tag, or return why it does not follow those that it names."""
        parents = [self._place.get(name) for name in tag.claims["after"]]
        places = [place for place in parents if place is not None]
        highest = max((self._counter[place] for place in places), default=0)
        if len(places) < len(parents):
            return "it came after a tag that is not believed"
        if self.tags and not places:
            return "it names no tag before it, and is not the first"
        if why := self._is_about_nothing(tag, highest):
            return why
        if tag.version:
            self._versions[tag.commit] = tag
        self._place[tag.name] = len(self._before)
        self._before.append(reduce(or_, (self._before[p] | 1 << p for p in places), 0))
        self._counter.append(max(highest, tag.counter))
        self.tags[tag.name] = tag
        return None

    def _is_about_nothing(self, tag: Tag, highest: int) -> str | None:
        version = self._versions.get(tag.commit)
        if tag.version:
            return f"its commit is {version.name} already" if version else None
        meant = tag.claims.get("version")
        if version is None or version.oid != tag.claims.get("version_tag"):
            return f"it is not set on {meant} as that was when it was made"
        if version.version != meant:
            return f"it is about {meant}, and is set on {version.version}"
        if tag.counter <= highest:
            return f"its number does not follow {highest}"
        return None

    def one_history(self) -> dict[str, Tag]:
        """Return the tags that are in one history.

        What was made long before a tag leads to it, or one of both does not belong there: the one
        that more others speak against, or both where as many do.
        """
        clash, left = self._clashes(), (1 << len(self._before)) - 1
        while against := {n: (others & left).bit_count() for n, others in clash.items()}:
            most = max(against.values())
            left &= ~sum(1 << n for n, count in against.items() if count == most)
            for place, before in enumerate(self._before):
                if before & ~left:  # it came after a tag that is out
                    left &= ~(1 << place)
            clash = {
                n: others & left for n, others in clash.items() if left >> n & 1 and others & left
            }
        return {name: tag for n, (name, tag) in enumerate(self.tags.items()) if left >> n & 1}

    def _clashes(self) -> dict[int, int]:
        """Return for each tag those of which one was made long before and does not lead to it."""
        clash: dict[int, int] = defaultdict(int)
        tags = list(self.tags.values())
        older = start = 0
        for place, tag in enumerate(tags):
            while tags[start].date < tag.date - TOGETHER:
                older |= 1 << start
                start += 1
            apart = older & ~self._before[place]
            while apart:
                other = apart.bit_length() - 1
                clash[other] |= 1 << place
                clash[place] |= 1 << other
                apart ^= 1 << other
        return clash
