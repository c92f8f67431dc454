"""The record of a version in the words of others: SLSA provenance and CycloneDX ML-BOM.

SLSA: https://slsa.dev/spec/v1.1/provenance, in an in-toto Statement about the model file
(https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md).
CycloneDX: https://cyclonedx.org/docs/1.6/json/
"""

import uuid
from collections.abc import Iterator
from itertools import chain
from typing import Any
from urllib.parse import quote, urlsplit

from mlrepo.core.files import csv_rows
from mlrepo.core.paths import SCORES
from mlrepo.pipeline import git
from mlrepo.pipeline.output import as_json
from mlrepo.versions.records import old_records
from mlrepo.versions.registry import Version
from mlrepo.versions.tags import Tag

# The build: this command in a checkout of the commit, with the params of its stages.
BUILD_TYPE = "https://dvc.org/doc/command-reference/repro"

Node = dict[str, Any]


def render(version: Version, form: str) -> str:
    """Return the record as "json" (as it stands in the tag), "slsa" or "cyclonedx"."""
    record = version.record
    if form == "slsa":
        return as_json(statement(record))
    return as_json(_bill(record, version.tag) if form == "cyclonedx" else record)


def statement(record: Node) -> Node:
    """Return who vouches for which model file being made from what, and how.

    That is the provider of the CI run that registered it, or else the person who did on a machine
    of theirs. Where and when its stages ran is not recorded, so nothing is said of it.
    """
    artifact, environment, stages = record["artifact"], record["environment"], record["stages"]
    params = {name: each["params"].get("params.yaml") for name, each in stages.items()}
    definition = {
        "buildType": BUILD_TYPE,
        "externalParameters": {"commit": record["commit"], "params": params},
        "internalParameters": {
            "python": environment["python"],
            "registeredOn": environment["registered_on"],
        },
        "resolvedDependencies": _dependencies(record),
    }
    address = record["by"].rpartition("<")[2].rstrip(">")
    details: Node = {"builder": {"id": f"mailto:{quote(address, safe='@')}"}}
    if run := environment.get("ci"):
        provider = urlsplit(run)
        details = {"builder": {"id": f"{provider.scheme}://{provider.netloc}"}}
        details["metadata"] = {"invocationId": run}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": artifact["path"], "digest": {"sha256": artifact["sha256"]}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": definition, "runDetails": details},
    }


def _dependencies(record: Node) -> list[Node]:
    """Return the commit, each file that no stage makes, the lock and the packages it holds."""
    stages, lock = record["stages"].values(), record["environment"]["lock"]
    given = {dep for stage in stages for dep in stage["deps"]}
    given -= {out for stage in stages for out in stage["outs"]}
    hashed = {lock["path"]: lock}
    for path in sorted(given & record["files"].keys()):
        hashed |= old_records.parts(path, record["files"][path])
    found: list[Node] = [{"name": "commit", "digest": {"gitCommit": record["commit"]}}]
    found += [{"name": path, "digest": {"sha256": f["sha256"]}} for path, f in hashed.items()]
    found += _datasets(record)
    for itself, below in _packages(record):
        for each in (*itself, *below):
            name = {"name": f"{each['name']} {each['version']}"}
            known = {"uri": each["purl"]} if "purl" in each else name
            found += [known] if known not in found else []
    return found


def _bill(record: Node, tag: Tag) -> Node:
    """Return the model with its card, the data and the packages that it was made from."""
    model, data = _model(record, tag), _data(record)
    components = {data["bom-ref"]: data}
    depends = {model["bom-ref"]: [data["bom-ref"]]}
    for itself, below in _packages(record):
        components |= {each["bom-ref"]: each for each in (*itself, *below)}
        depends[model["bom-ref"]] += [each["bom-ref"] for each in itself]
        depends |= {each["bom-ref"]: [one["bom-ref"] for one in below] for each in itself}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{tag.name} {tag.oid}')}",
        "version": 1,
        "metadata": {"timestamp": record["at"], "component": model},
        "components": list(components.values()),
        "dependencies": [{"ref": ref, "dependsOn": refs} for ref, refs in depends.items()],
    }


def _model(record: Node, tag: Tag) -> Node:
    architecture, card = record["architecture"], record["card"]
    family, _, estimator = architecture["estimator"].rpartition(".")
    classes = architecture["classes"]
    predicted = f"one of {', '.join(classes)}" if classes else "a number"
    parameters = {
        "approach": {"type": "supervised"},
        "task": architecture["task"],
        "architectureFamily": family,
        "modelArchitecture": estimator,
        "datasets": [{"ref": record["data"]["path"]}],
        "inputs": [{"format": f"column {name}"} for name in architecture["features"]],
        "outputs": [{"format": f"{architecture['target']}: {predicted}"}],
    }
    return {
        "type": "machine-learning-model",
        "bom-ref": f"{record['model']}@{record['version']}",
        "publisher": card["owner"],
        "name": record["model"],
        "version": record["version"],
        "description": card["purpose"],
        "hashes": _hashes(record["artifact"]),
        "modelCard": {
            "modelParameters": parameters,
            "quantitativeAnalysis": {"performanceMetrics": list(_metrics(tag.commit))},
            "considerations": {
                "useCases": [card["purpose"]],
                "technicalLimitations": card["limits"],
            },
        },
        "properties": [
            {"name": "git:commit", "value": record["commit"]},
            {"name": "git:tag", "value": tag.oid},
        ],
    }


def _metrics(commit: str) -> Iterator[Node]:
    """Yield the test scores of a commit, with their intervals and by slice."""
    for row in csv_rows(git.file_at(commit, SCORES.as_posix())):
        metric: Node = {"type": row["metric"], "value": row["estimate"]}
        if row["slice"]:
            metric["slice"] = f"{row['slice']}: {row['value']}"
        if row["low"]:
            metric["confidenceInterval"] = {"lowerBound": row["low"], "upperBound": row["high"]}
        yield metric


def _data(record: Node) -> Node:
    data = record["data"]
    path, counts = data["path"], ", ".join(f"{key} {n}" for key, n in data["rows"].items())
    found = old_records.parts(path, record["files"][path])
    whole = {"hashes": _hashes(found[path])} if path in found else {}
    folder = [{"type": "file", "name": name, "hashes": _hashes(f)} for name, f in found.items()]
    return {
        "type": "data",
        "bom-ref": path,
        "name": path,
        "description": data["source"],
        # By name: whether an identifier is on the list of SPDX nobody checks in params.yaml.
        "licenses": [{"license": {"name": data["licence"]}}],
        "data": [{"type": "dataset", "description": f"Rows: {counts}"}],
        **(whole or {"components": folder}),
    }


def _hashes(entry: Node) -> list[Node]:
    algorithms = {"MD5": "md5", "SHA-256": "sha256"}
    return [{"alg": name, "content": entry[key]} for name, key in algorithms.items()]


def _datasets(record: Node) -> Iterator[Node]:
    """Yield name and address of each object that a stage reads from a bucket, with its version."""
    stages = record["stages"].values()
    pinned = {name: each for stage in stages for name, each in stage.get("datasets", {}).items()}
    for name, each in pinned.items():
        for file in each.get("files") or [{"relpath": "", "meta": each.get("meta", {})}]:
            address = f"{each['url'].rstrip('/')}/{file['relpath']}".rstrip("/")
            version = file["meta"].get("version_id")
            uri = f"{address}?versionId={quote(version, safe='')}" if version else address
            yield {"name": name, "uri": uri}


def _packages(record: Node) -> Iterator[tuple[list[Node], list[Node]]]:
    """Yield each direct package and the estimator's, with all that it needs.

    A package is a list, because a lock may hold one version for each platform.
    """
    closures = old_records.closures(record)
    estimator = closures.pop("estimator")
    module = record["architecture"]["estimator"].split(".")[0].replace("_", "-").lower()
    if module in estimator:  # such as lightgbm; the line of its package holds NumPy as well
        closures[module] = estimator
    for name, closure in closures.items():
        versions = {key: _package(key, locked) for key, locked in closure.items()}
        itself = versions.pop(name)
        yield itself, list(chain(*versions.values()))


def _package(name: str, locked: str) -> list[Node]:
    """Return each version of a package as a component, if it is from a registry with its address.

    https://github.com/package-url/purl-spec/blob/main/types-doc/pypi-definition.md
    """
    found = []
    for version in locked.split(" or "):
        # With a space, it says from which folder or commit the code is.
        purl = None if " " in version else f"pkg:pypi/{name}@{quote(version, safe='')}"
        node = {"type": "library", "bom-ref": purl or f"{name}@{version}", "name": name}
        found.append(node | {"version": version} | ({"purl": purl} if purl else {}))
    return found
