"""`python -m mlrepo STAGE`: run a stage of the project, with DVC or without it."""

import sys

from mlrepo.core.errors import ProjectError, exit_with_message


def _run() -> None:
    from mlrepo.core import owner  # here, so that a package which is missing is told in words

    if len(sys.argv) != 2:
        raise ProjectError("name one stage, such as `python -m mlrepo prepare`")
    owner.run(sys.argv[1])


exit_with_message(_run)
