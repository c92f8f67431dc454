"""CSV files as plain UTF-8, which polars reads as a stream and Python line by line."""

import functools
import gzip
import shutil
import tempfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from backports import zstd

from mlrepo.core.errors import ProjectError

_UNPACK: dict[str, Callable[..., IO[bytes]]] = {".gz": gzip.open, ".zst": zstd.open}
_UTF_8 = ("utf-8", "utf8", "utf_8", "utf-8-sig")


def plain(path: Path, encoding: str) -> Path:
    """Return the file, or a copy that is unpacked and UTF-8 and lasts as long as this process."""
    packed = path.suffix in _UNPACK
    if not packed and encoding.lower() in _UTF_8:
        return path
    found = path.stat()
    return _copy(path, encoding, found.st_size, found.st_mtime_ns)


def open_text(path: Path, encoding: str) -> AbstractContextManager[Any]:
    """Open a file as text with the ends of lines as they are."""
    return plain(path, encoding).open(encoding="utf-8-sig", newline="")


@functools.cache
def _copy(path: Path, encoding: str, _size: int, _changed: int) -> Path:
    """Write the copy; the last two arguments tell a file from a later one of its name."""
    folder = Path(_folder().name)
    copy = folder / f"{len(list(folder.iterdir()))}.csv"
    raw = copy.with_suffix(".raw")
    codec = "utf-8-sig" if encoding.lower() in _UTF_8 else encoding
    try:
        with _UNPACK.get(path.suffix, Path.open)(path, "rb") as packed, raw.open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
    except (OSError, EOFError, zlib.error, zstd.ZstdError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        says = "it is cut off, or not packed as its name says"
        raise ProjectError(f"{path} cannot be unpacked: {says}; write it again") from None
    try:
        with (
            raw.open(encoding=codec, newline="") as text,
            copy.open("w", encoding="utf-8", newline="") as file,
        ):
            shutil.copyfileobj(text, file, 1 << 20)
    except UnicodeError:
        raise not_text(path, raw, encoding) from None
    finally:
        raw.unlink()
    return copy


@functools.cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="mlrepo-")


def not_text(path: Path, raw: Path, encoding: str) -> ProjectError:
    """Return the refusal of a file whose unpacked bytes, in ``raw``, are of another encoding."""
    with raw.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        lines = enumerate(file, 1) if encoding.lower() in _UTF_8 else ()
        number = next((number for number, line in lines if not _reads(line)), None)
    other = "cp1252 (Windows), latin-1 or utf-16"
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        other, number = "utf-16, as its first bytes say", None
    where = f" (line {number})" if number else ""
    return ProjectError(
        f"{path} is not in {encoding}{where}: set data.csv.encoding in params.yaml, "
        f"perhaps to {other}"
    )


def is_text(path: Path) -> bool:
    """Whether a file is UTF-8."""
    with path.open("rb") as file:
        return all(map(_reads, file))


def _reads(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeError:
        return False
    return True
