"""Who made a version again says so in the chain, in a statement that others read."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from google.protobuf.json_format import ParseDict
from helpers import sha256
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as Result
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from made_tags import remake
from releases import MODEL, Released, copied, refused
from test_proofs import opened

ATTEST = ("verify", "v1.1", "--rebuild", "--attest")


@pytest.fixture(scope="module")
def copy(two_versions: Released, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """v1.1.0 was made again twice: without a key, and with one, by another person."""
    made = copied(two_versions, tmp_path_factory.mktemp("attest") / "copy")
    beside = made.path.parent
    make = ("openssl", "genpkey", "-algorithm", "ed25519", "-out", str(beside / "key.pem"))
    made.run(*make)
    public = ("-pubout", "-out", str(beside / "key.pub"))
    made.run("openssl", "pkey", "-in", str(beside / "key.pem"), *public)
    said = made.json(*ATTEST)
    assert said["rebuild"]["attested"] == "model+attest#4"
    told = made.model(
        *(*ATTEST, "--key", "../key.pem"),
        GIT_COMMITTER_NAME="Bo",
        GIT_COMMITTER_EMAIL="bo@example.com",
    ).stdout
    assert "identical: all outputs have the recorded bytes\n  attested by model+attest#5" in told
    return made


def record(copy: Released, name: str) -> dict[str, Any]:
    """Return the record of a tag."""
    message = copy.git("tag", "--list", "--format=%(contents:body)", name)
    content: dict[str, Any] = json.loads(message)
    return content


def check(document: dict[str, Any]) -> Result:
    """Return the predicate, if it is a statement with a test result of in-toto."""
    message = ParseDict(document, StatementMessage(), ignore_unknown_fields=False)
    Statement.copy_from_pb(message).validate()
    result: Result = ParseDict(document["predicate"], Result(), ignore_unknown_fields=False)
    return result


def test_the_statement_says_what_was_made_again_where_and_by_whom(
    copy: Released, project: Project
) -> None:
    said = record(copy, "model+attest#4")
    assert (said["act"], said["verdict"], said["version"]) == ("attest", "identical", "v1.1.0")
    result = check(said["statement"])
    assert (result.result, list(result.passed_tests)) == ("PASSED", ["rebuild: identical"])
    model = {"name": MODEL, "digest": {"sha256": sha256(copy.path / MODEL)}}
    assert said["statement"]["subject"] == [model]
    found = {each.name: each for each in result.configuration}
    assert found["commit"].digest["gitCommit"] == copy.git("rev-parse", "HEAD")
    assert found["uv.lock"].digest["sha256"] == sha256(copy.path / "uv.lock")
    assert found["by"].uri == "mailto:test@example.com"
    machine = copy.record("v1.1")["environment"]["registered_on"]
    assert found["machine"].annotations["numerics"] == machine["numerics"]


def test_an_envelope_holds_for_the_key_of_whoever_did_it(copy: Released) -> None:
    statement = opened(record(copy, "model+attest#5")["statement"], copy.path.parent / "key.pub")
    check(statement)
    assert {"name": "by", "uri": "mailto:bo@example.com"} in statement["predicate"]["configuration"]


def test_the_verdicts_are_in_the_history_at_the_git_remote_and_under_the_seal(
    copy: Released, tmp_path: Path
) -> None:
    rows = copy.json("history", "--event", "attest")
    assert [(row["by"], row["why"]) for row in rows] == [
        ("Bo", "Made again: identical"),
        ("Test", "Made again: identical"),
    ]
    assert "model+attest#5" in copy.git("ls-remote", "--tags", "origin")
    assert copy.json("verify", "v1.1", "--offline")["ok"]
    seal = copy.model("seal").stdout
    assert json.loads(seal)["newest"] == "model+attest#5"
    changed = copied(copy, tmp_path / "copy")
    remake(changed, "model+attest#5", verdict="different")
    done = changed.model("verify", "v1.1", "--offline", "--sealed", seal, check=False)
    assert done.returncode == 1
    assert "model+attest#5 was sealed, and is another tag now" in done.stdout


def test_what_would_be_refused_in_the_end_is_refused_before_the_work(copy: Released) -> None:
    refused(copy, "verify", "--attest", words=["--rebuild --attest"])
    refused(copy, "verify", "--rebuild", "--key", "../key.pem", words=["--rebuild --attest"])
    refused(copy, *ATTEST, "--key", "../none.pem", words=["none.pem is no private key"])
    copy.edit("versions.yaml", "margin: 0.0", "margin: 0.1")
    refused(copy, *ATTEST, words=["what a stage demands is not committed"])
    copy.git("checkout", "--quiet", "versions.yaml")
