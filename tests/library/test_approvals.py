"""Approvals and rebuilds are counted as a naive twin counts them, and nobody counts for himself."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers import LONG
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from semver import Version as Number

from mlrepo.core.errors import ProjectError
from mlrepo.core.sections import parse
from mlrepo.versions.registry import Act, Assignment, Registry, Version
from mlrepo.versions.rules.approvals import Count, Tally, wrote
from mlrepo.versions.rules.policy import Settings
from mlrepo.versions.rules.signatures import Signature
from mlrepo.versions.tags import Tag

from .conftest import template_yaml

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PEOPLE = ("ada@x.org", "Bo@x.org", "cy@x.org", "di@x.org", "ed@x.org")
SHIPPED = template_yaml("versions.yaml")
KEYS = ("K1", "K2", "K3", "K4", "K5")
ROUNDS = settings(
    max_examples=2000 if LONG else 100, deadline=None, suppress_health_check=list(HealthCheck)
)


@dataclass(frozen=True)
class Said:
    """One thing that a person did; "" is no signature, "bad" one that does not count."""

    who: str
    key: str
    kind: str = "approve"
    stage: str = "prod"
    version: int = 1
    verdict: str = "identical"
    override: str | None = None


@dataclass(frozen=True)
class World:
    """Two versions; people of whom some made them, and what they said, an hour after each other."""

    made: Said  # who registered the second version
    wrote: frozenset[str]
    events: tuple[Said, ...]
    approvals: int = 2
    rebuilds: int = 1
    roles: tuple[dict[str, Any], ...] = ()

    def count(self) -> Count:
        versions = [self.version(number) for number in (0, 1)]
        acts, assignments = list[Act](), list[Assignment]()
        keys = {"model@v1.1.0": self.made.key}
        for n, said in enumerate(self.events, 1):
            about = versions[said.version]
            claims: dict[str, Any] = {"override": said.override, "asks": {"approvals": 2}}
            name = f"model#prod#{n}"
            if said.kind != "promote":
                about_stage = {} if said.kind == "attest" else {"for": said.stage}
                claims = {"verdict": said.verdict, **about_stage}
                name = f"model+{said.kind}#{n}"
            date, person = START + timedelta(hours=n), f"Somebody <{said.who}>"
            tag = Tag(name, str(n), about.tag.commit, name, date, person, "Why", claims=claims)
            keys[name] = said.key
            if said.kind == "promote":
                assignments.append(Assignment(n, said.stage, about, tag))
            else:
                acts.append(Act(said.kind, about, tag))
        registry = Registry("model", {v.number: v for v in versions}, assignments, acts=acts)

        def signature(tag: Tag) -> Signature:
            key = keys.get(tag.name, "")
            if key in ("", "bad"):
                return Signature("bad" if key else "none", "not good")
            return Signature("good", "signed", tag.by.partition("<")[2].rstrip(">"), key)

        return Count(registry, self.settings(), signature, self._wrote)

    def version(self, number: int) -> Version:
        name, by = f"model@v1.{number}.0", f"Maker <{self.made.who if number else 'zed@x.org'}>"
        commit = str(number) * 40
        tag = Tag(name, commit, commit, name, START, by, "New", f"v1.{number}.0")
        return Version(Number(1, number), tag)

    def settings(self) -> Settings:
        content = SHIPPED | {"signing": SHIPPED["signing"] | {"required": True}}
        asks = {"approvals": self.approvals, "rebuilds": self.rebuilds}
        prod = {"gate": True, "protected": False, **asks}
        content |= {"stages": {"staging": prod, "prod": prod}, "roles": list(self.roles)}
        return parse(content, Settings, "versions.yaml")

    def _wrote(self, version: Version, known: Iterable[Version]) -> dict[str, str]:
        return {} if version in known else {who.casefold(): "abc1234" for who in self.wrote}

    def tally(self) -> Tally:
        count = self.count()
        return count.tally(count.registry.version("v1.1"), "prod")


def sayings(*kinds: str) -> st.SearchStrategy[Said]:
    return st.builds(
        Said,
        st.sampled_from([*PEOPLE, "ADA@x.org", "bo@X.org"]),
        st.sampled_from([*KEYS, "", "bad"]),
        st.sampled_from(kinds),
        st.sampled_from(["prod", "prod", "prod", "staging"]),
        st.sampled_from([1, 1, 1, 0]),
        st.sampled_from(["identical", "equivalent", "different"]),
        st.sampled_from([None, "It burns"]),
    )


GRANTS = st.fixed_dictionaries(
    {"who": st.sampled_from(PEOPLE), "may": st.sampled_from(["approve", "approve", "release"])},
    optional={
        "stages": st.sampled_from([["prod"], ["staging"], ["staging", "prod"]]),
        "until": st.sampled_from(["2026-03-01", "2026-02-01"]),
    },
)
WORLDS = st.builds(
    World,
    sayings("register"),
    st.frozensets(st.sampled_from(PEOPLE), max_size=3),
    st.lists(sayings("approve", "approve", "reject", "attest"), max_size=14).map(tuple),
    st.integers(0, 3),
    st.integers(0, 2),
    st.one_of(st.just(()), st.lists(GRANTS, min_size=1, max_size=5).map(tuple)),
)


def twin(world: World) -> tuple[set[int], set[int], set[int]]:
    """Return the numbers of the approvals and rebuilds that count, and of standing rejections."""

    def has_role(said: Said, n: int) -> bool:
        day = (START + timedelta(hours=n)).date()
        for grant in world.roles:
            fits = said.kind == "attest" or (
                grant["may"] == "approve" and "prod" in grant.get("stages", ["prod"])
            )
            until = date.fromisoformat(grant.get("until", "9999-01-01"))
            if fits and grant["who"].lower() == said.who.lower() and day <= until:
                return True
        return not world.roles

    last: dict[str, dict[int, Said]] = {"judge": {}, "attest": {}}
    for n, said in enumerate(world.events, 1):
        if said.kind == "promote":
            continue
        if said.version != 1 or said.key in ("", "bad") or not has_role(said, n):
            continue
        if said.kind != "attest" and said.stage != "prod":
            continue
        here = last["attest" if said.kind == "attest" else "judge"]
        for m, other in list(here.items()):
            if other.who.lower() == said.who.lower() or other.key == said.key:
                del here[m]
        here[n] = said

    def registered(said: Said) -> bool:
        return said.who.lower() == world.made.who.lower() or said.key == world.made.key

    wrote = {who.lower() for who in world.wrote}
    judged, again = last["judge"].items(), last["attest"].items()
    return (
        {n for n, s in judged
         if s.kind == "approve" and not registered(s) and s.who.lower() not in wrote},
        {n for n, s in again if s.verdict != "different" and not registered(s)},
        {n for n, s in judged if s.kind == "reject"},
    )  # fmt: skip


def numbers(acts: list[Act]) -> set[int]:
    return {int(act.tag.name.partition("#")[2]) for act in acts}


@ROUNDS
@given(WORLDS)
def test_a_naive_twin_counts_the_same(world: World) -> None:
    tally = world.tally()
    approvals, rebuilds, rejections = twin(world)
    found = numbers(tally.approvals), numbers(tally.rebuilds), numbers(tally.rejections)
    assert found == (approvals, rebuilds, rejections)
    enough = len(approvals) >= world.approvals and len(rebuilds) >= world.rebuilds
    assert (not tally.lacks) == (enough and not rejections)
    asks = bool(world.approvals or world.rebuilds or rejections)
    assert bool(tally.record) == asks
    if tally.record:
        names = {f"model+approve#{n}" for n in approvals}
        assert set(tally.record["approvals"]) == names


@ROUNDS
@given(WORLDS, st.lists(sayings("approve", "attest"), max_size=8))
def test_nobody_counts_for_what_he_made(world: World, words: list[Said]) -> None:
    """Whatever its makers say of it, with keys of their own, brings it no nearer."""
    before = world.tally()
    makers = [*world.wrote, world.made.who]
    more = [
        Said(makers[n % len(makers)], f"own key {n}", "approve") for n, _ in enumerate(words)
    ]  # fmt: skip
    signed_as_registrar = [
        Said(word.who, world.made.key, word.kind) for word in words if world.made.key
    ]
    for events in (more, signed_as_registrar):
        after = World(world.made, world.wrote, (*world.events, *events), world.approvals,
                      world.rebuilds, world.roles).tally()  # fmt: skip
        assert len(after.approvals) <= len(before.approvals)
        assert len(after.rebuilds) <= len(before.rebuilds)


@ROUNDS
@given(st.lists(sayings("approve"), max_size=14), st.booleans())
def test_one_person_is_one_approval(words: list[Said], one_key: bool) -> None:
    """Many keys of one address, or many addresses of one key."""
    own = tuple(
        Said("cy@x.org", word.key) if not one_key else Said(word.who, "K1" if word.key else "")
        for word in words
    )
    tally = World(Said("zed@x.org", ""), frozenset(), own).tally()
    assert len(tally.approvals) <= 1


@ROUNDS
@given(
    sayings("register"),
    st.frozensets(st.sampled_from(PEOPLE), max_size=2),
    st.lists(sayings("promote", "approve", "reject"), max_size=10),
)
def test_an_emergency_is_shown_until_somebody_else_approves(
    made: Said, wrote: frozenset[str], events: list[Said]
) -> None:
    world = World(made, wrote, tuple(events))
    count = world.count()
    for done in count.registry.assignments:
        if done.version.name != "v1.1.0" or done.stage != "prod":
            continue
        # What another version in the stage has of the commits is known, whoever wrote it.
        doer = events[done.counter - 1]
        approvals, _, _ = twin(world)
        eased = any(
            n > done.counter
            and events[n - 1].who.lower() != doer.who.lower()
            and (events[n - 1].key != doer.key)
            for n in approvals
        )
        assert count.is_emergency(done) == (doer.override is not None and not eased)


def test_why_an_approval_does_not_count_is_told() -> None:
    words = (
        Said("ada@x.org", "K1"),
        Said("bo@x.org", "K2"),
        Said("cy@x.org", ""),
        Said("di@x.org", "K4"),
        Said("ed@x.org", "K5", "attest", verdict="different"),
    )
    lacks = World(Said("ada@x.org", "K1"), frozenset({"bo@x.org"}), words).tally().lacks
    assert lacks == [
        "it has 1 of 2 approvals, by di@x.org",
        "it has 0 of 1 rebuilds",
        "model+approve#3 does not count: not good",
        "model+approve#1 does not count: ada@x.org registered the version",
        "model+approve#2 does not count: bo@x.org wrote the commit abc1234",
        "model+attest#5: ed@x.org made it again otherwise",
    ]
    roles = tuple({"who": who, "may": "approve"} for who in PEOPLE)
    world = World(Said("ada@x.org", "K1"), frozenset({"bo@x.org"}), words[:4], roles=roles)
    assert world.tally().lacks[0] == (
        "it has 1 of 2 approvals, by di@x.org; cy@x.org, ed@x.org may approve"
    )


def test_who_wrote_what_is_new_is_read_from_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Authors, committers and co-authors, and none of what another version has already."""
    monkeypatch.chdir(tmp_path)
    commits = list[str]()
    for author, committer, more in (
        ("ada", "ada", ""),
        ("Bo", "cy", ""),
        ("di", "di", "\n\nCo-authored-by: Ed <Ed@x.org>\nCo-authored-by: Flo <flo@x.org>"),
    ):
        who = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": f"{author}@x.org",
               "GIT_COMMITTER_NAME": "C", "GIT_COMMITTER_EMAIL": f"{committer}@x.org"}  # fmt: skip
        for name, value in who.items():
            monkeypatch.setenv(name, value)
        if not commits:
            subprocess.run(["git", "init", "--quiet"], check=True)
        words = ["git", "commit", "--quiet", "--allow-empty", "-m", f"By {author}{more}"]
        subprocess.run(words, check=True)
        commits.append(subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip())

    def at(number: int) -> Version:
        name, commit = f"model@v{number}.0.0", commits[number - 1]
        return Version(Number(number), Tag(name, commit, commit, name, START, "", ""))

    assert wrote(at(3), [at(2)]).keys() == {"di@x.org", "ed@x.org", "flo@x.org"}
    new = wrote(at(3), [at(1)])
    assert new.keys() == {"bo@x.org", "cy@x.org", "di@x.org", "ed@x.org", "flo@x.org"}
    assert commits[1].startswith(new["bo@x.org"])
    assert "ada@x.org" in wrote(at(3), [])
    assert wrote(at(1), [at(3)]) == {}

    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{tmp_path}", "c"], check=True)
    monkeypatch.chdir(tmp_path / "c")
    with pytest.raises(ProjectError, match="git fetch --unshallow"):
        wrote(at(3), [])
