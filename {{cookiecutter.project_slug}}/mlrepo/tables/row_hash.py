"""A 32-bit number for each row that any engine can compute again.

An engine's own hash, and its way to write a float, change with its version; this formula does not.
"""

import zlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]

_MISSING = np.uint32(0x9E3779B9)  # in place of a value


def row_hash(names: list[str], seed: int) -> pl.Expr:
    """Return a number for each row that depends on the columns ``names``, in that order, alone.

    Of a text the CRC-32 of its UTF-8 is taken; of any other value the halves of its 64 bits, as an
    integer or an IEEE 754 float, are mixed. What comes out is mixed in turn with the finalizer of
    MurmurHash3 (A. Appleby, public domain).
    """
    start = mix(np.array([seed + 1], dtype=np.uint64).astype(np.uint32))

    # NumPy, as polars divides where it should shift: a tenth of the time.
    def hashes(row: pl.Series) -> pl.Series:
        number = np.repeat(start, len(row))
        for name in row.struct.fields:
            number = mix(_code(row.struct.field(name)) ^ number)
        return pl.Series(row.name, number)

    row = pl.struct(pl.col(name).to_physical().alias(str(n)) for n, name in enumerate(names))
    return row.map_batches(hashes, return_dtype=pl.UInt32, is_elementwise=True)


def mix(number: Hashes) -> Hashes:
    """Return numbers (n,) of which each bit depends on all bits of those given."""
    number = number ^ (number >> np.uint32(16))
    for factor, shift in ((0x85EBCA6B, 13), (0xC2B2AE35, 16)):
        number *= np.uint32(factor)
        number ^= number >> np.uint32(shift)
    return number


def _code(values: pl.Series) -> Hashes:
    numbers = _of_texts(values) if values.dtype == pl.String else _of_numbers(values)
    if values.null_count():
        numbers[values.is_null().to_numpy()] = _MISSING
    return numbers


def _of_texts(values: pl.Series) -> Hashes:
    different = values.unique()
    if 4 * len(different) >= len(values):
        return _checksums(values)
    # A checksum for each text that there is: a fifth of the time for a column of few categories.
    numbers = pl.Series(_checksums(different))
    return values.replace_strict(different, numbers, return_dtype=pl.UInt32).to_numpy().copy()


def _checksums(values: pl.Series) -> Hashes:
    texts = values.cast(pl.Binary).fill_null(b"")
    return np.fromiter(map(zlib.crc32, texts), dtype=np.uint32, count=len(texts))


def _of_numbers(values: pl.Series) -> Hashes:
    is_float = values.dtype.is_float()
    numbers = values.cast(pl.Float64 if is_float else pl.Int64).fill_null(0).to_numpy()
    if is_float:
        numbers = numbers + 0.0  # of -0.0 that makes 0.0, which it is equal to
    bits = numbers.view(np.uint64)
    return mix((bits >> np.uint64(32)).astype(np.uint32)) ^ bits.astype(np.uint32)
