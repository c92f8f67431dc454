"""Four people with a key and a clone each: no one of them brings a version into prod alone."""

import json
import shlex
import subprocess
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from conftest import Project, Tool
from pages import console, page, section
from releases import Released, new_released, refused

RULES = "prod: {gate: true, protected: true, approvals: 2, rebuilds: 1}"
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
APPROVE = ("approve", "v1.1", "--for", "prod", "-m")
# As docs/auditors.md has them, without `uv run model`.
REJECT, AGREE, REBUILD, PROMOTE = (
    shlex.split(line)[3:] for line in console(section(page("docs/auditors.md"), "Four eyes"))
)


@dataclass(frozen=True)
class Person(Released):
    """Somebody's clone, with a name and a key of their own."""

    name: str = ""

    def run(
        self, *command: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as this person."""
        who = dict[str, str]()
        for role in ("AUTHOR", "COMMITTER"):
            who |= {f"GIT_{role}_NAME": self.name.title()}
            who |= {f"GIT_{role}_EMAIL": f"{self.name}@example.com"}
        return super().run(*command, check=check, **who, **variables)

    def states(self, version: str) -> list[dict[str, Any]]:
        """Return the states of a version as `model show --json` has them, after a fetch."""
        rows = {row["version"]: row for row in self.states_of_all()}
        states: list[dict[str, Any]] = rows[version]["state"]
        return states

    def states_of_all(self) -> list[dict[str, Any]]:
        """Return the rows of `model show --json` after a fetch."""
        self.fetch()
        rows: list[dict[str, Any]] = self.json("show")
        return rows

    def doctor(self, check: str) -> list[str]:
        """Return what `model doctor` finds wrong in one check."""
        said = self.model("doctor", "--offline", "--json", check=False).stdout
        found: list[str] = json.loads(said)[check]
        return found

    def refused(self, *command: str, words: list[str], code: int = 2) -> str:
        """Run a command that must be refused; return what is told."""
        self.fetch()
        return refused(self, *command, words=words, code=code)

    def fetch(self) -> None:
        """Bring all that the others have pushed to Git."""
        self.run("git", "fetch", "--quiet", "--tags")

    def pull(self) -> None:
        """Bring what the others have pushed, and the data that belongs to it."""
        self.run("git", "pull", "--quiet", "--tags")
        self.run("dvc", "pull", "--quiet")


class People(NamedTuple):
    """Four who work together, and one who only can push."""

    ada: Person
    bo: Person
    cy: Person
    di: Person
    eve: Person


@pytest.fixture(scope="module")
def people(project: Project, tool: Tool, tmp_path_factory: pytest.TempPathFactory) -> People:
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
    return People(**clones)


def report(person: Person, version: str) -> str:
    """Return the page that an auditor would print."""
    person.model("report", version, "-o", "../report.html")
    return (person.path.parent / "report.html").read_text(encoding="utf-8")


def in_tag(person: Person, name: str) -> Any:
    """Return the record in a tag."""
    message = person.git("cat-file", "tag", name)
    return json.JSONDecoder().raw_decode(message, message.index("\n{\n") + 1)[0]


def test_the_whole_life_of_a_version(people: People) -> None:
    ada, bo, cy, di, eve = people

    # What was there before the rules is vouched for by one who may.
    cy.refused("promote", "v1", "staging", "-m", "Why", words=["v1.0.0 is not believed"])
    eve.refused("countersign", "-m", "Fine", words=["the tag model+countersign#2 was not made"])
    cy.model("countersign", "-m", "Seen by all of us")

    # Ada writes a version and registers it; Cy has no role for that.
    ada.ready("More trees", {"train.arguments": {"n_estimators": 6}})
    for person in (bo, cy):
        person.pull()
    cy.refused("register", "-m", "Mine", words=["cy@example.com has no role to register"])
    ada.model("register", "-m", "More trees")
    assert cy.states("v1.1.0") == [{"state": "registered"}]

    told = cy.refused(*PROMOTE, words=["v1.1.0 may not come into 'prod' yet"], code=1)
    assert "it has 0 of 2 approvals; bo@example.com, cy@example.com, di@example.com may" in told
    assert "it has 0 of 1 rebuilds" in told
    stranger = "signed by a key that .allowed_signers does not name"
    eve.refused(*APPROVE, "Fine", words=["the tag model+approve#3 was not made", stranger])
    for stage, words in (("staging", "bo@example.com has no role"), ("prd", "'prd' is no stage")):
        bo.refused("approve", "v1.1", "--for", stage, "-m", "Fine", words=[words])
    bo.refused(*PROMOTE, "--override", "Now", words=["bo@example.com has no role to release"])
    bo.refused(*APPROVE, " ", words=["say why"])

    said = ada.model(*APPROVE, "My own").stdout
    assert "does not count: ada@example.com registered the version" in said
    assert "it has 0 of 2 approvals" in said
    bo.model(*REJECT)
    approved, rebuilt, rejected = cy.states("v1.1.0")[1:]
    assert (approved["state"], approved["by"], approved["of"]) == ("approved", [], 2)
    assert (rebuilt["state"], rejected["state"]) == ("rebuilt", "rejected")
    assert rejected["by"] == ["Bo <bo@example.com>"]
    cy.model(*APPROVE, "I did")
    words = "it has 1 of 2 approvals, by cy@example.com; di@example"
    told = cy.refused(*PROMOTE, words=[words], code=1)
    di.model(*APPROVE, "So did I")
    told = cy.refused(*PROMOTE, words=["bo@example.com has rejected it", "the islands?"], code=1)
    assert "approvals" not in told
    assert "0 of 1 rebuilds" in told

    # Bo takes it back, and makes it again.
    bo.model(*AGREE)
    cy.refused(*PROMOTE, words=["it has 0 of 1 rebuilds"], code=1)
    bo.refused("verify", "v1.1", "--attest", words=["--rebuild --attest"])
    verdict = bo.json(*REBUILD)
    assert verdict["rebuild"]["verdict"] == "identical"
    cy.fetch()
    assert [row["event"] for row in cy.json("history")][:2] == ["attest", "approve"]
    table = cy.model("show").stdout
    assert "registered; approved 3 of 2 for prod; rebuilt 1 of 1 for prod" in table

    cy.model(*PROMOTE)
    record = in_tag(cy, "model#prod#9")
    assert record["asks"] == {"approvals": 2, "rebuilds": 1}
    assert record["approvals"] == ["model+approve#5", "model+approve#6", "model+approve#7"]
    assert record["rebuilds"] == ["model+attest#8"]
    assert eve.states("v1.1.0") == [{"state": "in use", "stage": "prod"}]
    assert eve.states("v1.0.0") == [{"state": "retired"}]
    for version in ("v1", "v1.1"):
        assert "holds; " in eve.model("verify", version).stdout
    page = report(eve, "v1.1")
    done = {"attest": "Bo", "approve prod": "Di", "reject prod": "Bo", "promote prod": "Cy"}
    for what, who in done.items():
        address = f"{who} &lt;{who.lower()}@example.com&gt; SHA256:"
        assert f"<td>{what}</td><td>{address}" in page


def test_an_incident_and_the_end(people: People) -> None:
    """After the whole life; Bo wrote and registered the version that nobody has looked at."""
    ada, bo, cy, di, _ = people
    bo.run("git", "commit", "--quiet", "--allow-empty", "--no-verify", "--message", "By Bo")
    bo.run("git", "push", "--quiet", "--no-verify")
    bo.model("register", "-m", "With a fix")

    # Back to what was there: nobody is asked. To what never was: as for a promotion.
    di.model("rollback", "-m", "v1.1 errs")
    assert [state["state"] for state in cy.states("v1.0.0")] == ["in use"]
    back = ("rollback", "prod", "--to", "v1.2", "-m", "v1.0 errs as well")
    words = ["v1.2.0 may not come into 'prod' yet", "0 of 2", "--override"]
    di.refused(*back, words=words, code=1)
    di.refused(*back, "--override", " ", words=["say why"])
    done = di.model(*back, "--override", "It burns")
    assert "- in spite of this: it has 0 of 2 approvals" in done.stderr
    emergency = "EMERGENCY in prod by Di <di@example.com>, not approved yet: It burns"
    cy.fetch()
    assert emergency.replace("<", "&lt;").replace(">", "&gt;") in report(cy, "v1.2")
    for person, clears in ((di, False), (bo, False), (ada, True)):
        states = cy.states("v1.2.0")
        assert states[0] == {"state": "in use", "stage": "prod"}
        assert (states[1]["state"], states[1]["by"]) == ("emergency", ["Di <di@example.com>"])
        assert emergency in cy.model("show").stdout
        said = cy.model("verify", "v1.2", "--offline").stdout
        assert f"\n{emergency}\nmodel@v1.2.0 holds; " in said
        person.model("approve", "v1.2", "--for", "prod", "-m", "I looked at it afterwards")
        assert (len(cy.states("v1.2.0")) == 1) == clears
    assert cy.json("verify", "v1.2", "--offline")["emergencies"] == []
    assert in_tag(cy, "model#prod#11")["override"] == "It burns"

    di.model("retire", "prod", "-m", "The penguins are gone")
    assert {row["version"]: row["state"] for row in cy.states_of_all()} == {
        version: [{"state": "retired"}] for version in ("v1.0.0", "v1.1.0", "v1.2.0")
    }
    assert cy.model("verify", "v1.2", "--offline").returncode == 0


def test_doctor_tells_who_can_satisfy_the_rules(people: People) -> None:
    rules = "rules: signatures; roles; prod: signed, 2 approvals, 1 rebuilds"
    assert people.bo.doctor(rules) == []
    no_role, no_line = people.eve.doctor(rules)
    assert no_role == "eve@example.com has no role in versions.yaml"
    assert ".allowed_signers has no line for this key and address: eve@example.com ssh-" in no_line
