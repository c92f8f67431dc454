"""Settings of DVC: the address of its remote, and whether files here are copies or links."""

import os
import shutil
import subprocess
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError, told
from mlrepo.pipeline.dvc import dvc
from mlrepo.storage import move, remote, remote_errors
from mlrepo.storage.store import Store

KINDS = ("azure", "gs", "s3", "ssh")  # each is an extra of dvc, and the scheme of its addresses


def relocate(
    address: str, endpoint: str | None = None, without_missing: bool = False
) -> tuple[remote.Remote, str]:
    """Let DVC's default remote be at ``address``, after all that any commit needs is copied there.

    ``address`` may be the name of a remote, which then has settings of its own. Else it has none of
    the old one but what .dvc/config.local says. Where the new one cannot be used and nothing is to
    be copied, .dvc/config has the address all the same, as only the credentials may be missing.

    Returns:
        the new one and, for people, what was copied.
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
    store, name, said = Store(), "storage", "nothing was to be copied"
    settings = {"url": address} | ({"endpointurl": endpoint} if endpoint else {})
    if store.repo.config["core"].get("remote"):
        (name, before), known = store.remote_settings(), store.remotes()
        config, after = store.repo.config, dict[str, Any]()
        for level in ("system", "global", "local"):
            after |= config.load_one(level)["remote"].get(name, {})
        after |= settings
        if not separator:
            after["url"] = str(Path(address).resolve())
        if address in known:
            name, settings, after = address, {}, known[address]
        if any(after.get(key) != before.get(key) for key in ("url", "endpointurl")):
            said = _carry(store, name if address in known else "new", after, without_missing)
    _set(name, settings)
    return remote.probe(), said


def _carry(store: Store, name: str, settings: dict[str, Any], without_missing: bool) -> str:
    try:
        with remote.open_repo({name: settings}) as repo:
            return move.carry(store, remote.Remote(repo, name), without_missing)
    except remote_errors.RemoteError as error:
        own = "`dvc remote add new ADDRESS` and `model remote new`"
        raise type(error)(
            f"{error}\n  So nothing has moved. If it needs settings of its own: {own}"
        ) from None


def _set(name: str, settings: dict[str, str]) -> None:
    """Write the settings of the default remote at once, as `dvc remote` would one by one."""
    from dvc.config import Config  # type: ignore[import-untyped]

    with told(), Config.from_cwd().edit("repo") as config:
        config["core"]["remote"] = name
        if settings:
            config["remote"][name] = settings


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
    with told(), Store().repo as repo:
        repo.index.outs  # noqa: B018  # DVC's command would tell of a broken file in its words
        if links is Links.hardlinks:
            _refuse_other_disk(Path(repo.cache.local.path))
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
