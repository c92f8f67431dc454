"""What changed from one version to another: data, params, code, environment, model, metrics."""

import tempfile
from pathlib import Path
from typing import Any

from mlrepo.pipeline import git, mappings
from mlrepo.pipeline.mappings import flatten
from mlrepo.storage.store import Store, Stored
from mlrepo.versions.records import old_records
from mlrepo.versions.registry import Version


def diff(a: Version, b: Version) -> dict[str, dict[str, Any]]:
    """Return part -> name -> [before, after]; a part that is the same is empty."""
    before, after = facts(a.record), facts(b.record)
    found = {part: mappings.changes(before[part], after[part]) for part in before}
    return {
        "data": found.pop("data") | _columns(a, b) | _rows(a, b),
        "params": found.pop("params"),
        "code": _code(a, b),
        **found,
    }


def facts(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return part -> name -> value of all that is compared value by value."""
    data = record["data"]
    keys = ("path", "md5", "source", "licence", "split")
    return {
        "data": {k: data[k] for k in keys} | flatten(data["rows"], "rows"),
        "params": _params(record),
        "environment": _packages(record),
        "model": _model(record),
        "metrics": flatten(record["metrics"]),
    }


def _params(record: dict[str, Any]) -> dict[str, Any]:
    files = [stage["params"].get("params.yaml", {}) for stage in record["stages"].values()]
    return {key: value for file in files for key, value in flatten(file).items()}


def _packages(record: dict[str, Any]) -> dict[str, Any]:
    closures = old_records.closures(record).values()
    packages = {name: version for closure in closures for name, version in closure.items()}
    return {"python": record["environment"]["python"], **dict(sorted(packages.items()))}


def _model(record: dict[str, Any]) -> dict[str, Any]:
    architecture = dict(record["architecture"])
    del architecture["pipeline"]  # what differs in it stands among the params
    return {key: record["artifact"][key] for key in ("path", "sha256", "size")} | architecture


def code(record: dict[str, Any]) -> dict[str, str]:
    """Return path -> SHA-256 of the code that the stages depend on."""
    files = old_records.files(record).items()
    return {path: entry["sha256"] for path, entry in files if path.endswith(".py")}


def _code(a: Version, b: Version) -> dict[str, Any]:
    """Return path -> lines added and removed, of the code that the stages depend on."""
    paths = mappings.changes(code(a.record), code(b.record))
    if not paths:
        return {}
    listed = git.git("diff", "--numstat", "--relative", a.tag.commit, b.tag.commit, "--", *paths)
    counts = (line.split("\t") for line in listed.splitlines())
    return {path: f"+{added} -{removed} lines" for added, removed, path in counts}


def _columns(a: Version, b: Version) -> dict[str, str]:
    old, new = a.record["data"]["columns"], b.record["data"]["columns"]
    columns = {
        "columns added": [name for name in new if name not in old],
        "columns removed": [name for name in old if name not in new],
    }
    return {name: ", ".join(found) for name, found in columns.items() if found}


def _rows(a: Version, b: Version) -> dict[str, Any]:
    if a.record["data"]["md5"] == b.record["data"]["md5"]:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        sides = [(a, Path(folder) / "before"), (b, Path(folder) / "after")]
        found = _changed_rows(*(_table(version, side) for version, side in sides))
    if found is None:
        return {"rows": "not compared: no column is in both tables"}
    return {"rows added": found[0], "rows removed": found[1]}


def _changed_rows(before: Any, after: Any) -> tuple[int, int] | None:
    """Return how many rows of lazy tables were added and removed, by the columns that both have.

    A row that stands there n times is counted n times; None means that no column is in both.
    """
    import polars as pl

    from mlrepo.core.column_params import OURS

    rows = f"{OURS}rows"
    names = [set(table.collect_schema().names()) for table in (before, after)]
    shared = sorted(names[0] & names[1])
    if not shared:
        return None
    counts = [
        table.select(pl.col(shared).cast(pl.String)).group_by(shared).len(rows)
        for table in (before, after)
    ]
    both = counts[0].join(counts[1], on=shared, how="full", coalesce=True, nulls_equal=True)
    more = pl.col(f"{rows}_right").fill_null(0).cast(pl.Int64) - pl.col(rows).fill_null(0)
    found = both.select(
        added=more.clip(lower_bound=0).sum(), removed=(-more).clip(lower_bound=0).sum()
    ).collect(engine="streaming")
    return found["added"][0], found["removed"][0]


def _table(version: Version, folder: Path) -> Any:
    """Return the raw table of a version, read as it was read then."""
    from mlrepo.tables import raw

    data, store = old_records.data_params(version.record), Store()
    for part in store.parts(Stored(data.path, version.record["data"]["md5"])):
        store.fetch(part, folder / part.path, None)
    return raw.scan(data.model_copy(update={"path": str(folder / data.path)}))
