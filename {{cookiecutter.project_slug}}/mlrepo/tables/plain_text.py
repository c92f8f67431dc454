"""CSV files as plain UTF-8, which polars reads as a stream and Python line by line."""

import functools
import gzip
import shutil
import tempfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from backports import zstd

from mlrepo.core.errors import ProjectError

_UNPACK: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".zst": zstd.open}
_UTF_8 = ("utf-8", "utf8", "utf_8", "utf-8-sig", "utf_8_sig")
_CHUNK = 1 << 20
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # how a file of UTF-16 begins


def plain(path: Path, encoding: str) -> Path:
    """Return the file, or a copy that is unpacked and UTF-8 and lasts as long as this process."""
    if encoding.lower() in _UTF_8:
        return unpacked(path)
    return _decoded(path, encoding, path.stat().st_mtime_ns)


def unpacked(path: Path) -> Path:
    """Return the file, or an unpacked copy that lasts as long as this process."""
    return _unpacked(path, path.stat().st_mtime_ns) if path.suffix in _UNPACK else path


def open_text(path: Path, encoding: str) -> AbstractContextManager[Any]:
    """Open a file as text with the ends of lines as they are."""
    return plain(path, encoding).open(encoding="utf-8-sig", newline="")


@functools.cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="mlrepo-")


def _place() -> Path:
    return Path(tempfile.mkdtemp(dir=_folder().name)) / "table.csv"


@functools.cache
def _unpacked(path: Path, _changed: int) -> Path:
    """Write the copy; the last argument tells a file from a later one of its name."""
    copy = _place()
    with path.open("rb") as file, copy.open("wb") as whole:
        try:
            with _UNPACK[path.suffix](file, "rb") as rows:
                shutil.copyfileobj(rows, whole, _CHUNK)
        except (gzip.BadGzipFile, EOFError, zlib.error, zstd.ZstdError):
            says = "it is cut off, or not packed as its name says"
            raise ProjectError(f"{path} cannot be unpacked: {says}; write it again") from None
    return copy


@functools.cache
def _decoded(path: Path, encoding: str, _changed: int) -> Path:
    copy = _place()
    try:
        with (
            unpacked(path).open(encoding=encoding, newline="") as text,
            copy.open("w", encoding="utf-8", newline="") as file,
        ):
            shutil.copyfileobj(text, file, _CHUNK)
    except UnicodeError:
        raise not_text(path, encoding) from None
    return copy


def not_text(path: Path, encoding: str) -> ProjectError:
    """Return the refusal of a file that is of another encoding."""
    bare = unpacked(path)
    with bare.open("rb") as file:
        start = file.read(2)
    other, where = "cp1252 (Windows), latin-1 or utf-16", ""
    if start in UTF_16:
        other = "utf-16, as its first bytes say"
    elif encoding.lower() in _UTF_8 and (number := _first_other_line(bare)):
        where = f" (line {number})"
    return ProjectError(
        f"{path} is not in {encoding}{where}: set data.csv.encoding in params.yaml, "
        f"perhaps to {other}"
    )


def is_text(path: Path) -> bool:
    """Whether a file is UTF-8."""
    return not _first_other_line(unpacked(path))


def _first_other_line(path: Path) -> int | None:
    """Return the number of the first line that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeError:
                return number
    return None
