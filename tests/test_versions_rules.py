"""Rules that ask for signatures and roles: whose they are, from when they hold, what is older."""

import json
from pathlib import Path

import pytest
from conftest import Tool
from made_tags import remake
from releases import Released, refused, wrong
from signing import (
    BEGIN,
    PROMOTE,
    Keys,
    make_keys,
    require,
    roles,
    settings,
    shown,
    signing,
    without_signature,
)


@pytest.fixture
def keys(tool: Tool, tmp_path: Path) -> Keys:
    return make_keys(tool("ssh-keygen", "apt-get install openssh-client"), tmp_path)


@pytest.fixture
def copy(two_versions: Released, keys: Keys, tmp_path: Path) -> Released:
    return signing(two_versions, keys, tmp_path / "copy")


def test_an_unsigned_version_does_not_pass_where_signatures_are_required(copy: Released) -> None:
    copy.model("register", "-m", "Not signed")
    require(copy)
    told = "model@v1.2.0 is not believed: it is not signed"
    assert told in wrong(copy, "v1.2", "--offline")["history"]
    refused(copy, *PROMOTE, words=["model@v1.2.0 is not believed: it is not signed"])
    rollback = ("rollback", "-m", "Why", "--to", "v1", "--override", "An incident")
    refused(copy, *rollback, words=["model@v1.0.0 is not believed", "`model countersign` vouches"])
    shown = copy.model("show", check=False)
    assert (shown.returncode, shown.stdout) == (1, "model has no version yet: `model register "
                                                   "-m NOTES` makes one\n")  # fmt: skip
    refused(copy, "register", "-m", "One more", words=["no version of model is believed"])


def test_what_is_older_than_the_rule_is_countersigned(copy: Released) -> None:
    require(copy)
    by_hand = copy.model("countersign", "-m", "I was there")
    assert (
        "vouches for model#prod#2, model#staging#1, model#staging#3, model@v1.0.0" in by_hand.stdout
    )
    assert copy.model("verify", "v1").returncode == 0
    copy.model("rollback", "staging", "-m", "Worse", "--to", "v1", "--override", "An incident")
    assert copy.json("show")[-1]["stages"] == ["staging"]
    refused(copy, "countersign", "-m", "Again", words=["no tag of model lacks a signature"])
    # It vouches for those tags alone: not for another one, nor for one of them made again.
    remake(copy, "model#prod#2", "It is better", "It is best")
    assert "model#prod#2" in wrong(copy, "v1.1", "--offline")["history"]


def test_a_rule_may_hold_from_a_day_on(copy: Released) -> None:
    settings(copy, "required: false", "required: 2999-01-01")
    copy.model("register", "-m", "Before that day")
    assert BEGIN not in copy.git("cat-file", "tag", "model@v1.2.0")
    settings(copy, "required: 2999-01-01", "required: 2020-01-01")
    assert shown(copy) == []


def test_all_is_signed_where_signatures_are_required(copy: Released) -> None:
    require(copy)
    copy.model("countersign", "-m", "All of ours")
    copy.model("register", "-m", "Signed")
    copy.model("promote", "v1.2", "staging", "-m", "Signed as well")
    copy.model("deprecate", "v1.2", "-m", "Signed, too")
    for name in ("model+countersign#4", "model@v1.2.0", "model#staging#5", "model#deprecated#6"):
        assert BEGIN in copy.git("cat-file", "tag", name)
    assert copy.model("verify", "v1.2").returncode == 0
    rows = copy.json("history")
    assert [row["key"].partition(" SHA256:")[0] for row in rows[:4]] == ["test@example.com"] * 4
    assert {row["key"] for row in rows[4:]} == {""}

    without_signature(copy, "model#deprecated#6")
    told = "model#deprecated#6 is not believed: it is not signed"
    assert told in wrong(copy, "v1.2", "--offline")["history"]
    assert not shown(copy)[0]["bad"]


def test_a_role_says_who_may_do_what(copy: Released) -> None:
    copy.model("register", "-m", "Before there were roles")
    roles(copy, "{who: bo@example.com, may: release}")
    told = "test@example.com has no role to release at that time in versions.yaml"
    refused(copy, "countersign", "-m", "Ours", words=[told])
    may = "{who: TEST@example.com, may: release, stages: [staging]"
    roles(copy, f"{may}, until: 2020-01-01}}")
    refused(copy, "countersign", "-m", "Ours", words=[told])
    roles(copy, f"{may}}}")
    copy.model("countersign", "-m", "Ours")
    copy.model("promote", "v1.2", "staging", "-m", "To try it")
    told = "test@example.com has no role to release for 'prod'"
    refused(copy, *PROMOTE, "--override", "Gate", words=[told])
    copy.run("git", "commit", "--quiet", "--allow-empty", "-m", "Next")
    refused(copy, "register", "-m", "More", words=["has no role to register"])
    # Who had a role then and has none today is believed for what came then, if it has an end.
    roles(copy, f"{may}, until: 2999-01-01}}")
    assert copy.json("show")[0]["stages"] == ["staging"]
    roles(copy)
    assert copy.json("show")[0]["stages"] == ["staging"]


def test_what_is_not_on_the_default_branch_does_not_count(copy: Released) -> None:
    copy.model("register", "-m", "A version")
    agreed = copy.git("rev-parse", "HEAD")
    copy.edit("versions.yaml", "prod: {gate: true", "prod: {gate: false")
    copy.commit_anyway()
    said = copy.model(*PROMOTE).stderr
    assert f"versions.yaml of origin counts ({agreed[:7]}), which differs from the one here" in said
    assert "- gate" in said
    record = json.loads("{" + copy.git("cat-file", "tag", "model#prod#4").partition("\n{")[2])
    assert record["policy"]["commit"] == agreed
    assert record["gate"]["verdict"] == "pass"


def test_a_default_branch_of_another_name_is_asked_for(copy: Released) -> None:
    copy.model("register", "-m", "A version")
    branch = copy.git("branch", "--show-current")
    copy.run("git", "--git-dir", str(copy.origin), "branch", "--move", branch, "trunk")
    refused(copy, *PROMOTE, words=[f"origin has no branch {branch} any more", "set-head"])
    copy.run("git", "fetch", "--quiet", "--prune", "origin")
    copy.run("git", "remote", "set-head", "origin", "--auto")
    copy.model(*PROMOTE)


def test_a_stage_of_another_name_keeps_its_past(copy: Released) -> None:
    before = copy.json("history", "--stage", "prod")
    told = "prod: {gate: true, protected: false}"
    settings(copy, told, "production: {gate: true, protected: false, formerly: [prod]}")
    assert copy.json("show")[0]["stages"] == ["staging", "production"]
    now = copy.json("history", "--stage", "production")
    assert [row.pop("stage") for row in now] == ["production"]
    assert [row.pop("stage") for row in before] == ["prod"]
    assert now == before
    assert copy.json("at", "2999-01-01", "production")[0]["version"] == "v1.1.0"
    refused(copy, "get", "prod", "-o", "out", words=["'prod' is no stage"])
    copy.model("rollback", "--to", "v1", "-m", "Worse")
    assert copy.tag("model#production#4")
    assert copy.model("verify", "production").returncode == 0


def test_an_empty_stage_serves_nothing_until_a_rollback(copy: Released) -> None:
    copy.model("retire", "prod", "-m", "Nobody asks it any more")
    assert "prod" not in [stage for row in copy.json("show") for stage in row["stages"]]
    refused(copy, "get", "prod", "-o", "out", words=["nothing is in the stage 'prod'"])
    refused(copy, "retire", "prod", "-m", "Again", words=["nothing is in 'prod'"])
    refused(copy, "retire", "pord", "-m", "A slip", words=["'pord' is no stage"])
    assert copy.json("at", "2999-01-01", "prod") == []
    assert copy.json("history")[0]["event"] == "retire"
    assert "prod" not in copy.run("gto", "show", "--json", check=False).stdout
    assert copy.model("verify", "v1.1").returncode == 0
    said = copy.model("rollback", "prod", "-m", "Somebody does").stderr
    assert "from nothing back to v1.1.0" in said
    assert copy.json("show")[0]["stages"] == ["staging", "prod"]


def test_more_is_said_of_a_version_and_found_again(copy: Released) -> None:
    link = "https://example.com/tickets/7"
    copy.model("note", "v1", "-m", "Validated", "--link", link)
    tag = copy.git("cat-file", "tag", "model+note#4")
    assert json.loads("{" + tag.partition("\n{")[2])["links"] == [link]
    [row] = copy.json("history", "--event", "note")
    assert (row["version"], row["why"], row["tag"]) == ("v1.0.0", "Validated", "model+note#4")
    for option, count in {
        "--version=v1": 3, "--by=TEST@example": 6, "--by=bo": 0, "--stage=prod": 1,
        "--since=2999-01-01": 0, "--until=2999-01-01": 6, "--until=2020-01-01": 0,
    }.items():  # fmt: skip
        assert len(copy.json("history", option)) == count, option
    shown = copy.model("show").stdout
    assert copy.model("verify", "v1").returncode == 0
    copy.git("tag", "--delete", "model+note#4")
    assert copy.model("show").stdout == shown
    assert "origin has" not in shown
