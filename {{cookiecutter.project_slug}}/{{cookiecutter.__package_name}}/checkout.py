"""A commit in a folder of its own, with its locked packages and its raw data."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import git, strict_yaml
from .errors import ProjectError
from .output import Tell
from .store import Store, Stored


@dataclass(frozen=True)
class Checkout:
    """The project in a clone of its own, and the Python of its own environment."""

    folder: Path
    python: Path

    @classmethod
    def make(cls, commit: str, folder: Path, tell: Tell) -> "Checkout":
        """Check a commit out in ``folder`` and install what its uv.lock names.

        Raises:
            ProjectError: if the packages cannot be installed on this machine.
        """
        tell(f"check out {commit[:7]} in a clone of its own")
        top = git.git("rev-parse", "--show-toplevel").strip()
        git.git("clone", "--quiet", "--shared", "--no-checkout", top, str(folder))
        git.git("-C", str(folder), "checkout", "--quiet", "--detach", commit)
        project = folder / git.folder_in_repository()
        tell("install the locked packages")
        (project / ".dvc/tmp").mkdir()  # where set-up marks that it is at work
        set_up = (
            "import bootstrap, os; uv = bootstrap.find_tools(); bootstrap.choose_python(uv); "
            "os.environ['UV_COMPILE_BYTECODE'] = '0'; bootstrap.environment(uv)"
        )
        trouble = "the locked packages cannot be installed here"
        cls(project, Path(sys.executable)).run("-c", set_up, trouble=trouble)
        return cls(project, next(project.glob(".venv/[bS]*/python*")))

    def pull(self, files: dict[str, Any], tell: Tell) -> None:
        """Bring the raw data, with the remotes as they are set up now, into a cache of its own.

        Args:
            files: path -> SHA-256, or path -> parts with theirs, of a record.
            tell: what the step is told to.

        Raises:
            ProjectError: if a file cannot be had or is not the recorded one.
        """
        raw = [path for path in files if (self.folder / f"{path}.dvc").exists()]
        if not raw:
            return  # a stage of the pipeline fetches it
        store = Store()
        name, _ = store.remote_settings()
        tell(f"pull the raw data from the remote '{name}'")
        # `dvc pull` would not say what is missing, and of a bucket nothing at all.
        absent = store.absent_from_remote([Stored(path, files[path]["md5"]) for path in raw])
        if absent:
            raise ProjectError(
                f"not in {store.remote_name}: {', '.join(absent)}. Whoever has it runs `dvc push`"
            )
        config = ["[core]", f"    remote = {name}"]
        for remote, settings in store.remotes().items():
            config.append(f"['remote \"{remote}\"']")
            config += [f"    {key} = {value}" for key, value in settings.items()]
        text = "\n".join([*config, ""])
        (self.folder / ".dvc/config.local").write_text(text, encoding="utf-8")
        pull = ["-m", "dvc", "pull", "--quiet", *(f"{path}.dvc" for path in raw)]
        self.run(*pull, trouble="the raw data cannot be pulled")
        for path in raw:
            for part, claim in files[path].get("parts", {"": files[path]}).items():
                if self.sha256(f"{path}/{part}" if part else path) != claim["sha256"]:
                    raise ProjectError(f"{path} in DVC's remote is not the recorded data")
            if "deps" in strict_yaml.load(self.folder / f"{path}.dvc"):
                # As its own file: of an import, a forced run asks for the newest version.
                (self.folder / f"{path}.dvc").unlink()
                self.run("-m", "dvc", "add", "--quiet", path, trouble=f"{path} cannot be added")

    def sha256(self, path: str) -> str:
        """Return the SHA-256 of a file."""
        return hashlib.sha256((self.folder / path).read_bytes()).hexdigest()

    def run(self, *arguments: str, trouble: str) -> str:
        """Return what its Python prints.

        Raises:
            ProjectError: with ``trouble`` and the last lines, if it fails.
        """
        scripts = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder,
            env={**kept, "PATH": scripts},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode:
            said = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-15:])
            raise ProjectError(f"{trouble}:\n  {said}")
        return done.stdout
