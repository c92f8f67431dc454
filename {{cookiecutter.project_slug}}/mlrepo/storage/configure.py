"""Settings of DVC: the address of its remote, and whether files here are copies or links."""

import os
import shutil
import subprocess
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.dvc import dvc
from mlrepo.storage import remote
from mlrepo.storage.store import Store

KINDS = ("azure", "gs", "s3", "ssh")  # each is an extra of dvc, and the scheme of its addresses


def relocate(address: str, endpoint: str | None) -> remote.Remote:
    """Let DVC's default remote be at ``address``, without the settings of the one before.

    Nothing is copied, and what .dvc/config.local says of it stays. Where the new remote cannot be
    used, .dvc/config has the address all the same, as only the credentials may be missing.
    """
    kind, separator, _ = address.partition("://")
    if separator and kind not in KINDS:
        raise ProjectError(f"{address} is neither a folder nor an address of {', '.join(KINDS)}")
    if separator and find_spec(f"dvc_{kind}") is None:
        # For developers; the bounds of its version stay as they are.
        command = ["uv", "add", "--dev", f"dvc[{kind}]"]
        if shutil.which("uv") is None:
            raise ProjectError("uv is not in PATH: get it from https://docs.astral.sh/uv")
        if subprocess.run(command, check=False).returncode:
            raise ProjectError(f"`{' '.join(command)}` failed: fix what it says above")
        dvc("repro", "environment/dvc.yaml")  # the only stage that reads uv.lock
    try:
        name, _ = Store().remote_settings()
    except ProjectError:
        name = "storage"
    dvc("remote", "add", "--force", "--default", name, address)
    if endpoint:
        dvc("remote", "modify", name, "endpointurl", endpoint)
    return remote.probe()


class Links(StrEnum):
    """What a file in the folder is to the same file in the cache."""

    copies = "copies"
    hardlinks = "hardlinks"


# The first that a disk has is taken. Never symlinks: who writes to one writes into the cache, and
# for root not even its write protection stands in the way.
_TYPES = {Links.copies: "reflink,copy", Links.hardlinks: "reflink,hardlink,copy"}


def use(links: Links) -> None:
    """Choose for this machine, and put all files of this commit into the folder anew.

    It is written to .dvc/config.local, so nothing that Git keeps changes.
    """
    if links is Links.hardlinks:
        _refuse_other_disk(Store().cache_folder)
    dvc("config", "--local", "cache.type", _TYPES[links])
    fix = "`dvc repro` or `dvc add` first brings files that changed into the cache"
    dvc("checkout", "--relink", "--quiet", fix=fix)


def _refuse_other_disk(cache: Path) -> None:
    target, link = cache / ".linkable", Path(".dvc/tmp/.linkable")
    for path in (target, link):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    target.touch()
    try:
        os.link(target, link)
    except OSError as error:
        raise ProjectError(
            f"DVC's cache {cache} cannot be linked to this folder ({error.strerror}): hard links "
            "need both on one disk. `dvc cache dir --local FOLDER` moves it to another"
        ) from None
    finally:
        target.unlink()
        link.unlink(missing_ok=True)
