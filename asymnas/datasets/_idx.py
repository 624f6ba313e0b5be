"""The IDX format of the MNIST family, plain or gzipped."""

import gzip
import struct
import zlib
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asymnas.datasets._messages import one_line
from asymnas.errors import DataError

UBYTE = 0x0800  # two zero bytes, the code of unsigned bytes; the last byte counts the dimensions


def find_idx(directories: Iterable[Path], names: Sequence[str]) -> list[Path] | None:
    """The files of the first directory that has all of them, each plain or with `.gz`."""
    for directory in directories:
        found = [path for name in names if (path := _plain_or_gzipped(directory / name))]
        if len(found) == len(names):
            return found
    return None


def _plain_or_gzipped(path: Path) -> Path | None:
    candidates = (path, path.with_name(f"{path.name}.gz"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def read_idx_images(path: Path) -> NDArray[np.uint8]:
    """Reads an IDX file of greyscale images; read-only uint8 `[n, 1, h, w]`.

    The format: http://yann.lecun.com/exdb/mnist/

    Raises:
        DataError: Unreadable, or not such a file.
    """
    return _read(path, 3, "images")[:, None]


def read_idx_labels(path: Path) -> NDArray[np.uint8]:
    """Reads an IDX file of labels; read-only uint8 `[n]`.

    Raises:
        DataError: Unreadable, or not such a file.
    """
    return _read(path, 1, "labels")


def _read(path: Path, dimensions: int, what: str) -> NDArray[np.uint8]:
    """Reads an IDX file of unsigned bytes with so many dimensions."""
    header = struct.Struct(f">{1 + dimensions}I")
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        magic, *shape = header.unpack_from(data)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(
            f"{path} is unreadable ({one_line(error)}): remove it and fetch it again"
        ) from error
    if magic != UBYTE + dimensions or len(data) != header.size + prod(shape):
        raise DataError(f"{path} is not a whole IDX file of {what}: remove it and fetch it again")
    return np.frombuffer(data, dtype=np.uint8, offset=header.size).reshape(shape)
