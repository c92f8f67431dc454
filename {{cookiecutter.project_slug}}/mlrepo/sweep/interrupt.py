"""Ctrl-C in a sweep: noted as well as raised, as the exception alone may come to nothing.

Python raises KeyboardInterrupt wherever it is just then, also where whatever is raised is dropped:
in the ``__del__`` of a file, in the callback of a weak reference, of which each import has one, in
a callback from C, and in a library that catches everything.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_noted = False


def listen() -> None:
    """Note each Ctrl-C from here on, the one that `held` kept back first.

    Where it is ignored, as under `nohup`, it stays so.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _note)
    _mask("SIG_UNBLOCK")


def check() -> None:
    """Raise KeyboardInterrupt if there was a Ctrl-C, whatever became of its own."""
    if _noted:
        raise KeyboardInterrupt


@contextmanager
def heard() -> Iterator[None]:
    """Raise KeyboardInterrupt in place of what became of it in the block.

    A module of Cython, say, makes a ValueError of one that comes while it is imported.
    """
    try:
        yield
    except Exception:
        check()
        raise


@contextmanager
def held() -> Iterator[None]:
    """Keep Ctrl-C back in the block, and in processes that it starts until they `listen`."""
    _mask("SIG_BLOCK")
    try:
        yield
    finally:
        _mask("SIG_UNBLOCK")


def stop_listening() -> None:
    """Let no further Ctrl-C disturb the last words."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _note(_number: int, _frame: FrameType | None) -> None:
    global _noted
    _noted = True
    raise KeyboardInterrupt


def _mask(how: str) -> None:
    if hasattr(signal, "pthread_sigmask"):  # Windows has none
        signal.pthread_sigmask(getattr(signal, how), {signal.SIGINT})
