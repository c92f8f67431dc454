"""The tables that a model was learned and judged on: names and digests, never rows."""

from dataclasses import dataclass
from typing import Any

from mlrepo.core import paths, yaml
from mlrepo.pipeline.git import file_at

_PREPARED = {"training": paths.TRAIN.as_posix(), "evaluation": paths.TEST.as_posix()}


@dataclass(frozen=True)
class Table:
    """A table as dvc.lock has it.

    Attributes:
        use: raw, training or evaluation.
        digest: its MD5; DVC's own for a folder of parts.
        rows: None where the commit does not say.
        columns: name -> type, in the words of schema.yaml; empty for a prepared one.
    """

    use: str
    path: str
    digest: str
    rows: int | None
    columns: dict[str, str]


def tables(
    commit: str, params: dict[str, Any], md5: dict[str, str], tracked: set[str]
) -> list[Table]:
    """Return the tables of a commit, given its params, path -> MD5, and what Git keeps of it."""
    rows: dict[str, Any] = {}
    if paths.ROWS.as_posix() in tracked:
        rows = yaml.parse(file_at(commit, paths.ROWS.as_posix()), paths.ROWS.as_posix())["rows"]
    data = params.get("data") or {}
    raw, schema = str(data.get("path", "")), str(data.get("schema", ""))
    columns = {}
    if schema in tracked:
        fields = yaml.parse(file_at(commit, schema), schema)["fields"]
        columns = {str(field["name"]): str(field["type"]) for field in fields}
    counts = {"raw": rows.get("raw"), "training": rows.get("train"), "evaluation": rows.get("test")}
    return [
        Table(use, path, md5[path], counts[use], columns if use == "raw" else {})
        for use, path in {"raw": raw, **_PREPARED}.items()
        if path in md5
    ]
