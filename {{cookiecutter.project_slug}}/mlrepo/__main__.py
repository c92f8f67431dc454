"""`python -m mlrepo STAGE`: run a stage of the project, with DVC or without it.

In the folder of a second model it is `python ../mlrepo STAGE`, so that the code of this copy runs.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:  # started by its folder, which Python then takes for the place of packages
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from mlrepo.core.errors import ProjectError, exit_with_message
from mlrepo.core.paths import above, in_project, refuse_other_code

if TYPE_CHECKING:
    from mlrepo.core.params import LibraryParams

# Of when stages ran, for trackers. In a folder that Git ignores and DVC makes.
NOTES = ".dvc/tmp/stages.jsonl"

# Imports make some hundred thousand objects that stay. Python looks through them again and again
# for what could go, which takes a tenth of a small step.
_OBJECTS = 50_000

# Where it runs on jemalloc, polars lets it give memory back to the system after half a second, and
# soon takes it again: on a virtual machine a quarter of the CPU time of *prepare* on large tables.
# This is jemalloc's own default.
_ALLOCATOR = ("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000")


def _run() -> None:
    gc.set_threshold(_OBJECTS)
    os.environ.setdefault(*_ALLOCATOR)  # which is read when polars is imported
    if sys.argv[1:] == ["core.environment"]:  # with its own command beside the first model
        from mlrepo.core.environment.__main__ import main

        return main()
    begun = time.time()
    try:
        _stage()
    except BaseException:  # also of what is refused before anything runs
        _put_back()
        raise
    stage = f"{Path.cwd().name}/{sys.argv[1]}" if above() else sys.argv[1]
    with suppress(OSError), in_project(NOTES).open("a", encoding="utf-8") as notes:
        notes.write(f"{json.dumps([stage, begun, time.time()])}\n")
    gc.freeze()  # nor need it look for what goes with the process


def _stage() -> None:
    # Here, so that a package which is missing is named in words.
    from mlrepo.core import owner

    if len(sys.argv) != 2:
        raise ProjectError("name one step, such as `python -m mlrepo prepare`")
    refuse_other_code("in which Python does not look where PYTHONSAFEPATH is set: unset it")
    owner.run(sys.argv[1], _refuse)


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
