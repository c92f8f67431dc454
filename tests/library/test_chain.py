"""What honest people made is believed, and one hostile change of it is named and is not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from helpers import LONG
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mlrepo.versions.registry import Registry

from .attacks import KINDS, Attack, believed
from .honest import PEOPLE, START, People, Tags, commit, honest, made, new

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
            {"stage", "version_tag"}
            if last.version
            else {"commit", "stage"}
            if last.act
            else {"commit"}
        )
        assert (last.name in chain.doubts) != (last.name in chain.tags)
        assert last.name in chain.doubts or key in free

    hold()


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_change_is_named_and_not_believed(kind: str) -> None:
    @settings(
        max_examples=40 if LONG else 11, deadline=None, suppress_health_check=list(HealthCheck)
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
