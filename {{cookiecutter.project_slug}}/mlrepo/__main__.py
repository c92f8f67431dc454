"""`python -m mlrepo STAGE`: run a stage of the project, with DVC or without it."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlrepo.core.errors import ProjectError, exit_with_message

if TYPE_CHECKING:
    from mlrepo.core.params import LibraryParams

# Of when stages ran, for trackers. In a folder that Git ignores and DVC makes.
NOTES = Path(".dvc/tmp/stages.jsonl")


def _run() -> None:
    from mlrepo.core import owner  # here, so that a package which is missing is told in words

    if len(sys.argv) != 2:
        raise ProjectError("name one stage, such as `python -m mlrepo prepare`")
    here = Path("mlrepo/__main__.py")
    if here.exists() and not here.samefile(__file__):  # in a copy of the folder, as DVC makes them
        raise ProjectError(
            f"this would run the code in {Path(__file__).parents[1]} and not that of this folder, "
            "in which Python does not look where PYTHONSAFEPATH is set: unset it"
        )
    begun = time.time()
    try:
        owner.run(sys.argv[1], _refuse)
    except BaseException:
        _put_back()
        raise
    with suppress(OSError), NOTES.open("a", encoding="utf-8") as notes:
        notes.write(f"{json.dumps([sys.argv[1], begun, time.time()])}\n")


def _refuse(params: LibraryParams) -> None:
    from mlrepo.core import params_check

    params_check.refuse_mistakes(params)


def _put_back() -> None:
    """Bring back what DVC took away before it started this stage."""
    if stage := os.environ.get("DVC_STAGE"):
        with suppress(Exception):  # why the stage failed is what has to be told
            from mlrepo.storage.put_back import put_back

            put_back(stage)


exit_with_message(_run)
