"""bootstrap.py at work, to be looked at and killed while it sets a copy up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from helpers import PATIENCE, Copy


class Running:
    """bootstrap.py at work, in a process group of its own."""

    def __init__(self, copy: Copy) -> None:
        self.copy = copy
        self.log = copy.path.parent / "log"
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "bootstrap.py"],
                cwd=copy.path,
                env=copy.project.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, moment: Callable[[], object]) -> None:
        """Wait until ``moment`` is true while the run works."""
        end = time.monotonic() + PATIENCE
        while not moment():
            assert self.process.poll() is None, f"it ended before:\n{self.said()}"
            assert time.monotonic() < end, f"it never came:\n{self.said()}"
            time.sleep(0.001)

    def kill(self) -> None:
        """Do what a power cut does: bootstrap.py and all that it started are gone at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        # What it started ends a moment later, and holds the lock until then.
        lock = self.copy.path / ".dvc/tmp/bootstrap.lock"
        if lock.exists():
            import fcntl  # which Windows lacks, as it does process groups

            with lock.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX)


@contextmanager
def running(copy: Copy) -> Iterator[Running]:
    """Start bootstrap.py; it is killed if it still works when the block ends."""
    work = Running(copy)
    try:
        yield work
    finally:
        if work.process.poll() is None:
            work.kill()
