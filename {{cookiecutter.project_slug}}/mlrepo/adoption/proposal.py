"""A schema that is proposed for a table, and what there is to say of its columns."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mlrepo.core import yaml
from mlrepo.core.column_params import OURS
from mlrepo.core.files import atomic
from mlrepo.tables import distinct


@dataclass(frozen=True)
class Proposal:
    """Fields of a Table Schema, and what there is to say of each column: name -> remarks."""

    fields: list[dict[str, Any]]
    odd: dict[str, list[str]]
    rows: int
    table: pl.LazyFrame  # with the proposed types
    nothing: list[str]  # values that keep columns from being numbers, and mean no value to most
    useless: list[str]  # columns that tell a model nothing

    def counts(self, name: str) -> int:
        """Return how many different values a column has."""
        return distinct.count(self.table, pl.col(name), self.rows)

    def least(self, name: str) -> int:
        """Return how often the rarest value of a column is there."""
        sizes = self.table.drop_nulls(name).group_by(name).len(f"{OURS}rows")
        return int(sizes.select(pl.col(f"{OURS}rows").min()).collect(engine="streaming").item())

    def forget_bounds(self, name: str) -> None:
        """Take the rules away that a larger table would break."""
        for field in self.fields:
            if field["name"] == name:
                kept = field.get("constraints", {}).items()
                rules = {k: v for k, v in kept if k in ("maxMissing", "unique")}
                field.pop("constraints", None)
                field.update({"constraints": rules} if rules else {})

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, for programs."""
        columns = [{**field, "odd": self.odd[field["name"]]} for field in self.fields]
        return {"rows": self.rows, "columns": columns}

    def as_text(self) -> str:
        """Return a line for each column, with what looks odd in it below."""
        lines = [f"{self.rows} rows"]
        for field in self.fields:
            limits = dict(field.get("constraints", {}))
            says = [
                field["type"],
                *(str(field[key]) for key in ("format", "timezone") if key in field),
            ]
            says += [f"{len(limits['enum'])} values"] if "enum" in limits else []
            says += [f"{limits['minimum']} to {limits['maximum']}"] if "minimum" in limits else []
            says += [f"up to {limits['maxMissing']:.0%} missing"] if "maxMissing" in limits else []
            says += ["unique"] if "unique" in limits else []
            lines.append(f"  {field['name'] or '(no name)'}: {', '.join(says)}")
            lines += [f"    {remark}" for remark in self.odd[field["name"]]]
        return "\n".join(lines)

    def write(self, table: str, path: Path) -> None:
        """Write the schema of the table of this name."""
        heading = (
            f"# The schema of {table}, proposed from the data: check it and widen it where\n"
            "# the next table may differ. Keys: docs/data.md, and\n"
            "# https://datapackage.org/standard/table-schema/\n"
        )
        body = yaml.dump({"fields": self.fields}, width=100)
        with atomic(path) as partial:
            partial.write_text(heading + body, encoding="utf-8", newline="\n")
