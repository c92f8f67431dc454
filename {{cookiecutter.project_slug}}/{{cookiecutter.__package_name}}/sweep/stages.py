"""Run stages one after the other in this process, which imports scikit-learn once for all."""

import importlib
import re
import shutil
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

from ..errors import ProjectError
from ..fit import AfterFold
from ..pipeline import Stage

_PACKAGE = (__package__ or "").partition(".")[0]
_OURS = re.compile(rf"python -m {_PACKAGE}\.([\w.]+)")
_LEARNS = "train"  # the module whose folds can be watched


def run_all(stages: list[Stage], after_fold: AfterFold, log: TextIO) -> None:
    """Do what ``dvc repro`` does with ``stages``; what they print goes to ``log``.

    Raises:
        ProjectError: if a stage refuses its params or fails.
    """
    for stage in stages:
        print(f"> {stage.cmd}", file=log, flush=True)
        for out in stage.outs:
            Path(out).parent.mkdir(parents=True, exist_ok=True)
        ours = _OURS.fullmatch(str(stage.cmd))
        if ours:
            module = importlib.import_module(f"{_PACKAGE}.{ours[1]}")
            with redirect_stdout(log), redirect_stderr(log):
                if ours[1] == _LEARNS:
                    module.main(after_fold)
                else:
                    module.main()
        else:
            _run_other(stage, log)


def _run_other(stage: Stage, log: TextIO) -> None:
    """Run a stage that is another program, without what it wrote before, as DVC does."""
    for out in map(Path, stage.outs):
        if out.is_dir() and not out.is_symlink():
            shutil.rmtree(out)
        else:
            out.unlink(missing_ok=True)
    commands = stage.cmd if isinstance(stage.cmd, list) else [stage.cmd]
    for command in commands:
        done = subprocess.run(command, shell=True, stdout=log, stderr=log, check=False)
        if done.returncode:
            raise ProjectError(f"`{command}` ended with {done.returncode}: see {log.name}")
