"""Fashion-MNIST: 70,000 greyscale images of garments, 28 by 28 pixels."""

import gzip
import struct
import zlib
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import DATASETS, Dataset, check_spec, data_root
from asymnas.data.messages import one_line
from asymnas.data.sources._torchvision import fetch
from asymnas.data.splits import with_shipped_test

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


DEBIAN = Path("/usr/share/datasets/fashion-mnist")
FILES = ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte")
LABELS = ("train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte")


@DATASETS.register("fashion-mnist")
def load(spec: DataSpec) -> Dataset:
    """Loads 54,000 training, 6,000 validation and 10,000 test images, uint8 `[n, 1, 28, 28]`.

    Found in torchvision's layout under the data root, else in Debian's package
    `dataset-fashion-mnist`; with labels where their files lie beside the images'.

    Source: Xiao, Rasul & Vollgraf (2017), https://arxiv.org/abs/1708.07747.

    Raises:
        DataError: Missing and not to be downloaded, or unreadable.
    """
    check_spec(spec)
    raw = data_root(spec) / "FashionMNIST" / "raw"
    found = find_idx((raw, DEBIAN), FILES)
    if found is None and spec.download:
        from torchvision.datasets import FashionMNIST

        fetch(spec, FashionMNIST)
        found = find_idx((raw,), FILES)
    if found is None:
        raise DataError(
            f"fashion-mnist was not found in {raw} nor in {DEBIAN}: pass --data-root DIR if it "
            "lies elsewhere, --download to fetch it, or install Debian's dataset-fashion-mnist"
        )
    labels = find_idx({path.parent for path in found}, LABELS)
    return with_shipped_test(
        [read_idx_images(path) for path in found],
        [read_idx_labels(path) for path in labels] if labels else None,
        spec.seed,
    )
