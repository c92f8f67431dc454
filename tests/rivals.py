"""Commands that run at once, and commands that are killed at a call of Git that a test chooses."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from releases import Released

# One process for many commands: it is imports that cost the time. Git runs as ever.
SCRIPT = """
import contextlib, io, json, sys
from mlrepo.commands.app import main

for line in sys.stdin:
    sys.argv, said, code = ["model", *json.loads(line)], io.StringIO(), 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([code, said.getvalue()]), flush=True)
"""

# Stands before Git in PATH and counts the calls that have $WORDS in them. $KILL is "3 before": at
# the third of these, before Git is started, or "3 during": Git goes on while its caller is dead.
KILLER = """#!/bin/sh
case " $* " in *"$WORDS"*) ;; *) exec "{git}" "$@" ;; esac
calls=$(($(cat "$CALLS") + 1))
echo $calls > "$CALLS"
[ "$calls before" = "$KILL" ] && kill -9 $PPID && exit 1
[ "$calls during" = "$KILL" ] || exec "{git}" "$@"
kill -9 $PPID
"{git}" "$@"
touch "$CALLS.ended"
"""


@dataclass(frozen=True)
class Rival:
    """A clone, and a process in it that runs `model` as often as it is told to."""

    clone: Released
    process: subprocess.Popen[str]

    def start(self, *command: str) -> None:
        """Begin a command."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def end(self) -> tuple[int, str]:
        """Return the exit code of the command that was begun, and all that it said."""
        assert self.process.stdout
        code, said = json.loads(self.process.stdout.readline())
        return code, said

    def model(self, *command: str) -> str:
        """Run a command that must succeed; return what it says."""
        self.start(*command)
        code, said = self.end()
        assert code == 0, said
        return said


@contextmanager
def rival(clone: Released) -> Iterator[Rival]:
    """Start the process and end it."""
    environment = clone.project.environment
    scripts = clone.project.path / ".venv" / ("Scripts" if os.name == "nt" else "bin")
    with subprocess.Popen(
        [shutil.which("python", path=scripts) or sys.executable, "-c", SCRIPT],
        cwd=clone.path,
        env={**environment, "PATH": f"{scripts}{os.pathsep}{environment['PATH']}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        yield Rival(clone, process)
        assert process.stdin
        process.stdin.close()


class Killer:
    """Runs `model` and kills it."""

    def __init__(self, clone: Released, folder: Path) -> None:
        folder.mkdir()
        git = shutil.which("git", path=clone.project.environment["PATH"])
        (folder / "git").write_text(KILLER.format(git=git), encoding="utf-8")
        (folder / "git").chmod(0o755)
        self.clone = clone
        self.folder = folder
        self.calls = folder / "calls"

    def run(self, *command: str, words: str, kill: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command; `kill` is "3 before" or "3 during" the third call of Git with `words`."""
        self.calls.write_text("0\n", encoding="utf-8")
        scripts = self.clone.project.path / ".venv/bin"
        path = f"{self.folder}:{scripts}:{self.clone.project.environment['PATH']}"
        variables = {"PATH": path, "CALLS": str(self.calls), "KILL": kill, "WORDS": words}
        ended = self.folder / "calls.ended"
        ended.unlink(missing_ok=True)
        done = self.clone.model(*command, check=False, **variables)
        while kill.endswith("during") and done.returncode == -9 and not ended.exists():
            time.sleep(0.05)
        return done

    def count(self) -> int:
        """Return how many such calls the last command made."""
        return int(self.calls.read_text(encoding="utf-8"))
