"""Say in the chain who made a version again where, and what came out."""

from typing import Any
from urllib.parse import quote

from mlrepo.pipeline import git
from mlrepo.pipeline.output import Tell
from mlrepo.versions import acts
from mlrepo.versions.proofs.envelope import Key, enclose, test_result
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
    differing = {"differing": found["differing"], "why": found.get("why", "")}
    configuration = [
        {"name": "commit", "digest": {"gitCommit": record["commit"]}},
        {"name": lock["path"], "digest": {"sha256": lock["sha256"]}},
        {"name": "machine", "annotations": machine},
        {"name": "by", "uri": f"mailto:{address}"},
        {"name": "outputs", "annotations": differing},
    ]
    said = {_LISTS[result]: [f"rebuild: {found['verdict']}"]}
    return test_result({artifact["path"]: artifact["sha256"]}, result, configuration, **said)


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
