"""A Ctrl-C in a sweep is heard, whatever becomes of the exception that Python makes of it."""

import signal
import subprocess
import sys
from typing import Any

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.sweep import start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to send")

DROPPED = """
import os, signal
from mlrepo.sweep import interrupt

class File:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

interrupt.listen()
interrupt.check()
File()
print("dropped")
try:
    interrupt.check()
except KeyboardInterrupt:
    print("heard")
"""
CHANGED = """
import os, signal
from mlrepo.sweep import interrupt

interrupt.listen()
try:
    with interrupt.heard():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("no valid buffer")
except KeyboardInterrupt:
    print("heard")
"""
EARLY = """
import signal, sys
from mlrepo.sweep import interrupt
print("before", flush=True)
sys.stdin.read()
try:
    interrupt.listen()
except KeyboardInterrupt:
    print("heard")
"""
# A worker that ends by a Ctrl-C, or does not, and what waits for it.
WAITS = """
import subprocess, sys
from mlrepo.sweep import interrupt, start
interrupt.listen()
with interrupt.held():
    worker = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
    print(start.end_of(worker, lambda said: print(said, flush=True)))
"""
ENDS = """
import time
print("at work", flush=True)
try:
    time.sleep(600)
except KeyboardInterrupt:
    raise SystemExit(130)
"""
IN_ENDLESS_WORK = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("at work", flush=True)
time.sleep(600)
"""
UNBLOCK = "import signal; signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})\n"


def python(*arguments: str) -> subprocess.Popen[str]:
    """Start Python as a terminal does, also where this process ignores Ctrl-C."""
    return subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_one_that_python_drops_is_heard_at_the_next_check() -> None:
    process = python(DROPPED)
    said, complaint = process.communicate()
    assert said == "dropped\nheard\n"
    # The reason for all this.
    assert "Exception ignored in: <function File.__del__" in complaint
    assert "KeyboardInterrupt" in complaint


def test_one_that_another_package_makes_an_error_of_is_heard() -> None:
    assert python(CHANGED).communicate()[0] == "heard\n"


def test_one_that_comes_before_the_worker_listens_waits_for_it() -> None:
    process = python(f"import os; {UNBLOCK.replace('UNBLOCK', 'BLOCK')}{EARLY}")
    assert line(process) == "before"
    process.send_signal(signal.SIGINT)
    assert process.communicate("\n")[0] == "heard\n"


def test_one_that_only_the_command_gets_reaches_the_worker() -> None:
    process = python(WAITS, UNBLOCK + ENDS)
    assert line(process) == "at work"
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert said == "end the trial under way (Ctrl-C again does that at once)\n130\n"


def test_the_second_one_ends_a_worker_that_hears_none() -> None:
    process = python(WAITS, UNBLOCK + IN_ENDLESS_WORK)
    assert line(process) == "at work"
    process.send_signal(signal.SIGINT)
    assert line(process).startswith("end the trial under way")
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate()
    assert complaint.endswith("KeyboardInterrupt\n")
    assert process.returncode == -signal.SIGINT


def test_where_it_is_ignored_it_stays_so() -> None:
    ignored = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    said, _ = python(f"{ignored}{DROPPED}").communicate()
    assert said == "dropped\n"


# As Python 3.11 ends after a Ctrl-C inside `exec` of a text, also if that was caught.
ENDS_BY_THE_SIGNAL = f"""
import os
{UNBLOCK}
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.kill(os.getpid(), signal.SIGINT)
"""


def test_a_worker_that_ends_by_the_signal_was_interrupted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, _command: list[str], **_: Any) -> None:
            super().__init__([sys.executable, "-c", ENDS_BY_THE_SIGNAL])

    monkeypatch.setattr("mlrepo.sweep.start.subprocess.Popen", Interrupted)
    before = signal.getsignal(signal.SIGINT)
    try:
        assert start._work(tmp_path, tmp_path, "commit", print) == 130
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_worker_that_is_killed_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    class Killed(subprocess.Popen[bytes]):
        def __init__(self, _command: list[str], **_: Any) -> None:
            super().__init__([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])

    monkeypatch.setattr("mlrepo.sweep.start.subprocess.Popen", Killed)
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(ProjectError, match=r"signal 9 ended the process .*goes on from"):
            start._work(tmp_path, tmp_path, "commit", print)
    finally:
        signal.signal(signal.SIGINT, before)
