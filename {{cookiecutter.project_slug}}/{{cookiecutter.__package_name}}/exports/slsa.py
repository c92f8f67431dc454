"""A record as SLSA provenance: an in-toto Statement about the model file.

https://slsa.dev/spec/v1.1/provenance and
https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from urllib.parse import quote

from .materials import Node, datasets, files, packages

# The build: this command in a checkout of the commit, with the params of its stages.
BUILD_TYPE = "https://dvc.org/doc/command-reference/repro"


def statement(record: Node) -> Node:
    """Return who vouches for which model file being made from what, and how.

    When its stages ran is not recorded, so nothing is said of it.
    """
    artifact, environment, stages = record["artifact"], record["environment"], record["stages"]
    definition = {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "commit": record["commit"],
            "params": {name: each["params"].get("params.yaml") for name, each in stages.items()},
        },
        "internalParameters": {
            "python": environment["python"],
            "registeredOn": environment["registered_on"],
        },
        "resolvedDependencies": _dependencies(record),
    }
    address = record["by"].rpartition("<")[2].rstrip(">")
    builder = {"id": f"mailto:{quote(address, safe='@')}"}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": artifact["path"], "digest": {"sha256": artifact["sha256"]}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": definition, "runDetails": {"builder": builder}},
    }


def _dependencies(record: Node) -> list[Node]:
    """Return the commit, each file that no stage makes, the lock and the packages it holds."""
    stages, lock = record["stages"].values(), record["environment"]["lock"]
    given = {dep for stage in stages for dep in stage["deps"]}
    given -= {out for stage in stages for out in stage["outs"]}
    hashed = {lock["path"]: lock}
    for path in sorted(given & record["files"].keys()):
        hashed |= files(path, record["files"][path])
    found: list[Node] = [{"name": "commit", "digest": {"gitCommit": record["commit"]}}]
    found += [{"name": path, "digest": {"sha256": f["sha256"]}} for path, f in hashed.items()]
    found += datasets(record)
    for itself, below in packages(record):
        for each in (*itself, *below):
            name = {"name": f"{each['name']} {each['version']}"}
            known = {"uri": each["purl"]} if "purl" in each else name
            found += [known] if known not in found else []
    return found
