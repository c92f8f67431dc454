"""Run many commands of a project, each in a process of its own that starts without its imports.

`python drive.py PROJECT` takes jobs as JSON from its standard input, {"folder", "command"}, and
answers with {"code", "said", "seconds"} of each, in their order. The packages are imported once,
with those of PROJECT, and each `model ...` is a fork of that. Other programs are started as they
are, also stages, which refuse to run the code of another folder. A service that has started is told
to stop.
"""

import json
import os
import shlex
import signal
import sys
import tempfile
import time
import traceback
from importlib import import_module
from typing import Any

PATIENCE = 120  # seconds that a command may take
STARTED = b'"event": "start"'  # of a service


def import_once() -> None:
    """Import what most commands wait for, as they do: the arithmetic is pinned first."""
    from mlrepo.core import numerics

    numerics.pin()
    for name in (
        *("dvc.repo", "polars", "pydantic", "sklearn.ensemble", "sklearn.pipeline", "skops.io"),
        *("mlrepo.commands.app", "mlrepo.storage.doctor", "mlrepo.versions.register"),
    ):
        import_module(name)


def be(folder: str, command: str, said: int) -> None:
    """Be the command from now on; what it prints goes to the file ``said``."""
    os.chdir(folder)
    os.environ["PWD"] = sys.path[0] = folder
    nothing = os.open(os.devnull, os.O_RDONLY)
    for standard, file in enumerate((nothing, said, said)):
        os.dup2(file, standard)
    code = 0
    try:
        words = shlex.split(command)
        if words[0] != "model":
            os.execvp(words[0], words)
        from mlrepo.commands.app import main

        sys.argv = words
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(folder: str, command: str) -> dict[str, Any]:
    """Fork, wait, and return what came of it; a command that takes too long is killed."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = os.fork()
        if process == 0:
            os.setpgid(0, 0)
            be(folder, command, said.fileno())
        code, serves = None, command.startswith("model serve")
        while code is None and time.monotonic() - begun < PATIENCE:
            done, status = os.waitpid(process, os.WNOHANG)
            code = os.waitstatus_to_exitcode(status) if done else None
            time.sleep(0.01)
            # Without moving the place where the command writes.
            if serves and STARTED in os.pread(said.fileno(), 100_000, 0):
                os.kill(process, signal.SIGTERM)
                serves = False
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
