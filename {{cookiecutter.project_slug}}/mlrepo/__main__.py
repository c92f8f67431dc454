"""`python -m mlrepo STAGE`: run a stage of the project, with DVC or without it."""

import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from mlrepo.core.errors import ProjectError, exit_with_message

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
    owner.run(sys.argv[1])
    with suppress(OSError), NOTES.open("a", encoding="utf-8") as notes:
        notes.write(f"{json.dumps([sys.argv[1], begun, time.time()])}\n")


exit_with_message(_run)
