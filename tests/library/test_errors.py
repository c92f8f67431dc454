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


HELP = "import sys; sys.argv[1:] = ['--help']; from mlrepo.commands import app; app.main()"
CLOSED = """
import os, subprocess, sys
from mlrepo.core import errors
def main():
    print("x", flush=True)
    with open("made", "wb") as made:
        assert made.fileno() > 2
        subprocess.run([sys.executable, "-c", "print(1, flush=True)"], check=True)
    raise errors.NotPassedError("no")
errors.exit_with_message(main)
"""


@pytest.mark.parametrize("code", [PRINTS, HELP])
def test_a_reader_that_has_seen_enough_is_no_mistake(tmp_path: Path, code: str) -> None:
    """And is not what 1 stands for: that a check does not hold."""
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).touch()
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", code]
    try:
        done = subprocess.run(
            command, cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(write)
    assert done.stderr == ""
    assert done.returncode == 141


@pytest.mark.skipif(os.name == "nt", reason="a word of the shell")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_is_closed_at_the_start_is_as_dev_null(tmp_path: Path, closed: str) -> None:
    command = ["sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, CLOSED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ("" if "2" in closed else "error: no\n")
    assert done.returncode == 1
    assert (tmp_path / "made").read_bytes() == b""


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
