"""Bring an experiment of a sweep into this folder, and let DVC make it again to compare."""

from pathlib import Path

from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.learning.metrics import expected
from mlrepo.pipeline import dvc_lock, git
from mlrepo.pipeline.dvc import dvc_in_silence
from mlrepo.pipeline.output import Tell
from mlrepo.sweep.experiments import namespace, ranked
from mlrepo.sweep.space import load_sweep
from mlrepo.sweep.start import clean_commit


def apply(file: Path, name: str | None, tell: Tell) -> tuple[str, list[str]]:
    """Apply an experiment, the best unless named, and run every stage again without DVC's caches.

    Returns:
        Its name, and the outputs that came out with other bytes than those recorded.
    """
    sweep, commit = load_sweep(file), clean_commit(file)
    if name is None:
        experiments = ranked(commit, sweep.name, expected(load_params()))
        if not experiments:
            raise ProjectError(
                f"there is no experiment {sweep.name}-... on {commit[:7]}: `model sweep` makes them"
            )
        name = experiments[0].name
    elif git.ask("rev-parse", "--quiet", "--verify", f"{namespace(commit)}/{name}") is None:
        raise ProjectError(f"there is no experiment {name} on {commit[:7]}: see `dvc exp show`")
    tell(f"apply {name}")
    dvc_in_silence("exp", "apply", name)
    recorded = _outs()
    tell("run every stage again")
    pointers = {path: path.read_bytes() for path in Path("data").rglob("*.dvc")}
    dvc_in_silence("repro", "--force", "--no-run-cache")
    for path, content in pointers.items():  # a forced run pins an import to the newest version
        path.write_bytes(content)
    made = _outs()
    return name, [path for path in recorded if made.get(path) != recorded[path]]


def _outs() -> dict[str, object]:
    """Return output -> MD5 of each dvc.lock here."""
    return {
        out["path"]: out["md5"]
        for entry in dvc_lock.here().values()
        for out in entry.get("outs", [])
    }
