"""What a version was made from, by its record: each file, and each package."""

from typing import Any
from urllib.parse import quote

Node = dict[str, Any]


def files(path: str, entry: Node) -> dict[str, Node]:
    """Return path -> hashes of a file of the record, or of all files in a folder."""
    parts: dict[str, Node] | None = entry.get("parts")
    return {f"{path}/{name}": each for name, each in parts.items()} if parts else {path: entry}


def datasets(record: Node) -> list[Node]:
    """Return name and address of each object that a stage reads from a bucket, with its version."""
    stages = record["stages"].values()
    pinned = {name: each for stage in stages for name, each in stage.get("datasets", {}).items()}
    found = []
    for name, each in pinned.items():
        for file in each.get("files") or [{"relpath": "", "meta": each.get("meta", {})}]:
            address = f"{each['url'].rstrip('/')}/{file['relpath']}".rstrip("/")
            version = file["meta"].get("version_id")
            uri = f"{address}?versionId={quote(version, safe='')}" if version else address
            found.append({"name": name, "uri": uri})
    return found


def packages(record: Node) -> list[tuple[list[Node], list[Node]]]:
    """Return each direct package and the estimator's, with all that it needs.

    A package is a list, because a lock may hold one version for each platform.
    """
    closures = dict(record["environment"]["packages"])
    del closures["python"]
    estimator = closures.pop("estimator")
    module = record["architecture"]["estimator"].split(".")[0].replace("_", "-").lower()
    if module in estimator:  # an extra, such as lightgbm; scikit-learn is a direct package
        closures[module] = estimator
    found = []
    for name, closure in closures.items():
        below = {key: text for key, text in closure.items() if key != name}
        rest = [each for key, text in below.items() for each in _package(key, text)]
        found.append((_package(name, closure[name]), rest))
    return found


def _package(name: str, locked: str) -> list[Node]:
    """Return name, version and, if it is from a registry, the address of a package.

    https://github.com/package-url/purl-spec/blob/main/types-doc/pypi-definition.md
    """
    versions = [{"name": name, "version": version} for version in locked.split(" or ")]
    for each in versions:
        if " " not in each["version"]:  # otherwise it says from which folder or commit the code is
            each["purl"] = f"pkg:pypi/{name}@{quote(each['version'], safe='')}"
    return versions
