"""Four people with a key and a clone each: no one of them brings a version into prod alone."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Project, Tool
from releases import Released, new_released, refused

RULES = "prod: {gate: false, protected: true, approvals: 2, rebuilds: 1}"
ROLES = """
roles:
- {who: ada@example.com, may: register}
- {who: ada@example.com, may: approve}
- {who: bo@example.com, may: approve, stages: [prod]}
- {who: bo@example.com, may: register}
- {who: cy@example.com, may: approve}
- {who: cy@example.com, may: release}
- {who: di@example.com, may: approve}
- {who: di@example.com, may: release, stages: [prod]}
"""
CARRIED_OUT = ["- ", "error: "]


@dataclass(frozen=True)
class Person(Released):
    """Somebody's clone, with a name and a key of their own."""

    name: str = ""

    def run(
        self, *command: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as this person."""
        who = {}
        for role in ("AUTHOR", "COMMITTER"):
            who |= {f"GIT_{role}_NAME": self.name.title()}
            who |= {f"GIT_{role}_EMAIL": f"{self.name}@example.com"}
        return super().run(*command, check=check, **who, **variables)

    def states(self, version: str) -> list[dict[str, Any]]:
        """Return the states of a version as `model show --json` has them, after a fetch."""
        self.run("git", "fetch", "--quiet", "--tags")
        rows = {row["version"]: row for row in self.json("show")}
        states: list[dict[str, Any]] = rows[version]["state"]
        return states

    def pull(self) -> None:
        """Bring what the others have pushed, and the data that belongs to it."""
        self.run("git", "pull", "--quiet", "--tags")
        self.run("dvc", "pull", "--quiet")


@pytest.fixture(scope="module")
def people(
    project: Project, tool: Tool, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Person]:
    """Ada wrote a model, which is v1.0.0 in prod; then the rules were turned on."""
    program = tool("ssh-keygen", "apt-get install openssh-client")
    first = new_released(project, tmp_path_factory.mktemp("four") / "all")
    ada = Person(first.path, project, "ada")
    ada.model("register", "-m", "The first one")
    ada.model("promote", "v1", "prod", "-m", "Before there were rules")
    clones, signers = {"ada": ada}, ""
    for name in ("ada", "bo", "cy", "di", "eve"):
        folder = first.path.parent / name
        if name != "ada":
            ada.run("git", "clone", "--quiet", "../origin.git", str(folder))
            clones[name] = Person(folder, project, name)
        key = first.path.parent / f"key-of-{name}"
        make = [program, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
        subprocess.run(make, check=True)
        clones[name].run("git", "config", "gpg.format", "ssh")
        clones[name].run("git", "config", "user.signingKey", f"{key}.pub")
        public = key.with_suffix(".pub").read_text(encoding="utf-8")
        signers += f"{name}@example.com {public}" if name != "eve" else ""
    (ada.path / ".allowed_signers").write_text(signers, encoding="utf-8")
    ada.edit("versions.yaml", "prod: {gate: true, protected: false}", RULES)
    ada.edit("versions.yaml", "required: false", "required: true")
    with (ada.path / "versions.yaml").open("a", encoding="utf-8") as file:
        file.write(ROLES)
    ada.run("git", "add", ".allowed_signers")
    ada.commit_anyway()
    ada.push()
    for name in ("bo", "cy", "di", "eve"):
        clones[name].pull()
    return clones


def test_the_whole_life_of_a_version(people: dict[str, Person]) -> None:
    ada, bo, cy, di, eve = people.values()
    promote = ("promote", "v1.1", "prod", "-m", "It is better")

    # What was there before the rules is vouched for by one who may.
    refused(cy, "promote", "v1", "staging", "-m", "Why", words=["v1.0.0 is not believed"])
    cy.model("countersign", "-m", "Seen by all of us")

    # Ada writes a version and registers it; nobody else may register in her name.
    ada.ready("More trees", {"train.arguments": {"n_estimators": 6}})
    refused(eve, "countersign", "-m", "Why", words=["no tag of model lacks a signature"])
    ada.model("register", "-m", "More trees")
    for person in (bo, cy, di, eve):
        person.pull()
    assert cy.states("v1.1.0") == [{"state": "registered"}]

    # Refusals in between.
    told = refused(cy, *promote, words=["v1.1.0 may not come into 'prod' yet"])
    assert "it has 0 of 2 approvals; bo@example.com, cy@example.com, di@example.com may" in told
    assert "it has 0 of 1 rebuilds" in told
    stranger = "signed by a key that .allowed_signers does not name"
    approve = ("approve", "v1.1", "--for", "prod", "-m")
    refused(eve, *approve, "Fine", words=["was not made", stranger])
    refused(
        bo, "approve", "v1.1", "--for", "staging", "-m", "Fine", words=["bo@example.com has no"]
    )
    refused(bo, *promote, "--override", "Now", words=["bo@example.com has no role to release"])
    refused(bo, *approve, " ", words=["say why"])
    refused(bo, "approve", "v1.1", "--for", "prd", "-m", "Fine", words=["'prd' is no stage"])

    said = ada.model(*approve, "My own").stdout
    assert "does not count: ada@example.com registered the version" in said
    bo.model("reject", "v1.1", "--for", "prod", "-m", "Who looked at the islands?")
    [approved, rebuilt, rejected] = cy.states("v1.1.0")[1:]
    assert (approved["state"], approved["by"], approved["of"]) == ("approved", [], 2)
    assert (rebuilt["state"], rejected["state"]) == ("rebuilt", "rejected")
    assert rejected["by"] == ["Bo <bo@example.com>"]
    cy.model(*approve, "I did")
    di.model(*approve, "So did I")
    told = refused(cy, *promote, words=["bo@example.com has rejected it", "the islands?"])
    assert "approvals" not in told
    assert "0 of 1 rebuilds" in told

    # Bo takes it back, and makes it again.
    bo.model(*approve, "I looked at them myself")
    bo.model("reject", "v1.1", "--for", "prod", "-m", "Wait")
    bo.model(*approve, "Yes")
    refused(bo, "verify", "v1.1", "--attest", words=["--rebuild --attest"])
    verdict = bo.json("verify", "v1.1", "--rebuild", "--attest")
    assert verdict["rebuild"]["verdict"] == "identical"
    assert [row["event"] for row in bo.json("history")][:2] == ["attest", "approve"]
    table = cy.run("git", "fetch", "--quiet", "--tags") and cy.model("show").stdout
    assert "registered; approved 3 of 2 for prod; rebuilt 1 of 1 for prod" in table

    cy.model(*promote)
    record = json.loads(cy.git("cat-file", "tag", "model#prod#13").partition("\n{")[2].join("{ "))
    assert record
