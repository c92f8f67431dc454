"""Settings of DVC: the address of its remote, and whether files here are copies or links."""

import os
import re
import shutil
import subprocess
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError, told
from mlrepo.core.errors.shell import quoted
from mlrepo.pipeline import dvc_lock, models
from mlrepo.pipeline.dvc import dvc
from mlrepo.storage import move, remote
from mlrepo.storage.remote_errors import KINDS, RemoteError
from mlrepo.storage.store import Store


def relocate(address: str, endpoint: str | None = None, without_missing: bool = False) -> str:
    """Let DVC's default remote be at ``address``, after all that any commit needs is copied there.

    ``address`` may be the name of a remote, which then has settings of its own. Else it has none of
    the old one but what .dvc/config.local says. Nothing changes before the new one is proven: it
    has taken, given and deleted a small object.

    Returns:
        where it is and what was copied, for people.
    """
    kind, separator, _ = address.partition("://")
    _refuse_incomplete(address, endpoint)
    if separator and find_spec(f"dvc_{kind}") is None:
        # For developers; the bounds of its version stay as they are.
        command = ["uv", "add", "--dev", f"dvc[{kind}]"]
        if shutil.which("uv") is None:
            raise ProjectError("uv is not in PATH: get it from https://docs.astral.sh/uv")
        if subprocess.run(command, check=False).returncode:
            raise ProjectError(f"`{' '.join(map(quoted, command))}` failed: fix what it says above")
        for _ in models.each_folder():
            dvc("repro", "environment/dvc.yaml")  # the only stage that reads uv.lock
    store, settings = Store(), {"url": address} | ({"endpointurl": endpoint} if endpoint else {})
    config, known = store.repo.config, store.remotes()
    name: str = config["core"].get("remote") or "storage"
    before, after, said = known.get(name), dict[str, Any](), "nothing was to be copied"
    if address in known:
        name, settings, after = address, {}, known[address]
    else:
        for level in ("system", "global", "local"):
            after |= config.load_one(level)["remote"].get(name, {})
        after |= settings
        if not separator:
            after["url"] = str(Path(address).resolve())
    called = address if address in known else "new"
    while address not in known and called in known:
        called += "2"
    try:
        with told(), remote.open_repo({called: after}) as repo:
            new = remote.Remote(repo, called)
            _prove(new, address, endpoint)
            if before and any(after.get(key) != before.get(key) for key in ("url", "endpointurl")):
                said = move.carry(store, new, without_missing)
    except RemoteError as error:
        raise type(error)(f"{error}\n  So nothing has moved") from None
    _set(name, settings)
    return f"{said}\nDVC's remote '{name}' is {new.url}"


def _refuse_incomplete(address: str, endpoint: str | None) -> None:
    """Refuse what cannot be an address before anything is done for it."""
    kind, separator, rest = address.partition("://")
    if separator and kind not in KINDS:
        raise ProjectError(f"{address} is neither a folder nor an address of {', '.join(KINDS)}")
    bucket, _, folder = rest.partition("/")
    if separator and not (bucket and (folder or kind != "ssh")):
        whole = "ssh://HOST/FOLDER" if kind == "ssh" else f"{kind}://BUCKET/FOLDER"
        raise ProjectError(f"{address} is not a whole address: write {whole}")
    if (kind := address.partition(":")[0]) in KINDS and not separator:
        raise ProjectError(f"{address} is no folder: an address begins with {kind}://")
    if endpoint and kind not in ("gs", "s3"):
        raise ProjectError(f"{address} has no endpoint: --endpoint is of a server that speaks S3")


def _prove(new: remote.Remote, address: str, endpoint: str | None) -> None:
    try:
        new.write()
        if new.refusal:
            raise new.refusal
    except RemoteError as error:
        if new.name == address:
            raise
        said = str(error).replace(f"DVC's {new}", new.url)
        raise type(error)(_before_it_has_a_name(said, new.name, address, endpoint)) from None


def _before_it_has_a_name(said: str, name: str, address: str, endpoint: str | None) -> str:
    """Return what helps as commands that DVC takes: it changes settings of remotes that it has."""
    modify = "`dvc remote modify "
    again = f"`model remote {quoted(address)} --endpoint ADDRESS`"
    said = said.replace(f"{modify}{name} endpointurl ADDRESS`", again)
    said = re.sub(f"{modify}{name} url (ADDRESS|FOLDER)`", r"`model remote \1`", said)
    before, first, others = said.partition(modify)
    if not first:
        return said
    own = [f"`dvc remote add {name} {quoted(address)}`"]
    own += [f"{modify}{name} endpointurl {quoted(endpoint)}`"] * bool(endpoint)
    return f"{before}{', '.join(own)}, {first}{others}, then `model remote {name}`"


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
    dvc_lock.here()
    with told(), Store().repo as repo:
        _ = repo.index.outs  # DVC's command would tell of a broken file in its own words
        if links is Links.hardlinks:
            _refuse_other_disk(Path(repo.cache.local.path))
    dvc("config", "--local", "cache.type", _TYPES[links])
    fix = (
        "see what it says above. `model pull` brings files that are not in the cache, `dvc repro` "
        "or `dvc add` those that have changed"
    )
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
