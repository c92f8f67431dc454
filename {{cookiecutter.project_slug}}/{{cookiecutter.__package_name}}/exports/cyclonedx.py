"""A record as a CycloneDX ML-BOM (https://cyclonedx.org/docs/1.6/json/)."""

import csv
import io
import uuid

from .. import git
from ..results import SCORES
from ..versions.tags import Tag
from .materials import Node, files, packages

_ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256"}


def bill(record: Node, tag: Tag) -> Node:
    """Return the model with its card, the data and the packages that it was made from."""
    model, data = _model(record, tag), _data(record)
    components = {data["bom-ref"]: data}
    depends = {model["bom-ref"]: [data["bom-ref"]]}
    for versions, others in packages(record):
        itself, below = ([_library(each) for each in group] for group in (versions, others))
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
            "quantitativeAnalysis": {"performanceMetrics": _metrics(tag.commit)},
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


def _metrics(commit: str) -> list[Node]:
    """Return the test scores of a commit, with their intervals and by slice."""
    found = []
    text = git.file_at(commit, SCORES.as_posix())
    for row in csv.DictReader(io.StringIO(text, newline="")):
        metric: Node = {"type": row["metric"], "value": row["estimate"]}
        if row["slice"]:
            metric["slice"] = f"{row['slice']}: {row['value']}"
        if row["low"]:
            metric["confidenceInterval"] = {"lowerBound": row["low"], "upperBound": row["high"]}
        found.append(metric)
    return found


def _data(record: Node) -> Node:
    data = record["data"]
    path, counts = data["path"], ", ".join(f"{key} {n}" for key, n in data["rows"].items())
    parts = files(path, record["files"][path])
    whole = {"hashes": _hashes(parts[path])} if path in parts else {}
    folder = [{"type": "file", "name": name, "hashes": _hashes(f)} for name, f in parts.items()]
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


def _library(package: Node) -> Node:
    known = package.get("purl") or f"{package['name']}@{package['version']}"
    return {"type": "library", "bom-ref": known, **package}


def _hashes(entry: Node) -> list[Node]:
    return [{"alg": name, "content": entry[key]} for name, key in _ALGORITHMS.items()]
