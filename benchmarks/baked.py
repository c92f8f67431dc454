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

    def __init__(self, folder: Path, *answers: str) -> None:
        """Generate the project with answers such as ``service=fastapi``."""
        self.folder = folder
        hidden = ("GIT_", "DVC_", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHON")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR", "SITE_CACHE_DIR"):
            self.environment[f"DVC_{name}"] = str(folder / name)
        for role in ("AUTHOR", "COMMITTER"):
            self.environment[f"GIT_{role}_NAME"] = "Benchmark"
            self.environment[f"GIT_{role}_EMAIL"] = "benchmark@example.com"
        settings = folder / "cookiecutter.yaml"
        settings.write_text(f"replay_dir: {folder}/replay\n", encoding="utf-8")
        command = [sys.executable, "-m", "cookiecutter", "--no-input", "--config-file"]
        command += [str(settings), "--output-dir", str(folder / "baked"), str(TEMPLATE), *answers]
        subprocess.run(command, check=True, capture_output=True)
        [self.baked] = (folder / "baked").iterdir()
        self.project = self.new("project")
        self.python = str(self.project / ".venv/bin/python")

    def new(self, name: str) -> Path:
        """Copy what was generated, as it came out."""
        return Path(shutil.copytree(self.baked, self.folder / name))

    def run(self, folder: Path, *command: str, **variables: str) -> Cost:
        """Run a command and return its cost; if it fails, show what it said."""
        scripts = str(self.project / ".venv/bin")
        path = os.pathsep.join([scripts, self.environment["PATH"]])
        with tempfile.TemporaryFile("w+") as said:
            begun = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**self.environment, "PATH": path, **variables},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                sys.exit(f"error: {command} ended with {process.returncode}\n{said.read()}")
        # ru_maxrss is in kB on Linux, in bytes on macOS.
        memory = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
        return Cost(wall, used.ru_utime + used.ru_stime, memory)

    def set_up(self, folder: Path, **variables: str) -> Cost:
        """Run bootstrap.py; the project's own scripts are not found then."""
        path = self.environment["PATH"]
        return self.run(folder, sys.executable, "bootstrap.py", PATH=path, **variables)
