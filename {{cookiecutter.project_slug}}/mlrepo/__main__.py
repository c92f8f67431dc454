"""`python -m mlrepo STAGE`: run a stage of the project, with DVC or without it."""

import sys
from pathlib import Path

from mlrepo.core.errors import ProjectError, exit_with_message


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
    owner.run(sys.argv[1])


exit_with_message(_run)
