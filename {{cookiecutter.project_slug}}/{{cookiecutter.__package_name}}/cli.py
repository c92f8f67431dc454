"""The command line `model`."""

import os
from pathlib import Path

from .commands import jobs, look, project, prove, release, use  # noqa: F401  # each adds its commands
from .commands.app import app
from .errors import ProjectError, run


def main() -> None:
    """Run the command from anywhere inside the project."""

    def start() -> None:
        os.chdir(_project())
        app()

    run(start)


def _project() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").exists() and (folder / "params.yaml").exists():
            return folder
    raise ProjectError(f"{here} is in no project: go to a folder with dvc.yaml and params.yaml")


if __name__ == "__main__":
    main()
