"""How DVC puts files of its cache into this folder on this machine: as copies, or as links."""

import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

from .errors import ProjectError
from .store import Store


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

    Raises:
        ProjectError: if the disk cannot link, or a file differs from what is in the cache.
    """
    if links is Links.hardlinks:
        _refuse_other_disk(Store().cache_folder)
    _dvc("config", "--local", "cache.type", _TYPES[links], mend="mend what it says above")
    mend = "`dvc repro` or `dvc add` first brings files that changed into the cache"
    _dvc("checkout", "--relink", "--quiet", mend=mend)


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


def _dvc(*arguments: str, mend: str) -> None:
    if subprocess.run([sys.executable, "-m", "dvc", *arguments], check=False).returncode:
        raise ProjectError(f"`dvc {' '.join(arguments)}` failed: {mend}")
