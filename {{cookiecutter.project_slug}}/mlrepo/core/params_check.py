"""Whether what params.yaml names can be made, asked before the first stage writes.

*train* makes the estimator and *evaluate* asks for the metric, long after *prepare* has written.
What was asked once is not asked again until one of the answers may be another.
"""

import hashlib
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

from mlrepo.core import owner
from mlrepo.core.errors import ArgumentsError, ProjectError
from mlrepo.core.params import LibraryParams, Tune
from mlrepo.core.paths import in_project

# In a folder that Git ignores and DVC makes.
NOTE = ".dvc/tmp/params_check"
_NOTED = 20  # of several models, and of experiments with the same params


def refuse_mistakes(params: LibraryParams) -> None:
    """Refuse metrics, an estimator and arguments that a later stage would refuse."""
    digest = _digest(params)
    known: list[str] = []
    with suppress(OSError):
        known = in_project(NOTE).read_text(encoding="utf-8").split()
    if digest in known:
        return
    asked_for(params)
    if isinstance(params.train.threshold, Tune):
        _refuse_unknown_metric("train.threshold.tune", params.train.threshold.tune, params)
    no_columns = SimpleNamespace(numbers=(), categories=(), texts=(), dates=(), names=[])
    try:
        owner.build()(params, no_columns)
    except ArgumentsError:
        raise
    except Exception:  # code of the owner may need columns: *train* knows them, and says what it is
        pass
    with suppress(OSError):
        in_project(NOTE).write_text("\n".join([*known[-_NOTED:], digest]), encoding="utf-8")


def asked_for(params: LibraryParams) -> str | None:
    """Return evaluate.metric; refuse one that is none of the task."""
    asked = params.evaluate.metric
    if asked is not None:
        _refuse_unknown_metric("evaluate.metric", asked, params)
    return asked


def _refuse_unknown_metric(key: str, asked: str, params: LibraryParams) -> None:
    tables, task = owner.metrics(), params.data.task
    names = {"classification": tables.CLASSIFICATION, "regression": tables.REGRESSION}[task]
    if asked not in names:
        raise ProjectError(
            f"{key} in params.yaml: '{asked}' is none of the {task} metrics: {', '.join(names)}"
        )


def _digest(params: LibraryParams) -> str:
    """Return a hash of all that the answers depend on, but for the packages."""
    asked = (params.data.task, params.train, params.evaluate.metric)
    content = [repr(asked).encode()]
    for module in ("model", "metrics"):
        with suppress(OSError):
            content.append(Path(owner.name(), f"{module}.py").read_bytes())
    return hashlib.sha256(b"\n".join(content)).hexdigest()
