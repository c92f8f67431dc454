"""What all test processes of a session share."""

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from filelock import FileLock

T = TypeVar("T")


def once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """Return make(folder), made by the first of the test processes that asks and shared by all."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # each process has a folder below it
    return once_in(shared, name, make)


def once_in(shared: Path, name: str, make: Callable[[Path], T]) -> T:
    """Return make(folder), made by the first that asks, of all that know the folder ``shared``.

    What is returned is kept as a pickle, so it names folders and holds no open file.
    """
    folder, kept = shared / f"once-{name}", shared / f"once-{name}.pickle"
    with FileLock(f"{folder}.lock"):
        if not kept.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one that failed
            folder.mkdir()
            kept.write_bytes(pickle.dumps(make(folder)))
    made: T = pickle.loads(kept.read_bytes())
    return made
