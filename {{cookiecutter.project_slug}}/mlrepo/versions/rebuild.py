"""Make a version again from its commit and DVC's remote alone, and compare what comes out."""

import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlrepo.core import yaml
from mlrepo.core.environment import DISTRIBUTED
from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import TEST, above
from mlrepo.learning.cluster.scheduler import ADDRESS as CLUSTER
from mlrepo.pipeline import git
from mlrepo.pipeline.dvc import run_in_silence
from mlrepo.pipeline.dvc_files import files_in
from mlrepo.pipeline.output import Tell
from mlrepo.scoring.equivalence import numbers_agree
from mlrepo.storage.store import Store, Stored, hashes
from mlrepo.versions.fetch import fetch, table
from mlrepo.versions.records.old_records import parts
from mlrepo.versions.registry import Version

METRICS_TOLERANCE = 1e-6  # of a model whose bytes differ; relative for numbers above 1
_SCRIPTS = ".venv/Scripts" if os.name == "nt" else ".venv/bin"


@dataclass(frozen=True)
class Checkout:
    """A commit in a clone of its own, and the folder of its own environment's commands."""

    folder: Path  # of the model
    scripts: Path
    on_a_cluster: bool = False

    @classmethod
    def make(cls, commit: str, folder: Path, on_a_cluster: bool, tell: Tell) -> "Checkout":
        """Check a commit out in ``folder`` and install what its uv.lock names."""
        tell(f"check out {commit[:7]} in a clone of its own")
        model = git.clone(commit, folder)
        project = model / above()
        tell("install the locked packages")
        (project / ".dvc/tmp").mkdir()  # where set-up marks that it is at work
        set_up = (
            "import bootstrap, os; uv = bootstrap.find_tools(); bootstrap.choose_python(uv); "
            "os.environ['UV_COMPILE_BYTECODE'] = '0'; bootstrap.environment(uv)"
        )
        trouble = "the locked packages cannot be installed here"
        cls(project, Path(sys.executable).parent).run(trouble, sys.executable, "-c", set_up)
        return cls(model, project.resolve() / _SCRIPTS, on_a_cluster)

    def pull(self, files: dict[str, Any], tell: Tell) -> None:
        """Bring the raw data, with the remotes as they are set up now, into a cache of its own.

        ``files`` are those of a record. A file that is not the recorded one is refused.
        """
        raw = [path for path in files if (self.folder / f"{path}.dvc").exists()]
        if not raw:
            return  # a stage of the pipeline fetches it
        from dvc.config import Config  # type: ignore[import-untyped]

        store = Store()
        name, _ = store.remote_settings()
        tell(f"pull the raw data from the remote '{name}'")
        # DVC itself would not say what is missing, and of a bucket nothing at all.
        if absent := store.absent_from_remote([Stored(path, files[path]["md5"]) for path in raw]):
            raise ProjectError(
                f"not in {store.remote_name}: {', '.join(absent)}. Whoever has it runs "
                "`model push --all`"
            )
        # DVC quotes what its format would take for a comment: a folder with # in its name.
        with Config(str(self.folder / above() / ".dvc")).edit("local") as config:
            config["core"] = {"remote": name}
            config["remote"] = store.remotes()
        self.dvc("the raw data cannot be pulled", "pull", *(f"{path}.dvc" for path in raw))
        for path in raw:
            if self.differing(path, files[path]):
                raise ProjectError(f"{path} in DVC's remote is not the recorded data")
            if "deps" in yaml.load(self.folder / f"{path}.dvc"):
                # As its own file: of an import, a forced run asks for the newest version.
                (self.folder / f"{path}.dvc").unlink()
                self.dvc(f"{path} cannot be added", "add", path)

    def differing(self, path: str, entry: dict[str, Any]) -> list[str]:
        """Return the files of a path of the record that are others here, missing or new."""
        is_folder = (self.folder / path).is_dir()
        names = [f"{path}/{n}" for n in files_in(path, self.folder)] if is_folder else [path]
        files = {name: self.folder / name for name in names}
        here = {n: hashes(file)["sha256"] if file.is_file() else "" for n, file in files.items()}
        claims = {name: claim["sha256"] for name, claim in parts(path, entry).items()}
        return sorted({name for name, _ in here.items() ^ claims.items()})

    def dvc(self, trouble: str, *arguments: str) -> None:
        """Run a command of its DVC."""
        self.run(trouble, "python", "-m", "dvc", *arguments)

    def run(self, trouble: str, program: str, *arguments: str) -> str:
        """Return what a command prints; ``trouble`` tells that it failed, with its last lines."""
        path = f"{self.scripts}{os.pathsep}{os.environ['PATH']}"
        # Which would lead to code and packages of another place.
        other = ["PYTHONPATH", "PYTHONSAFEPATH"]
        # Its environment need not have what a cluster needs, and its results are those without one.
        other += [] if self.on_a_cluster else [CLUSTER]
        variables = {name: value for name, value in os.environ.items() if name not in other}
        command = [shutil.which(program, path=path) or program, *arguments]
        return run_in_silence(command, trouble, {**variables, "PATH": path}, self.folder)


def rebuild(version: Version, tell: Tell) -> dict[str, Any]:
    """Return the verdict on a version, and why.

    identical: every output has the recorded bytes. equivalent: the model's bytes differ, and the
    predictions and metrics do not, on a machine that computes otherwise; or they differ by no more
    than REPEATS_WITHIN of model.py, on any. different: all else.

    Raises:
        ProjectError: if it cannot be made again here, which says nothing about the version.
    """
    record = version.record
    estimator = record["architecture"]["estimator"] or ""
    on_a_cluster = estimator.startswith(DISTRIBUTED)
    if on_a_cluster and not os.environ.get(CLUSTER):
        raise ProjectError(
            f"{version.name} was made by {estimator} on a Dask cluster: start one with as many "
            f"workers, as docs/cluster.md says, set {CLUSTER} to its address, and run this again"
        )
    with tempfile.TemporaryDirectory() as scratch:
        there = Checkout.make(version.tag.commit, Path(scratch) / "clone", on_a_cluster, tell)
        there.pull(record["files"], tell)
        tell("run every step again")
        repro = ("repro", "--force", "--no-run-cache", *record["stages"])
        there.dvc("the pipeline of this commit does not run here", *repro)
        outs = sorted({out for stage in record["stages"].values() for out in stage["outs"]})
        files = sum(len(parts(out, record["files"][out])) for out in outs)
        differ = [file for out in outs for file in there.differing(out, record["files"][out])]
        verdict = {"verdict": "identical", "files": files, "differing": differ}
        return verdict | (_compare(version, there, differ) if differ else {})


def _compare(version: Version, there: Checkout, differ: list[str]) -> dict[str, Any]:
    """Return the verdict where bytes differ, and in what they do."""
    record = version.record
    model = record["artifact"]["path"]
    if model not in differ:
        why = "the model is the recorded one, other outputs are not"
        return {"verdict": "different", "why": why}
    with tempfile.TemporaryDirectory() as folder:
        store = Store()
        before = fetch(version, Path(folder), store)
        rows = table(version, TEST, Path(folder), store)
        files = (str(path) for path in (before, there.folder / model, rows))
        trouble = "the two models cannot be compared"
        # Its console script: the one name that every layout of the code has.
        found = json.loads(there.run(trouble, "model", "compare", *files))
    now, then = found.pop("machine"), record["environment"]["registered_on"]
    same = all(now[key] == then[key] for key in ("numerics", "numerics_pinned", "threads"))
    claims = [*record["metrics"], *(path for path in differ if path.startswith("reports/scores"))]
    bound = found.get("bound")
    off = [path for path in claims if not _agrees(version, there, path, bound)]
    verdict, why = judge(found["agrees"], off, same, bound)
    return {"verdict": verdict, "why": why, **found}


def judge(
    predictions_agree: bool, off: list[str], same_machine: bool, bound: float | None = None
) -> tuple[str, str]:
    """Return the verdict on a model of other bytes, and why; ``off`` are files of other numbers."""
    if not predictions_agree:
        return "different", "the model predicts otherwise"
    if off:
        return "different", f"other numbers in {', '.join(off)}"
    if bound:
        return "equivalent", f"other bytes; predictions and metrics within the stated {bound:g}"
    if same_machine:
        return "different", "this machine computes as the recorded one did: bytes should be equal"
    why = "same predictions and metrics, other bytes, on a machine that computes otherwise"
    return "equivalent", why


def _agrees(version: Version, there: Checkout, path: str, bound: float | None) -> bool:
    text = (there.folder / path).read_text(encoding="utf-8")
    return numbers_agree(
        git.file_at(version.tag.commit, path), text, max(METRICS_TOLERANCE, bound or 0.0)
    )
