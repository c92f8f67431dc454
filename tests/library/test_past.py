"""What came into a stage is judged by the rules of that moment, and not by chosen ones."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.versions import acts
from mlrepo.versions.registry import Registry
from mlrepo.versions.rules import here
from mlrepo.versions.rules.past import lacked

from . import tagging
from .conftest import template_yaml
from .repository import commit
from .repository import git as by_git

CLAIMS: dict[str, Any] = {"asks": {"approvals": 1, "rebuilds": 0}, "approvals": [], "rebuilds": []}
OTHERS = "its record has other asks, approvals, rebuilds than the tags before it"
LACKS = ["it has 0 of 1 approvals"]


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with a version, and without rules, as the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.com")
    git.folder_in_repository.cache_clear()
    by_git("init", "--quiet", "--initial-branch=main")
    tagging.version("1.0.0", on=rules(approvals=0)["commit"], policy=named())


def rules(approvals: int, **more: Any) -> dict[str, str]:
    """Commit what prod asks for; return how a record names that."""
    content = template_yaml("versions.yaml")
    content["stages"]["prod"] |= {"approvals": approvals}
    content["signing"] |= more.pop("signing", {})
    Path("versions.yaml").write_text(yaml.dump(content | more), encoding="utf-8")
    commit()
    return named()


def named(at: str = "HEAD") -> dict[str, str]:
    return {"commit": by_git("rev-parse", at), "sha256": ""}


def promoted(policy: dict[str, str] | None, action: str = "promote", **record: Any) -> list[str]:
    """Bring the version into prod past the commands; return what that lacked."""
    claims = {"gate": {"verdict": "pass"}, **({"policy": policy} if policy else {}), **record}
    tagging.assign("1.0.0", "prod", action, **claims)
    registry = Registry.load("model")
    assert not registry.chain.doubts
    return lacked(registry, registry.assignments[-1])


def test_a_rule_holds_from_the_commit_that_turned_it_on() -> None:
    off = named()
    assert promoted(off) == []
    first = Registry.load("model").assignments[0]
    on = rules(approvals=1)
    assert lacked(Registry.load("model"), first) == []
    assert promoted(on) == [OTHERS, *LACKS]
    assert promoted(on, **CLAIMS) == LACKS
    assert promoted(on, **CLAIMS, override="It burns") == []
    assert promoted(on, **CLAIMS | {"approvals": ["model+approve#9"]}) == [
        OTHERS.replace("asks, approvals, rebuilds", "approvals"), *LACKS,
    ]  # fmt: skip
    # Back to what was there before the rule: nothing new comes in.
    assert promoted(on, "rollback") == []


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        (None, "none"),
        ("pass", "none"),
        ({}, "none"),
        ({"verdict": "fail"}, "fail"),
        ({"verdict": "pass"}, None),
        ({"verdict": "inconclusive"}, None),
    ],
)
def test_a_gate_that_was_passed_by_is_told(gate: Any, says: str | None) -> None:
    lacks = [f"the verdict of the gate is {says}"] if says else []
    assert promoted(named(), gate=gate) == lacks
    assert promoted(named(), gate=gate, override="It burns") == []
    assert promoted(named(), "rollback", gate=None) == []  # to what was there before


def test_a_gate_that_was_open_then_is_none() -> None:
    content = template_yaml("versions.yaml")
    content["stages"]["prod"]["gate"] = False
    Path("versions.yaml").write_text(yaml.dump(content), encoding="utf-8")
    commit()
    assert promoted(named(), gate=None) == []
    first = Registry.load("model").assignments[0]
    rules(approvals=0)
    assert lacked(Registry.load("model"), first) == []
    # Rules of an own branch are none: those of today count.
    by_git("checkout", "--quiet", "-b", "own")
    Path("versions.yaml").write_text(yaml.dump(content), encoding="utf-8")
    commit()
    own = named()
    by_git("checkout", "--quiet", "main")
    assert promoted(own, gate=None) == ["the verdict of the gate is none"]


@pytest.mark.parametrize("chosen", ["older", "none", "of an own branch", "unknown"])
def test_nobody_chooses_the_rules_for_himself(chosen: str) -> None:
    older, on = named(), rules(approvals=1)
    tagging.assign("1.0.0", "staging", policy=on)
    by_git("checkout", "--quiet", "-b", "own")
    own = rules(approvals=0)
    by_git("checkout", "--quiet", "main")
    unknown = {"commit": "1" * 40, "sha256": ""}
    policy = {"older": older, "none": None, "of an own branch": own, "unknown": unknown}[chosen]
    assert promoted(policy) == [OTHERS, *LACKS]


def test_records_that_name_no_rules_are_from_before_there_were_any() -> None:
    by_git("tag", "--delete", "model@v1.0.0")
    tagging.version("1.0.0")
    tagging.assign("1.0.0", "prod")
    rules(approvals=1)
    registry = Registry.load("model")
    assert lacked(registry, registry.assignments[0]) == []


def test_a_decision_by_rules_that_changed_meanwhile_is_not_taken() -> None:
    registry, version = Registry.load("model"), Registry.load("model").newest()
    policy = named() | {"sha256": "of another file"}
    with pytest.raises(ProjectError, match=r"versions\.yaml has changed meanwhile"):
        acts.say(registry, "note", version, "Why", sign=False, policy=policy)
    assert not Registry.load("model").acts


def test_what_another_version_of_the_library_kept_of_tags_is_read_anew() -> None:
    tagging.assign("1.0.0", "prod", asks={"approvals": 1})
    kept = Path(".git/mlrepo-tags.json")
    assert Registry.load("model").assignments[0].tag.claims["asks"]
    [claims] = json.loads(kept.read_text(encoding="utf-8")).values()
    for said in claims.values():
        said.pop("asks", None)
    for old in (claims, {"format\nmodel": claims}):
        kept.write_text(json.dumps(old), encoding="utf-8")
        assert Registry.load("model").assignments[0].tag.claims["asks"] == {"approvals": 1}


def test_doctor_reads_the_rules_that_are_not_committed_yet() -> None:
    Path("versions.yaml").write_text("stages: {prod: {gaet: true}}\n", encoding="utf-8")
    [[told]] = here.examine().values()
    assert "versions.yaml: stages.prod.gaet is no key of this file" in told
    with pytest.raises(ProjectError, match="is no key of this file"):
        here.main()


def test_doctor_says_which_rules_are_on_and_what_this_machine_lacks(tmp_path: Path) -> None:
    assert here.examine() == {}
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True)
    key = " ".join(Path("key.pub").read_text(encoding="utf-8").split()[:2])
    roles = [{"who": "bo@example.com", "may": "release"}]
    rules(approvals=2, signing={"required": True}, roles=roles)
    [(on, lacks)] = here.examine().items()
    assert on == "rules: signatures; roles; prod: 2 approvals"
    assert lacks[0] == "ada@example.com has no role in versions.yaml"
    assert lacks[1].startswith("no key is set to sign with: `git config gpg.format ssh`")

    by_git("config", "gpg.format", "ssh")
    roles = [{"who": "Ada@example.com", "may": "approve"}]
    rules(approvals=0, signing={"required": "2026-12-31"}, roles=roles)
    for setting in (str(tmp_path / "key"), str(tmp_path / "key.pub"), f"key::{key}"):
        by_git("config", "user.signingKey", setting)
        Path(".allowed_signers").write_text(f"bo@example.com {key}\n", encoding="utf-8")
        commit()
        [(on, lacks)] = here.examine().items()
        assert on == "rules: signatures from 2026-12-31 on; roles"
        assert lacks == [
            f".allowed_signers has no line for this key and address: ada@example.com {key}"
        ]
        Path(".allowed_signers").write_text(f"*@example.com {key}\n", encoding="utf-8")
        commit()
        assert here.examine() == {on: []}
    by_git("config", "user.signingKey", "gone.pub")
    [[told]] = here.examine().values()
    assert told == "user.signingKey names gone.pub, and gone.pub is not there"
    Path("versions.yaml").write_text("stages: {}\n", encoding="utf-8")
    commit()
    assert "versions.yaml" in here.examine()["rules"][0]


def test_a_stage_that_has_another_name_by_now_is_judged_by_its_rules_of_then() -> None:
    on = rules(approvals=1)
    assert promoted(on, **CLAIMS, override="It burns") == []
    assert promoted(on, **CLAIMS) == LACKS
    content = template_yaml("versions.yaml")
    content["stages"]["production"] = content["stages"].pop("prod") | {"formerly": ["prod"]}
    Path("versions.yaml").write_text(yaml.dump(content), encoding="utf-8")
    commit()
    registry = Registry.load("model")
    assert [each.stage for each in registry.assignments] == ["production", "production"]
    assert [lacked(registry, each) for each in registry.assignments] == [[], LACKS]
