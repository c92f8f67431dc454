"""Make the workers of a Dask cluster compute as this process does: its code, versions, numerics."""

import hashlib
import io
import sys
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cloudpickle
from distributed.diagnostics.plugin import WorkerPlugin

from mlrepo.core import owner
from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import in_project
from mlrepo.learning import fingerprint

# What carries a result, and what shapes it. Other packages of workers may differ.
ON_SCHEDULER = ("cloudpickle", "dask", "distributed")
ON_WORKERS = (
    *ON_SCHEDULER,
    *("joblib", "lightgbm", "numpy", "pandas", "polars", "scikit-learn", "scipy", "xgboost"),
)
_PLUGIN = "code of the project"


class Code(WorkerPlugin):
    """Puts the project's code, as the driver has it, before what the worker has installed."""

    def __init__(self, packages: list[str], archive: bytes, digest: str) -> None:
        """Keep what is to be sent: the packages' files as a zip, and what they hash to."""
        self.packages, self.archive, self.digest = packages, archive, digest

    def setup(self, worker: Any) -> None:
        """Install the code in the worker's own folder; Dask calls it on new workers, too."""
        folder = Path(worker.local_directory) / f"code-{self.digest}"
        loaded = getattr(sys.modules.get(self.packages[0]), "__file__", None) or ""
        if loaded.startswith(str(folder)):
            return
        with zipfile.ZipFile(io.BytesIO(self.archive)) as archive:
            archive.extractall(folder)
        for name in list(sys.modules):
            if name.partition(".")[0] in self.packages:
                del sys.modules[name]
        sys.path.insert(0, str(folder))


def state(pinned: bool) -> tuple[str, str]:
    """Return, on a worker: the folder of the code it runs, and how it computes if that matters."""
    import mlrepo
    from mlrepo.learning import fingerprint as code

    folder = Path(str(mlrepo.__file__)).parents[1]
    return folder.name, code.fingerprint() if pinned else ""


# Workers have this module in another version, or not at all: it goes to them by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def prepare(client: Any, pinned: bool) -> str:
    """Send the project's code to all workers, later ones too, check them, and return its digest."""
    _refuse_versions(client)  # first, as a plugin does not even load in another Python
    packages = ["mlrepo", owner.name()]
    archive, digest = _archive([in_project(packages[0]), Path(packages[1])])
    client.register_plugin(Code(packages, archive, digest), name=_PLUGIN)
    check(client, digest, pinned)
    return digest


def leave(client: Any) -> None:
    """Send no code to workers that come later; what a dead scheduler knows does not matter."""
    with suppress(Exception):
        client.unregister_worker_plugin(_PLUGIN)


def check(client: Any, digest: str, pinned: bool) -> None:
    """Refuse workers that do not compute what this process would."""
    _refuse_versions(client)
    own = f"code-{digest}", fingerprint.fingerprint() if pinned else ""
    states = sorted(client.run(state, pinned).items())
    if others := ", ".join(worker for worker, (code, _) in states if code != own[0]):
        raise ProjectError(
            f"another run has put other code of this project on {others}: a cluster works for one "
            "commit of a project at a time; wait for that run, then start this again"
        )
    if others := ", ".join(worker for worker, (_, sums) in states if sums != own[1]):
        raise ProjectError(
            f"{others} would not compute the same bits as this machine, and "
            "numerics.pinned in params.yaml demands it. Start each worker with the same settings, "
            "`python -m mlrepo.core.numerics dask worker ADDRESS`; if that was done, its "
            "processor is of another kind"
        )


def _refuse_versions(client: Any) -> None:
    found = client.get_versions(packages=ON_WORKERS)
    own = _versions(found["client"], ON_WORKERS)
    lines = []
    places = {"the scheduler": (found["scheduler"], ON_SCHEDULER)}
    places |= {worker: (it, ON_WORKERS) for worker, it in sorted(found["workers"].items())}
    for place, (there, names) in places.items():
        different = [
            f"{name} {version or '(none)'} instead of {own[name]}"
            for name, version in _versions(there, names).items()
            if own[name] is not None and version != own[name]
        ]
        if different:
            lines.append(f"{place} has {', '.join(different)}")
    if lines:
        lines.append(
            "Make each environment of the cluster from this commit's uv.lock with "
            "`uv sync --extra cluster` and start it again."
        )
        raise ProjectError("\n       ".join(lines))


def _versions(found: dict[str, Any], names: Iterable[str]) -> dict[str, str | None]:
    """Return the versions of Python, without its patch, and of packages; None: not installed."""
    python = ".".join(found["packages"]["python"].split(".")[:2])
    return {"python": python} | {name: found["packages"].get(name) for name in names}


def _archive(packages: list[Path]) -> tuple[bytes, str]:
    """Return the packages' files as a zip, and 16 digits of the SHA-256 of what is in it."""
    files = [path for package in packages for path in sorted(package.rglob("*.py"))]
    buffer, digest = io.BytesIO(), hashlib.sha256()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            name, content = path.as_posix().removeprefix("../"), path.read_bytes()
            archive.writestr(name, content)
            digest.update(f"{name} {len(content)}\n".encode() + content)
    return buffer.getvalue(), digest.hexdigest()[:16]
