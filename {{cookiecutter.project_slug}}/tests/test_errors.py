"""What the end of a command says."""

import os
import subprocess
import sys

from .conftest import ROOT

PRINTS = """
from {{ cookiecutter.__package_name }} import errors
errors.run(lambda: print("x" * 10**6))
"""


def test_a_reader_that_has_seen_enough_is_no_mistake() -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", PRINTS]
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(write)
    assert done.stderr == ""
    assert done.returncode == 1
