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
    before, after = a.record, b.record
    return {
        "data": _data(a, b),
        "params": mappings.changes(_params(before), _params(after)),
        "code": _code(a, b),
        "environment": mappings.changes(_packages(before), _packages(after)),
        "model": mappings.changes(_model(before), _model(after)),
        "metrics": mappings.changes(flatten(before["metrics"]), flatten(after["metrics"])),
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


def _code(a: Version, b: Version) -> dict[str, Any]:
    """Return path -> lines added and removed, of the code that the stages depend on."""
    files = (old_records.files(version.record).items() for version in (a, b))
    code = ({path: e["sha256"] for path, e in each if path.endswith(".py")} for each in files)
    paths = mappings.changes(*code)
    if not paths:
        return {}
    listed = git.git("diff", "--numstat", "--relative", a.tag.commit, b.tag.commit, "--", *paths)
    counts = (line.split("\t") for line in listed.splitlines())
    return {path: f"+{added} -{removed} lines" for added, removed, path in counts}


def _data(a: Version, b: Version) -> dict[str, Any]:
    old, new = a.record["data"], b.record["data"]
    keys = ("path", "md5", "source", "licence", "split")
    facts = ({k: data[k] for k in keys} | flatten(data["rows"], "rows") for data in (old, new))
    changes = mappings.changes(*facts)
    columns = {
        "columns added": [name for name in new["columns"] if name not in old["columns"]],
        "columns removed": [name for name in old["columns"] if name not in new["columns"]],
    }
    changes |= {name: ", ".join(found) for name, found in columns.items() if found}
    return changes | (_rows(a, b) if old["md5"] != new["md5"] else {})


def _rows(a: Version, b: Version) -> dict[str, Any]:
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
