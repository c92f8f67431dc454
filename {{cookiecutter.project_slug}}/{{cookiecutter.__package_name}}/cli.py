"""The command line `model`."""

import importlib
import os
import pkgutil
from pathlib import Path

from . import commands
from .commands.app import app
from .errors import ProjectError, run

# Each adds its commands. Which there are was chosen when the project was generated.
for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
    importlib.import_module(module.name)


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
