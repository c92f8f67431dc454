"""Make the workers of a Dask cluster compute as this process does: its code, versions, numerics."""

import hashlib
import io
import sys
import zipfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cloudpickle
from distributed.diagnostics.plugin import WorkerPlugin

from . import numerics
from .errors import ProjectError

PACKAGE = __name__.partition(".")[0]
# What shapes a result or carries it. Other packages of workers may differ.
ON_WORKERS = (
    "cloudpickle",
    "dask",
    "distributed",
    "joblib",
    "lightgbm",
    "numpy",
    "pandas",
    "polars",
    "scikit-learn",
    "scipy",
    "xgboost",
)
ON_SCHEDULER = ("cloudpickle", "dask", "distributed")
_PLUGIN = f"code of {PACKAGE}"


class Code(WorkerPlugin):  # type: ignore[misc]  # Dask is an extra, and not known to mypy
    """Puts this package, as the driver has it, before what the worker has installed or loaded."""

    def __init__(self, package: str, archive: bytes, digest: str) -> None:
        """Keep what is to be sent: the package's files as a zip, and what they hash to."""
        self.package, self.archive, self.digest = package, archive, digest

    def setup(self, worker: Any) -> None:
        """Install the code in the worker's own folder; Dask calls it on new workers, too."""
        folder = Path(worker.local_directory) / f"code-{self.digest}"
        loaded = getattr(sys.modules.get(self.package), "__file__", None) or ""
        if loaded.startswith(str(folder)):
            return
        with zipfile.ZipFile(io.BytesIO(self.archive)) as archive:
            archive.extractall(folder)
        for name in list(sys.modules):
            if name == self.package or name.startswith(f"{self.package}."):
                del sys.modules[name]
        sys.path.insert(0, str(folder))


def state(package: str, pinned: bool) -> tuple[str, str]:
    """Return, on a worker: the folder of the code it runs, and how it computes if that matters."""
    from importlib import import_module

    code = import_module(f"{package}.numerics")
    return Path(str(code.__file__)).parent.parent.name, code.fingerprint() if pinned else ""


# Workers have this module in another version, or not at all: it goes to them by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def prepare(client: Any, pinned: bool) -> str:
    """Send this package to all workers, those that come later included, and check them.

    Returns:
        What `check` knows the code by.

    Raises:
        ProjectError: see `check`.
    """
    _refuse_versions(client)  # first, as a plugin does not even load in another Python
    archive, digest = _archive()
    client.register_plugin(Code(PACKAGE, archive, digest), name=_PLUGIN)
    check(client, digest, pinned)
    return digest


def leave(client: Any) -> None:
    """Send no code to workers that come later; what a dead scheduler knows does not matter."""
    with suppress(Exception):
        client.unregister_worker_plugin(_PLUGIN)


def check(client: Any, digest: str, pinned: bool) -> None:
    """Refuse workers that do not compute what this process would.

    Raises:
        ProjectError: naming the workers and what is different.
    """
    _refuse_versions(client)
    own = f"code-{digest}", numerics.fingerprint() if pinned else ""
    states = client.run(state, PACKAGE, pinned)
    others = sorted(worker for worker, (code, _) in states.items() if code != own[0])
    if others:
        raise ProjectError(
            f"another run has put other code of {PACKAGE} on {', '.join(others)}: a cluster works "
            "for one commit of a project at a time; wait for that run, and start this one again"
        )
    others = sorted(worker for worker, (_, sums) in states.items() if sums != own[1])
    if others:
        raise ProjectError(
            f"{', '.join(others)} would not compute the same bits as this machine, and "
            "numerics.pinned in params.yaml demands it. Start each worker with the same settings, "
            f"`python -m {PACKAGE}.pinned dask worker ADDRESS`; if that was done, its processor "
            "is of another kind"
        )


def _refuse_versions(client: Any) -> None:
    found = client.get_versions(packages=ON_WORKERS)
    own = _own_versions()
    lines = []
    places = {"the scheduler": (found["scheduler"], ON_SCHEDULER)}
    places |= {worker: (it, ON_WORKERS) for worker, it in sorted(found["workers"].items())}
    for place, (said, names) in places.items():
        there = {name: said["packages"].get(name) for name in names}
        there["python"] = ".".join(said["packages"]["python"].split(".")[:2])
        different = [
            f"{name} {there[name] or '(none)'} instead of {own[name]}"
            for name in sorted(there)
            if own[name] is not None and there[name] != own[name]
        ]
        if different:
            lines.append(f"{place} has {', '.join(different)}")
    if lines:
        raise ProjectError(
            "\n       ".join(lines)
            + "\n       Make each environment of the cluster from this commit's uv.lock with "
            "`uv sync --extra cluster` and start it again."
        )


def _own_versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
    for name in ON_WORKERS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return versions


def _archive() -> tuple[bytes, str]:
    """Return this package's files as a zip, and 16 digits of the SHA-256 of what is in it."""
    root = Path(__file__).parent
    buffer, digest = io.BytesIO(), hashlib.sha256()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*.py")):
            name, content = path.relative_to(root.parent).as_posix(), path.read_bytes()
            archive.writestr(name, content)
            digest.update(f"{name} {len(content)}\n".encode() + content)
    return buffer.getvalue(), digest.hexdigest()[:16]
