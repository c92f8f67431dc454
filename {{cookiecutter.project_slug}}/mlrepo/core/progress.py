"""Progress on a terminal, silence in a log."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

from tqdm import tqdm

T = TypeVar("T")

# tqdm draws nothing where stderr is no terminal when `disable` is None.
_QUIET_IN_A_LOG = None


def progress(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` under a progress bar that is gone when the work is done."""
    yield from tqdm(items, desc=label, total=total, leave=False, disable=_QUIET_IN_A_LOG)


def bar(label: str, total: int, done: int) -> "tqdm[NoReturn]":
    """Return a progress bar that starts at ``done``, moves by ``update`` and is gone at the end."""
    return tqdm(desc=label, total=total, initial=done, leave=False, disable=_QUIET_IN_A_LOG)


@contextmanager
def watch(paths: list[Path], label: str) -> Iterator[None]:
    """Show how the files at ``paths`` grow while the block writes them."""
    with tqdm(desc=label, unit="B", unit_scale=True, leave=False, disable=_QUIET_IN_A_LOG) as bar:
        if bar.disable:
            yield
            return
        done = threading.Event()

        def poll() -> None:
            while not done.wait(0.2):
                bar.n = sum(path.stat().st_size for path in paths if path.exists())
                bar.refresh()

        thread = threading.Thread(target=poll, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
