"""Data and model of a run as artifacts of W&B, so that it shows what came from what."""

import re
from pathlib import Path
from typing import Any

from mlrepo.core.files import write_json
from mlrepo.mirror.inputs import Table
from mlrepo.mirror.runs import Run


def log(to: Any, run: Run) -> None:
    """Log the raw table as what ``to``, a run of W&B, used, and the rest as what it made.

    Of a table it holds the name and DVC's digest: equal tables are one version of an artifact.
    """
    for table in run.tables:
        made = _table(table, Path(to.dir).parent)
        if table.use == "raw":
            # use_artifact() itself asks a server first. This is what it then does with a new one.
            to._log_artifact(made, is_user_created=True, use_after_commit=True)
        else:
            to.log_artifact(made)
    file = Path(to.dir, run.model_file)
    if file.is_file():
        to.log_artifact(_model(run, file), aliases=aliases(run))


def _table(table: Table, folder: Path) -> Any:
    from wandb import Artifact

    facts = {"path": table.path, "md5": table.digest, "rows": table.rows, "use": table.use}
    made = Artifact(_name(table.path.rpartition("/")[2]), "dataset", metadata=facts)
    # In the folder of the run, where it stays until it is uploaded.
    pointer = folder / "tables" / f"{table.use}.json"
    write_json(pointer, {key: facts[key] for key in ("path", "md5")})
    made.add_file(str(pointer), "dvc.json", policy="immutable")
    return made


def _model(run: Run, file: Path) -> Any:
    from wandb import Artifact

    facts = {key: run.tags.get(key, "") for key in ("commit", "model.md5", "model.sha256")}
    scores = {key: value for key, value in run.metrics.items() if key.startswith("test.")}
    made = Artifact(_name(run.tags["model"]), "model", run.source.subject, {**facts, **scores})
    made.add_file(str(file), policy="immutable")
    return made


def aliases(run: Run) -> list[str]:
    """Return the version and where it is in use; `latest` is W&B's own word."""
    used = ["stage-latest" if stage == "latest" else stage for stage in run.source.stages]
    return [*(version.name for version in run.source.versions), *used]


def _name(text: str) -> str:
    return re.sub(r"[^\w.-]", "_", text)[:120]
