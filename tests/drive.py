"""Run many commands of a project, each in a process of its own that starts without its imports.

`python drive.py PROJECT` takes jobs as JSON from its standard input, {"folder": ..., "command":
["model", ...] or ["stage", NAME]}, and answers with {"code", "said", "seconds"} of each, in their
order. The packages are imported once, with those of PROJECT, and each command is a fork of that.
"""

import json
import os
import runpy
import signal
import sys
import tempfile
import time
import traceback
from importlib import import_module
from typing import Any

PATIENCE = 120  # seconds that a command may take


def import_once() -> None:
    """Import what most commands wait for, as they do: the arithmetic is pinned first."""
    from mlrepo.core import numerics

    numerics.pin()
    for name in (
        *("dvc.repo", "polars", "pydantic", "sklearn.ensemble", "sklearn.pipeline", "skops.io"),
        *("mlrepo.commands.app", "mlrepo.storage.doctor", "mlrepo.versions.register"),
    ):
        import_module(name)


def be(folder: str, command: list[str], said: int) -> None:
    """Be the command from now on; what it prints goes to the file ``said``."""
    os.chdir(folder)
    os.environ["PWD"] = sys.path[0] = folder
    nothing = os.open(os.devnull, os.O_RDONLY)
    for standard, file in enumerate((nothing, said, said)):
        os.dup2(file, standard)
    code = 0
    try:
        if command[0] == "stage":
            sys.argv = ["mlrepo", command[1]]
            runpy.run_module("mlrepo", run_name="__main__")
        else:
            from mlrepo.commands.app import main

            sys.argv = command
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(folder: str, command: list[str]) -> dict[str, Any]:
    """Fork, wait, and return what came of it; a command that takes too long is killed."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = os.fork()
        if process == 0:
            os.setpgid(0, 0)
            be(folder, command, said.fileno())
        code = None
        while code is None and time.monotonic() - begun < PATIENCE:
            done, status = os.waitpid(process, os.WNOHANG)
            code = os.waitstatus_to_exitcode(status) if done else None
            time.sleep(0.01)
        if code is None:
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
        said.seek(0)
        text = said.read().decode(errors="replace")
    return {"code": code, "said": text, "seconds": time.monotonic() - begun}


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    import_once()
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)
