"""CSV files as plain UTF-8, which polars reads as a stream and Python line by line."""

import functools
import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_UNPACK: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".zst": zstd.open}
_UTF_8 = ("utf-8", "utf8", "utf_8", "utf-8-sig", "utf_8_sig")
_CHUNK = 1 << 20
_MARKED = {b"\xff\xfe\0\0": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_NO_CSV = {
    b"\x1f\x8b": "is packed: let its name end in .csv.gz, once for each time that it was packed",
    b"\x28\xb5\x2f\xfd": "is packed: let its name end in .csv.zst",
    b"PK\x03\x04": "is an Excel or ZIP file: save the table in it as CSV",
    b"PAR1": "is a Parquet file: let its name end in .parquet",
}


class OtherDialectError(ProjectError):
    """A file is written otherwise than data.csv of params.yaml says."""

    def __init__(self, wrong: str, change: str, save: str) -> None:
        """Take what is wrong, what to change in params.yaml, and how else to save the file."""
        super().__init__(f"{wrong}: {change}")
        # A model that is made reads tables as its params said, and a release has no params.yaml.
        self.for_a_model = f"{wrong}: {save}, as this model reads its tables"


@contextmanager
def as_the_model_reads() -> Iterator[None]:
    """Tell in the block how to save a table for a model that is made."""
    try:
        yield
    except OtherDialectError as error:
        raise ProjectError(error.for_a_model) from None


def plain(path: Path, encoding: str) -> Path:
    """Return the file, or a copy that is unpacked and UTF-8 and lasts as long as this process."""
    start = _start(unpacked(path))
    for mark, says in _NO_CSV.items():
        if start.startswith(mark):
            raise ProjectError(f"{path} {says}")
    if encoding.lower() in _UTF_8:
        return unpacked(path)
    return _decoded(path, encoding, path.stat().st_mtime_ns)


def unpacked(path: Path) -> Path:
    """Return the file, or an unpacked copy that lasts as long as this process."""
    return _unpacked(path, path.stat().st_mtime_ns) if path.suffix in _UNPACK else path


def open_text(path: Path, encoding: str) -> AbstractContextManager[Any]:
    """Open a file as text with the ends of lines as they are; CR alone ends none."""
    return plain(path, encoding).open(encoding="utf-8-sig", newline="\n")


def marked(path: Path) -> str | None:
    """Return the encoding that the first bytes of a file tell, other than UTF-8."""
    start = _start(unpacked(path))
    for mark, encoding in _MARKED.items():
        if start.startswith(mark):
            return encoding
    # A Latin letter or digit in UTF-16 is a byte beside a zero.
    order = {"0101": "utf-16-le", "1010": "utf-16-be"}
    return order.get("".join(str(int(byte == 0)) for byte in start))


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


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
    told, given, where = marked(path), encoding.lower(), ""
    if told == given:
        return ProjectError(f"{path} is not {encoding} to its end: it is cut off, write it again")
    others = {"cp1252": "cp1252 (Windows)", "latin-1": "latin-1", "utf-16": "utf-16"}
    other = " or ".join(words for name, words in others.items() if name != given)
    if told:
        other = f"{told}, as its first bytes say"
    elif given in _UTF_8 and (number := _first_other_line(unpacked(path))):
        where = f" (line {number})"
    return OtherDialectError(
        f"{path} is not in {encoding}{where}",
        f"set data.csv.encoding in params.yaml, perhaps to {other}",
        f"save it in {encoding} (now it may be in {other})",
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
