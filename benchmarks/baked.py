"""A generated project in a temporary folder, and what commands in it cost."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

if sys.platform == "win32":
    sys.exit("error: this needs os.wait4, which Windows lacks")

TEMPLATE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cost:
    """What a command took with all that it started: seconds, and the most MB of one process."""

    wall: float
    cpu: float
    memory: float


class Bench:
    """Folders with the project, and what commands in them cost."""

    def __init__(self, folder: Path, *answers: str, project: Path | None = None) -> None:
        """Generate the project with answers such as ``service=fastapi``, or copy ``project``.

        That one is set up already, and its environment serves the copy.
        """
        self.folder, self._given = folder, project
        hidden = ("GIT_", "DVC_", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHON")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR", "SITE_CACHE_DIR"):
            self.environment[f"DVC_{name}"] = str(folder / name)
        for role in ("AUTHOR", "COMMITTER"):
            self.environment[f"GIT_{role}_NAME"] = "Benchmark"
            self.environment[f"GIT_{role}_EMAIL"] = "benchmark@example.com"
        self.baked = project or self._generate(answers)
        self.project = self.new("project")
        self._scripts = (project or self.project) / ".venv/bin"
        self.python = str(self._scripts / "python")

    def _generate(self, answers: tuple[str, ...]) -> Path:
        settings, baked = self.folder / "cookiecutter.yaml", self.folder / "baked"
        settings.write_text(f"replay_dir: {self.folder}/replay\n", encoding="utf-8")
        command = [sys.executable, "-m", "cookiecutter", "--no-input", "--config-file"]
        command += [str(settings), "--output-dir", str(baked), str(TEMPLATE), *answers]
        subprocess.run(command, check=True, capture_output=True)
        [generated] = baked.iterdir()
        return generated

    def new(self, name: str) -> Path:
        """Copy what was generated, as it came out, or the project that was given."""
        leave = shutil.ignore_patterns(".venv")
        return Path(shutil.copytree(self.baked, self.folder / name, ignore=leave))

    def run(self, folder: Path, *command: str, **variables: str) -> Cost:
        """Run a command and return its cost; if it fails, show what it said."""
        path = os.pathsep.join([str(self._scripts), self.environment["PATH"]])
        with tempfile.TemporaryFile("w+") as said:
            begun = time.perf_counter()
            try:
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env={**self.environment, "PATH": path, **variables},
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                )
            except FileNotFoundError:
                sys.exit(f"error: {command[0]} is not in PATH: this benchmark needs it")
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                sys.exit(f"error: {command} ended with {process.returncode}\n{said.read()}")
        # ru_maxrss is in kB on Linux, in bytes on macOS.
        memory = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
        return Cost(wall, used.ru_utime + used.ru_stime, memory)

    def prepare(self) -> None:
        """Set the project up, if it is not yet."""
        if self._given is None:
            self.set_up(self.project)

    def set_up(self, folder: Path, **variables: str) -> Cost:
        """Run bootstrap.py; the project's own scripts are not found then."""
        path = self.environment["PATH"]
        return self.run(folder, sys.executable, "bootstrap.py", PATH=path, **variables)
