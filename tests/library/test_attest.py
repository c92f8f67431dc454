"""Statements of rebuilds that did not come to the same bytes, read by in-toto's own messages."""

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as Result
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from mlrepo.versions.proofs.attest import statement

RECORD = {
    "commit": "c" * 40,
    "artifact": {"path": "models/model.skops", "sha256": "a" * 64},
    "environment": {"lock": {"path": "uv.lock", "sha256": "b" * 64}},
}
MACHINE = {"system": "Linux", "cores": 2, "numerics_pinned": True, "threads": {"openblas": 1}}


@pytest.mark.parametrize(
    ("verdict", "result", "place"),
    [
        ("identical", "PASSED", "passed_tests"),
        ("equivalent", "WARNED", "warned_tests"),
        ("different", "FAILED", "failed_tests"),
    ],
)
def test_each_verdict_is_a_result_of_a_test(verdict: str, result: str, place: str) -> None:
    found: dict[str, Any] = {"verdict": verdict, "differing": [], "files": 12}
    if verdict != "identical":
        found |= {"differing": ["models/model.skops"], "why": "the model predicts otherwise"}
    document = statement(RECORD, found, MACHINE, "Ö Bo <bo|x@example.com>")
    message = ParseDict(document, StatementMessage(), ignore_unknown_fields=False)
    Statement.copy_from_pb(message).validate()
    read = ParseDict(document["predicate"], Result(), ignore_unknown_fields=False)
    assert read.result == result
    lists = ("passed_tests", "warned_tests", "failed_tests")
    assert {name: list(getattr(read, name)) for name in lists if getattr(read, name)} == {
        place: [f"rebuild: {verdict}"]
    }
    told = {each.name: each for each in read.configuration}
    assert told["by"].uri == "mailto:bo%7Cx@example.com"
    assert told["machine"].annotations["threads"]["openblas"] == 1
    assert list(told["outputs"].annotations["differing"]) == found["differing"]
    assert told["outputs"].annotations["why"] == found.get("why", "")
