"""What the end of a command says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlrepo.core.errors import exit_with_message

from .conftest import PROJECT

PRINTS = """
from mlrepo.core import errors
errors.exit_with_message(lambda: print("x" * 10**6))
"""


def test_a_reader_that_has_seen_enough_is_no_mistake() -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", PRINTS]
    try:
        done = subprocess.run(
            command, cwd=PROJECT, stdout=write, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(write)
    assert done.stderr == ""
    assert done.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has such a file")
@pytest.mark.parametrize("letters", [10, 10**6])
def test_an_output_that_is_full_is_told_in_one_line(letters: int) -> None:
    command = [sys.executable, "-c", PRINTS.replace("10**6", str(letters))]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            command, cwd=PROJECT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    what = "standard output or an open file"
    says = f"no space left on the disk while writing {what}: free some space and run again"
    assert (done.returncode, done.stderr) == (2, f"error: {says}\n")


def test_a_package_that_is_missing_is_told_whatever_the_project_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def need(name: str) -> None:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.chdir(tmp_path)
    (tmp_path / "sk").mkdir()
    with pytest.raises(SystemExit):
        exit_with_message(lambda: need("sklearn"))
    assert capsys.readouterr().err.startswith("error: sklearn is not installed in ")
    with pytest.raises(ModuleNotFoundError):  # a defect of the project's own code
        exit_with_message(lambda: need("sk.lost"))
