"""Runs for Weights & Biases: folders that `wandb sync` uploads, one id for each commit.

They are always written offline, because wandb waits for minutes for a server that is not there.
"""

import json
import os
import shutil
from pathlib import Path

from mlrepo.core import owner
from mlrepo.core.files import write_json
from mlrepo.core.paths import in_project
from mlrepo.mirror import repository, wandb_artifacts
from mlrepo.mirror.pictures import draw
from mlrepo.mirror.runs import Run, Source
from mlrepo.pipeline.output import Tell
from mlrepo.versions.registry import Registry

FOLDER = "wandb"
# What was written, with the labels that it had. `wandb clean` takes uploaded runs away, not this.
WRITTEN = f"{FOLDER}/mirrored"

_LONGEST = 64  # letters of a tag


class Tracker:
    """The runs of one model in one project of W&B."""

    @staticmethod
    def is_configured() -> bool:
        """Whether the environment asks for commits to be mirrored as they come."""
        return os.environ.get("WANDB_MODE", "disabled") != "disabled"

    @staticmethod
    def refuse_silent(patience: float = 0) -> None:
        """Return at once: runs are written to this folder, so that no server has to answer."""

    def __init__(self, model: str) -> None:
        """Make the ids of runs: the commit, which is one run for each model."""
        self._suffix = "" if model == "model" else f".{model}"

    def has(self, source: Source) -> bool:
        """Whether a run is written, with the version and stages that its commit has now."""
        path = self._written(source.commit)
        return path.exists() and json.loads(path.read_text("utf-8")) == _mark(source)

    def write(self, run: Run, folder: Path, finished: bool) -> None:
        """Write a run with all in ``folder``; what was cut short or is out of date goes away.

        One that is uploaded already is written with the same id, which W&B takes for a sequel.
        """
        import wandb

        source, name = run.source, f"{run.source.commit}{self._suffix}"
        for old in _waiting(name):
            shutil.rmtree(old)
        facts = {**run.tags, **source.labels()}
        sweep = source.sweep and f"{source.sweep} on {str(source.baseline)[:7]}"
        to = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or owner.project_name(),
            id=name,
            name=source.name,
            job_type="experiment" if source.experiment else "commit",
            group=sweep or source.baseline,
            dir=str(in_project(".").resolve()),
            mode="offline",
            config={**run.params, "mirror": facts},
            notes=run.description,
            tags=_tags(source, facts),
            settings=wandb.Settings(
                console="off",
                git_commit=source.commit,
                git_remote_url=repository.address(),
                save_code=False,
                silent=True,
                x_disable_meta=True,
                x_disable_stats=True,
                x_save_requirements=False,
                x_start_time=source.begun.timestamp(),
            ),
        )
        shutil.copytree(folder, to.dir, dirs_exist_ok=True)
        files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        drawn = draw(source.commit, folder)
        # Dots would make `test.accuracy.low` a part of the number `test.accuracy`.
        metrics = {key.replace(".", "/"): value for key, value in run.metrics.items()}
        pictures = {f"plots/{path.stem}": wandb.Image(str(path)) for path in drawn}
        to.log({**metrics, **pictures, "_timestamp": source.ended.timestamp()})
        wandb_artifacts.log(to, run)
        for path in files:
            if path != Path(run.model_file):  # which is an artifact
                to.save(str(Path(to.dir, path)), base_path=to.dir, policy="now")
        to.finish()
        if finished:
            write_json(self._written(source.commit), _mark(source))

    def publish(self, registry: Registry, tell: Tell) -> None:
        """Return at once: W&B's registry needs its server, and the runs name the versions."""

    def tells(self) -> list[str]:
        """Return the command that uploads what is written."""
        waiting = {run.name.rpartition("-")[2] for run in _waiting("*")}
        return [f"{len(waiting)} runs wait for `uv run wandb sync --yes`"] if waiting else []

    def _written(self, commit: str) -> Path:
        return in_project(WRITTEN) / f"{commit}{self._suffix}.json"


def _mark(source: Source) -> dict[str, str]:
    """Return what a run was written with; one of an earlier release is written again."""
    return {**source.labels(), "form": "2"}


def _waiting(name: str) -> list[Path]:
    """Return the folders of runs with an id like ``name`` that are not uploaded yet."""
    runs = in_project(FOLDER).glob(f"offline-run-*-{name}")
    return [run for run in runs if not list(run.glob("*.synced"))]


def _tags(source: Source, facts: dict[str, str]) -> list[str]:
    named = [version.name for version in source.versions]
    keys = [f"{key}:{facts[key]}" for key in ("commit", "data.md5", "model.sha256") if key in facts]
    return [tag[:_LONGEST] for tag in [*named, *source.stages, *keys]]
