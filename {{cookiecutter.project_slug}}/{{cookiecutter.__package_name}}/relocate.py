"""Another address for DVC's remote, with all that it takes: plug-in, settings, and a first look."""

import subprocess
import sys
from importlib.util import find_spec

from . import remote
from .errors import ProjectError
from .store import Store

KINDS = ("azure", "gs", "s3", "ssh")  # each is an extra of dvc, and the scheme of its addresses


def relocate(address: str, endpoint: str | None) -> remote.Remote:
    """Let DVC's default remote be at ``address``, without the settings of the one before.

    Nothing is copied, and what .dvc/config.local says of it stays.

    Raises:
        ProjectError: if the plug-in cannot be installed, or the new remote cannot be used; then
            .dvc/config has the address all the same, as only the credentials may be missing.
    """
    kind, separator, _ = address.partition("://")
    if separator and kind not in KINDS:
        raise ProjectError(f"{address} is neither a folder nor an address of {', '.join(KINDS)}")
    dvc = (sys.executable, "-m", "dvc")
    if separator and find_spec(f"dvc_{kind}") is None:
        _run("uv", "add", "--dev", f"dvc[{kind}]")  # its bounds stay as they are
        _run(*dvc, "repro", "environment/dvc.yaml")  # the only stage that reads uv.lock
    try:
        name, _ = Store().remote_settings()
    except ProjectError:
        name = "storage"
    _run(*dvc, "remote", "add", "--force", "--default", name, address)
    if endpoint:
        _run(*dvc, "remote", "modify", name, "endpointurl", endpoint)
    return remote.probe()


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, check=False)
    except FileNotFoundError:
        raise ProjectError(f"{command[0]} is not in PATH") from None
    if done.returncode:
        raise ProjectError(f"`{' '.join(command)}` failed: mend what it says above")
