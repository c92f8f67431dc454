"""Say in the chain who made a version again where, and what came out.

An in-toto statement about the model, as a test result
(https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md).
"""

from typing import Any
from urllib.parse import quote

from mlrepo.pipeline import git
from mlrepo.pipeline.output import Tell
from mlrepo.versions import acts
from mlrepo.versions.proofs.envelope import Key, enclose
from mlrepo.versions.registry import Version

ACT = "attest"
_RESULTS = {"identical": "PASSED", "equivalent": "WARNED", "different": "FAILED"}
_LISTS = {"PASSED": "passedTests", "WARNED": "warnedTests", "FAILED": "failedTests"}


def statement(
    record: dict[str, Any], found: dict[str, Any], machine: dict[str, Any], by: str
) -> dict[str, Any]:
    """Return a verdict of `rebuild` on the version of a record, and which machine came to it."""
    artifact, lock = record["artifact"], record["environment"]["lock"]
    result = _RESULTS[found["verdict"]]
    address = quote(by.rpartition("<")[2].rstrip(">"), safe="@")
    configuration = [
        {"name": "commit", "digest": {"gitCommit": record["commit"]}},
        {"name": lock["path"], "digest": {"sha256": lock["sha256"]}},
        {"name": "machine", "annotations": machine},
        {"name": "by", "uri": f"mailto:{address}"},
    ]
    differing = {"differing": found["differing"], "why": found.get("why", "")}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": artifact["path"], "digest": {"sha256": artifact["sha256"]}}],
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {
            "result": result,
            "configuration": [*configuration, {"name": "outputs", "annotations": differing}],
            _LISTS[result]: [f"rebuild: {found['verdict']}"],
        },
    }


def attest(
    model: str, version: Version, found: dict[str, Any], key: Key | None, sign: bool, tell: Tell
) -> str:
    """Add a tag with a verdict of `rebuild`, in an envelope where there is a key; return its name.

    Of whatever machine this is: who says so is the tagger, and the signer where the tag is signed.
    """
    from mlrepo.core.owner import load_params
    from mlrepo.learning import fingerprint  # numpy, which only this waits for

    machine = fingerprint.machine(load_params().numerics.pinned)
    said = statement(version.record, found, machine, git.identity())
    told = {"verdict": found["verdict"], "statement": enclose(said, key) if key else said}
    seen = acts.latest(model, tell)
    notes = f"Made again: {found['verdict']}"
    return acts.say(seen, ACT, seen.version(version.name), notes, sign, **told)
