"""Ctrl-C ends a sweep within a trial, whenever it comes, and the same command goes on."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from helpers import LONG, PATIENCE, Copy, copy_again
from sweeping import write
from test_sweep import NAMES, assert_clean, start, trees

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")

MOMENTS = 5 if LONG else 4


def kept(copy: Copy) -> int:
    """Return how many experiments there are."""
    return len(list((copy.path / ".git/refs/exps").rglob("sweep-*")))


@contextmanager
def others_at_work(count: int) -> Iterator[None]:
    """Let so many processes compute all the time."""
    command = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def interrupt(copy: Copy, trials: int, seconds: float, only_the_command: bool) -> str:
    """Start a sweep, and end it so long after so many new experiments; return what it says."""
    process, before = start(copy), kept(copy)
    assert process.stdout
    said = process.stdout.readline()
    end = time.monotonic() + PATIENCE
    while kept(copy) < before + trials:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.002)
    time.sleep(seconds)
    if only_the_command:  # as `kill` does, and CI: the worker is told a second later
        process.send_signal(signal.SIGINT)
    else:
        os.killpg(process.pid, signal.SIGINT)
    then = kept(copy)
    said += process.communicate()[0]
    assert process.returncode == 130, said
    assert only_the_command or kept(copy) <= then + 1, said
    assert "Traceback" not in said
    return said


# In the long form every other time on a machine that has more to do than it can.
@pytest.mark.parametrize("seed", range(10 if LONG else 1))
def test_it_ends_at_any_moment_and_the_same_command_goes_on(
    unswept: Copy, swept: Copy, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    copy = copy_again(unswept, tmp_path_factory.mktemp("stopped") / "penguins")
    chance = random.Random(seed)
    write(copy, trials=200)
    with others_at_work(4 * (seed % 2)):
        for moment in range(MOMENTS):
            trials = moment % 3
            seconds = chance.uniform(0, 1 if trials else 4)
            said = interrupt(copy, trials, seconds, only_the_command=moment == 3)
            stopped = "trials; the same command goes on from there\n" in said
            # Before the first trial there is nothing to go on from.
            assert stopped or (trials == 0 and "error: interrupted\n" in said), said
    copy.run("git", "checkout", "--quiet", "sweep.yaml")
    copy.run("model", "sweep")
    made = trees(copy)
    assert {name: made[name] for name in NAMES} == trees(swept)
    assert_clean(copy)
