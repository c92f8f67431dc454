"""Keep a second process out."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ProjectError


@contextmanager
def alone(file: Path, otherwise: str) -> Iterator[None]:
    """Hold a lock that ends with the block and with every process that was started in it.

    Raises:
        ProjectError: with ``otherwise``, if another process holds it.
    """
    with file.open("w") as opened:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(opened.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ProjectError(otherwise) from None
        os.set_inheritable(opened.fileno(), True)
        yield
