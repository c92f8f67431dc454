"""Start a stage: what every page needs is done before the page is imported."""

import sys

from mlrepo.core.errors import ProjectError, exit_with_message


def main() -> None:
    """Run the stage that the command line names: `python -m mlrepo STAGE`."""
    exit_with_message(_run)


def _run() -> None:
    # Here, so that a package which is missing is told in words.
    from mlrepo.core import environment, numerics, owner

    if len(sys.argv) != 2:
        raise ProjectError("name one stage, such as `python -m mlrepo prepare`")
    params = owner.load_params()
    if params.numerics.pinned:
        numerics.pin()  # NumPy reads its settings while a page imports it
    environment.check()
    owner.stage(sys.argv[1])(params)
