"""Which tags the rules accept, beside a plain reading of the same rules."""

from datetime import UTC, date, datetime, timedelta

import pytest
from helpers import LONG
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrepo.core.errors import ProjectError
from mlrepo.core.sections import parse
from mlrepo.versions.rules import roles
from mlrepo.versions.rules.policy import Grant, Policy, Settings, Signing
from mlrepo.versions.rules.signatures import Signature, Signers
from mlrepo.versions.tags import Tag

from .conftest import template_yaml
from .honest import Tags, honest, new

SHIPPED = parse(template_yaml("versions.yaml"), Settings, "versions.yaml")
PEOPLE = ["ada@example.com", "bo@example.com", "cy@example.com"]
WHAT = ["register", "approve", "release"]
SIGNATURES = st.builds(
    lambda who, state: Signature(state, f"{state} signature", who if state == "good" else ""),
    st.sampled_from(PEOPLE),
    st.sampled_from(["good", "good", "bad", "none"]),
)
DAYS = st.none() | st.dates(date(2014, 1, 1), date(2017, 1, 1))
GRANTS = st.builds(
    Grant,
    who=st.sampled_from(PEOPLE),
    may=st.sampled_from(WHAT),
    stages=st.sampled_from([(), ("staging",), ("prod", "staging")]),
    since=DAYS,
    until=DAYS,
)


def policy(required: bool | date, grants: list[Grant]) -> Policy:
    signing = Signing(required=required, allowed_signers="none", gpg_fingerprints=())
    demands = SHIPPED.model_copy(update={"signing": signing, "roles": tuple(grants)})
    return Policy("0" * 40, "", demands, Signers("none", b"", ()))


def may(tag: Tag, who: str, grants: list[Grant]) -> bool:
    """Say it as versions.yaml says it: one of the lines must fit."""
    if not grants:
        return True
    what, stage = "release", tag.stage if tag.stage != "deprecated" else None
    if tag.version:
        what, stage = "register", None
    if tag.act == "approve":
        what, stage = "approve", tag.claims["for"]
    fitting = [g for g in grants if g.who == who and g.may == what]
    fitting = [g for g in fitting if stage is None or g.stages == () or stage in g.stages]
    fitting = [g for g in fitting if g.since is None or g.since <= tag.date.date()]
    return bool([g for g in fitting if g.until is None or g.until >= tag.date.date()])


def leads_to(tags: Tags, name: str, end: Tag) -> bool:
    return any(
        before in tags and tags[before].oid == oid
        and (before == name or leads_to(tags, name, tags[before]))
        for before, oid in end.claims["after"].items()
    )  # fmt: skip


def countersigned(tags: Tags) -> Tags:
    """Add a tag that vouches for the first few."""
    by_date = sorted(tags.values(), key=lambda tag: tag.date)
    middle = by_date[len(by_date) // 2]
    claims = {"act": roles.COUNTERSIGN, "after": {middle.name: middle.oid}}
    name = f"model+{roles.COUNTERSIGN}#{max(tag.counter for tag in by_date) + 1}"
    act = new(name, middle.commit, middle.date + timedelta(seconds=1), PEOPLE[0], **claims)
    return tags | {name: act}


@settings(max_examples=500 if LONG else 100, deadline=None)
@given(honest(4), st.booleans() | DAYS.filter(bool), st.lists(GRANTS, max_size=4), st.data())
def test_a_tag_is_accepted_as_the_rules_say(
    tags: Tags, required: bool | date, grants: list[Grant], data: st.DataObject
) -> None:
    tags = countersigned({name: tag for name, tag in tags.items() if tag.claims})
    said = {name: data.draw(SIGNATURES) for name in tags}

    def good(tag: Tag) -> bool:
        if required is False or (isinstance(required, date) and tag.date.date() < required):
            return True
        signature = said[tag.name]
        return signature.state == "good" and may(tag, signature.who, grants)

    ends = [tag for tag in tags.values() if tag.act == roles.COUNTERSIGN and good(tag)]
    wanted = {
        name
        for name, tag in tags.items()
        if not good(tag)
        and not (said[name].state == "none" and any(leads_to(tags, name, end) for end in ends))
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roles, "signatures", lambda found, _: {name: said[name] for name in found})
        assert roles.refused(tags, policy(required, grants)).keys() == wanted


def test_roles_without_signatures_are_a_mistake() -> None:
    content = template_yaml("versions.yaml")
    content["roles"] = [{"who": "ada@example.com", "may": "release", "stages": ["prod"]}]
    with pytest.raises(ProjectError, match=r"roles say nothing without signatures"):
        parse(content, Settings, "versions.yaml")
    content["signing"]["required"] = "2026-01-01"
    assert parse(content, Settings, "versions.yaml").signing.needed(
        datetime(2026, 1, 1, tzinfo=UTC)
    )
    content["roles"][0]["stages"] = ["pord"]
    with pytest.raises(ProjectError, match="'pord' is no stage of this file"):
        parse(content, Settings, "versions.yaml")
    content["signing"]["required"] = "tomorrow"
    with pytest.raises(ProjectError, match=r"signing.required.*'tomorrow' is no day"):
        parse(content, Settings, "versions.yaml")


def test_a_former_name_is_that_of_one_stage_alone() -> None:
    content = template_yaml("versions.yaml")
    content["stages"]["prod"]["formerly"] = ["live", "staging"]
    with pytest.raises(ProjectError, match="'staging' is a name of two stages"):
        parse(content, Settings, "versions.yaml")
    content["stages"]["prod"]["formerly"] = ["live"]
    demands = parse(content, Settings, "versions.yaml")
    assert demands.renamed == {"live": "prod"}
    content["stages"]["staging"]["formerly"] = ["live"]
    with pytest.raises(ProjectError, match="'live' is a name of two stages"):
        parse(content, Settings, "versions.yaml")
