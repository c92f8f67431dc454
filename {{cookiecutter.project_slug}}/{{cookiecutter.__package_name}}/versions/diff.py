"""What changed from one version to another: data, params, code, environment, model, metrics."""

import tempfile
from pathlib import Path
from typing import Any

from .. import git
from ..store import Store, Stored
from .deliver import data_params, recorded
from .registry import Version

Changes = dict[str, dict[str, Any]]


def diff(a: Version, b: Version) -> Changes:
    """Return part -> name -> [before, after]; a part that is the same is empty."""
    before, after = recorded(a), recorded(b)
    return {
        "data": _data(a, b),
        "params": _changes(_params(before), _params(after)),
        "code": _code(a, b),
        "environment": _changes(_packages(before), _packages(after)),
        "model": _changes(_model(before), _model(after)),
        "metrics": _changes(_leaves(before["metrics"]), _leaves(after["metrics"])),
    }


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    names = dict.fromkeys([*before, *after])
    pairs = {name: [before.get(name), after.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _leaves(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix: node}
    leaves: dict[str, Any] = {}
    for key, value in node.items():
        leaves |= _leaves(value, f"{prefix}.{key}" if prefix else str(key))
    return leaves


def _params(record: dict[str, Any]) -> dict[str, Any]:
    files = [stage["params"].get("params.yaml", {}) for stage in record["stages"].values()]
    return {key: value for file in files for key, value in _leaves(file).items()}


def _packages(record: dict[str, Any]) -> dict[str, Any]:
    environment = record["environment"]
    closures = [each for each in environment["packages"].values() if isinstance(each, dict)]
    packages = {name: version for closure in closures for name, version in closure.items()}
    return {"python": environment["python"], **dict(sorted(packages.items()))}


def _model(record: dict[str, Any]) -> dict[str, Any]:
    architecture = dict(record["architecture"])
    del architecture["pipeline"]  # what differs in it stands among the params
    return {key: record["artifact"][key] for key in ("path", "sha256", "size")} | architecture


def _code(a: Version, b: Version) -> dict[str, Any]:
    """Return path -> lines added and removed, of the code that the stages depend on."""
    records = [recorded(version)["files"] for version in (a, b)]
    code = [
        {path: e["sha256"] for path, e in files.items() if path.endswith(".py")}
        for files in records
    ]
    changed = _changes(*code)
    if not changed:
        return {}
    listed = git.git("diff", "--numstat", "--relative", a.tag.commit, b.tag.commit, "--", *changed)
    counts = (line.split("\t") for line in listed.splitlines())
    return {path: f"+{added} -{removed} lines" for added, removed, path in counts}


def _data(a: Version, b: Version) -> dict[str, Any]:
    old, new = recorded(a)["data"], recorded(b)["data"]
    keys = ("path", "md5", "source", "licence", "split", "rows_in_train_and_test")
    changes = _changes({key: old[key] for key in keys}, {key: new[key] for key in keys})
    changes |= _changes(_leaves(old["rows"], "rows"), _leaves(new["rows"], "rows"))
    columns = {
        "columns added": [name for name in new["columns"] if name not in old["columns"]],
        "columns removed": [name for name in old["columns"] if name not in new["columns"]],
    }
    changes |= {name: ", ".join(found) for name, found in columns.items() if found}
    return changes | (_rows(a, b) if old["md5"] != new["md5"] else {})


def _rows(a: Version, b: Version) -> dict[str, Any]:
    from ..row_changes import changed_rows  # polars

    with tempfile.TemporaryDirectory() as folder:
        sides = [(a, Path(folder) / "before"), (b, Path(folder) / "after")]
        found = changed_rows(*(_table(version, side) for version, side in sides))
    if found is None:
        return {"rows": "not compared: no column is in both tables"}
    return {"rows added": found[0], "rows removed": found[1]}


def _table(version: Version, folder: Path) -> Any:
    """Return the raw table of a version, read as it was read then."""
    from .. import table

    data, store = data_params(version), Store()
    for part in store.parts(Stored(data.path, recorded(version)["data"]["md5"])):
        store.fetch(part, folder / part.path, None)
    return table.scan(data.model_copy(update={"path": str(folder / data.path)}))
