"""Run a command with this project's numerics: `python -m PACKAGE.pinned dask worker ADDRESS`."""

import os
import sys

from .errors import ProjectError, run


def main() -> None:
    """Become the command of the command line, with one thread and one instruction set."""
    from .numerics import pin

    command = sys.argv[1:]
    if not command:
        raise ProjectError("say which command, such as `dask worker tcp://127.0.0.1:8786`")
    pin()
    try:
        os.execvp(command[0], command)
    except FileNotFoundError:
        raise ProjectError(f"{command[0]} is not there: run `uv sync --extra cluster`") from None


if __name__ == "__main__":
    run(main)
