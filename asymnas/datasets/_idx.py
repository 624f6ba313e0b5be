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

UBYTE_IMAGES = 0x0803  # two zero bytes, the code of unsigned bytes, three dimensions


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
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        magic, n, height, width = struct.unpack_from(">4I", data)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(
            f"{path} is unreadable ({one_line(error)}): remove it and fetch it again"
        ) from error
    if magic != UBYTE_IMAGES or len(data) != 16 + prod((n, height, width)):
        raise DataError(f"{path} is not a whole IDX file of images: remove it and fetch it again")
    return np.frombuffer(data, dtype=np.uint8, offset=16).reshape(n, 1, height, width)
