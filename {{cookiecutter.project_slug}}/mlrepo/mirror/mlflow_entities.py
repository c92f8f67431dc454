"""What MLflow calls the parts of a run: tags, metrics, params and datasets."""

import json
import re
from datetime import datetime
from typing import Any

from mlrepo.mirror import repository
from mlrepo.mirror.inputs import Table
from mlrepo.mirror.runs import Run

_LONGEST = 6000  # letters of a value
_COLUMNS = {"string": "string", "integer": "long", "number": "double", "boolean": "boolean"}


def milliseconds(moment: datetime) -> int:
    """Return a moment as MLflow has it."""
    return int(moment.timestamp() * 1000)


def tags(run: Run) -> dict[str, str]:
    """Return a run's own tags, and those from which MLflow's pages make user, source and text."""
    own = {**run.tags, **run.source.labels(), "mlflow.note.content": run.description}
    return cut(own | origin(run.source.author, run.source.commit))


def origin(user: str, commit: str) -> dict[str, str]:
    """Return who made something, and from what code."""
    return {
        "mlflow.user": user,
        "mlflow.source.name": repository.address(),
        "mlflow.source.type": "PROJECT",
        "mlflow.source.git.commit": commit,
    }


def params(run: Run) -> dict[str, str]:
    """Return the params as text, by names that MLflow takes."""
    return {_key(name): value for name, value in cut(run.texts).items()}


def metrics(run: Run, model_id: str | None = None) -> list[Any]:
    """Return the metrics, each of the table that it was measured on, and of a model if named."""
    from mlflow.entities import Metric

    when, found = milliseconds(run.source.ended), []
    by_use = {table.use: table for table in run.tables}
    for name, value in run.metrics.items():
        table = by_use.get("evaluation" if name.startswith("test.") else "training")
        of: dict[str, Any] = {"model_id": model_id} if model_id else {}
        if table:
            of |= {"dataset_name": _name(table), "dataset_digest": table.digest}
        found.append(Metric(_key(name), value, when, 0, **of))
    return found


def datasets(run: Run) -> list[Any]:
    """Return the tables of a run: their digests are DVC's, and their paths the project's."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    found = []
    for table in run.tables:
        columns = [
            {"type": _COLUMNS.get(kind, kind), "name": name, "required": True}
            for name, kind in table.columns.items()
        ]
        facts = Dataset(
            _name(table),
            table.digest,
            "local",
            json.dumps({"uri": table.path}),
            json.dumps({"mlflow_colspec": columns}) if columns else None,
            json.dumps({"num_rows": table.rows}) if table.rows is not None else None,
        )
        found.append(DatasetInput(facts, [InputTag("mlflow.data.context", table.use)]))
    return found


def cut(values: dict[str, str]) -> dict[str, str]:
    """Return values that are as long as MLflow takes."""
    return {
        key: value if len(value) <= _LONGEST else f"{value[: _LONGEST - 3]}..."
        for key, value in values.items()
    }


def _name(table: Table) -> str:
    return table.path.rpartition("/")[2]


def _key(name: str) -> str:
    """Return a name in the letters that MLflow takes."""
    return re.sub(r"[^\w./: -]", "_", name)[:250]
