"""Runs in MLflow: one for each commit, found again by its tag `commit`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from mlrepo.core import owner
from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import in_project
from mlrepo.mirror import mlflow_entities, pictures
from mlrepo.mirror.runs import Run, Source
from mlrepo.pipeline.output import Tell
from mlrepo.versions.registry import Registry

# MLflow's own default, so that `mlflow ui` in this folder finds it, with the folder written out.
DATABASE, ARTIFACTS = "mlflow.db", "mlruns"
# Set last: a run without it was cut short, and one with another value is of an earlier release.
COMPLETE, NOW = "mirrored", "2"

# A user's own settings come first. MLflow's would wait for a dead server for minutes.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",  # it would add today's uv.lock to a model of another day
}
PATIENCE = 3.0  # seconds


def address() -> str:
    """Return where MLflow is: what the environment says, or a database in the project's folder."""
    default = f"sqlite:///{in_project(DATABASE).resolve().as_posix()}"
    return os.environ.get("MLFLOW_TRACKING_URI") or default


@contextmanager
def told() -> Iterator[None]:
    """Turn what MLflow raises into one message."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    try:
        yield
    except (MlflowException, RequestException) as error:
        first = str(error).strip().partition("\n")[0]
        raise ProjectError(
            f"MLflow at {_shown()}: {first[:500]}. What is written stays, and "
            "`model mirror` goes on from there"
        ) from None


def connect() -> Any:
    """Return MLflow's client."""
    with told():
        import mlflow

        # The registry as well, wherever this process was pointed before.
        mlflow.set_tracking_uri(address())
        return mlflow.MlflowClient(address())


class Tracker:
    """The runs of one model in one experiment of MLflow."""

    @staticmethod
    def is_configured() -> bool:
        """Whether the environment asks for commits to be mirrored as they come."""
        return bool(os.environ.get("MLFLOW_TRACKING_URI"))

    @staticmethod
    def refuse_silent(patience: float = PATIENCE) -> None:
        """Refuse a server that does not answer in so many seconds, before MLflow is imported."""
        if not _is_server():
            return
        found = [f"no answer in {patience:g} seconds"]
        # What hangs in name resolution cannot be ended: Python does not wait for a daemon.
        thread = Thread(target=lambda: found.append(_trouble(patience)), daemon=True)
        thread.start()
        thread.join(patience)
        if said := found[-1]:
            raise ProjectError(
                f"the tracker {_shown()} does not answer ({said}): nothing is lost, and "
                "`model mirror` catches up from Git when it does"
            )

    def __init__(self, model: str) -> None:
        """Open the experiment, which is made if there is none."""
        self.model, self.client = model, connect()
        with told():
            self.experiment = self._experiment()
            # Of two that were made at once, the one with the lower id is kept.
            found = sorted(self._search(), key=lambda run: run.info.run_id, reverse=True)
            self._runs = {run.data.tags.get("commit", ""): run for run in found}
            self._sweeps: dict[tuple[str, str], str] = {
                (tags["baseline"], tags["sweep"]): run.info.run_id
                for run in found
                if "sweep" in (tags := run.data.tags)
            }
        self._sources: dict[str, Source] = {}

    def has(self, source: Source) -> bool:
        """Whether a run is complete; it says the version and stages of its commit from now on."""
        self._sources[source.commit] = source
        run = self._runs.get(source.commit)
        if run is None or run.data.tags.get(COMPLETE) != NOW:
            return False
        with told():
            for key, value in source.labels().items():
                if run.data.tags.get(key, "") != value:
                    self.client.set_tag(run.info.run_id, key, value)
        return True

    def write(self, run: Run, folder: Path, finished: bool) -> None:
        """Write a run with all in ``folder``, or finish the one that is there."""
        with told():
            from mlflow.entities import Param, RunTag

            pictures.draw(run.source.commit, folder)
            source, tags = run.source, mlflow_entities.tags(run)
            if source.sweep:
                tags["mlflow.parentRunId"] = self._parent(run)
            begun, ended = map(mlflow_entities.milliseconds, (source.begun, source.ended))
            there = self._runs.get(source.commit)
            if there is None:
                # The key comes with the run, so that no kill leaves one that is not found again.
                there = self.client.create_run(self.experiment, begun, tags, source.name)
            run_id = there.info.run_id
            params = [Param(key, value) for key, value in mlflow_entities.params(run).items()]
            labels = [RunTag(key, value) for key, value in tags.items()]
            self.client.log_inputs(run_id, mlflow_entities.datasets(run))
            self.client.log_batch(run_id, mlflow_entities.metrics(run), params, labels)
            self.client.log_artifacts(run_id, str(folder))
            self.client.set_terminated(run_id, "FINISHED", ended)
            if finished and self._is_first(run_id, f"commit = '{source.commit}'"):
                self.client.set_tag(run_id, COMPLETE, NOW)
            self._runs[source.commit] = self.client.get_run(run_id)

    def _parent(self, run: Run) -> str:
        """Return the run of the sweep that made an experiment, which ends with its last trial."""
        source, key = run.source, (str(run.source.baseline), str(run.source.sweep))
        if key not in self._sweeps:
            words = f"The trials of the sweep `{source.sweep}` on commit `{key[0][:7]}`."
            tags = {
                "model": self.model,
                "baseline": key[0],
                "sweep": key[1],
                "mlflow.note.content": words,
                **mlflow_entities.origin(source.author, key[0]),
            }
            begun = mlflow_entities.milliseconds(source.begun)
            name = f"{source.sweep} on {key[0][:7]}"
            made = str(self.client.create_run(self.experiment, begun, tags, name).info.run_id)
            self._sweeps[key] = made
            only = f"sweep = '{key[1]}' and tags.baseline = '{key[0]}'"
            if not self._is_first(made, only):
                self._sweeps[key] = self._first(only)
            self.client.log_inputs(self._sweeps[key], mlflow_entities.datasets(run))
        ended = mlflow_entities.milliseconds(source.ended)
        self.client.set_terminated(self._sweeps[key], "FINISHED", ended)
        return self._sweeps[key]

    def publish(self, registry: Registry, tell: Tell) -> None:
        """Bring versions and aliases of MLflow's registry up to the tags of Git."""
        from mlrepo.mirror import mlflow_registry

        complete = {
            run.info.run_id: self._sources[commit]
            for commit, run in self._runs.items()
            if COMPLETE in run.data.tags and commit in self._sources
        }
        with told():
            mlflow_registry.publish(self.client, self.experiment, registry, complete, tell)

    def tells(self) -> list[str]:
        """Return where people look."""
        if _is_server():
            return [f"{_shown()}/#/experiments/{self.experiment}"]
        return [f"`uv run mlflow ui --backend-store-uri {address()}` shows it"]

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or owner.project_name()
        found = self.client.get_experiment_by_name(name)
        if found is None:
            known = "MLFLOW_TRACKING_URI" in os.environ
            place = None if known else in_project(ARTIFACTS).resolve().as_uri()
            return str(self.client.create_experiment(name, place))
        if found.lifecycle_stage != "active":
            raise ProjectError(
                f"the experiment '{name}' was deleted in MLflow: restore it there, or name another "
                "in MLFLOW_EXPERIMENT_NAME"
            )
        return str(found.experiment_id)

    def _is_first(self, run_id: str, tag: str) -> bool:
        """Whether a run is the one with a ``tag`` that is kept, if two clones made one at once.

        A run takes itself back for one with a lower id, never for a higher, so that one is left.
        """
        first = self._first(tag)
        if first != run_id:
            self.client.delete_run(run_id)
        return first == run_id

    def _first(self, tag: str) -> str:
        return min(str(run.info.run_id) for run in self._search(f" and tags.{tag}"))

    def _search(self, more: str = "") -> list[Any]:
        from mlflow import search_runs

        query = f"tags.model = '{self.model}'{more}"
        found: list[Any] = search_runs([self.experiment], query, output_format="list")
        return found


def _is_server() -> bool:
    return urlsplit(address()).scheme in ("http", "https")


def _shown() -> str:
    """Return the address without the password that it may hold."""
    parts = urlsplit(address())
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _trouble(patience: float) -> str:
    """Return why a server does not answer, "" if it does."""
    # A server of this machine is not behind the proxy that leads to the world.
    local = urlsplit(address()).hostname in ("localhost", "127.0.0.1", "::1")
    opener = build_opener(ProxyHandler({})) if local else build_opener()
    try:
        opener.open(_shown(), timeout=patience).close()
    except HTTPError:
        return ""  # which is an answer: the server is there
    except OSError as error:
        reason = getattr(error, "reason", error)
        return "timed out" if isinstance(reason, TimeoutError) else str(reason)
    except ValueError as error:
        return str(error)
    return ""
