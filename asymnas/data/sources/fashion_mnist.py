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
from asymnas.core.text import one_line
from asymnas.data.base import DATASETS, Dataset, with_shipped_test
from asymnas.data.sources.torchvision import fetch
from asymnas.data.spec import check_spec, data_root

FOLDER = "FashionMNIST/raw"  # under the data root
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
IMAGES = ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte")
LABELS = ("train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte")
UBYTE = 0x0800  # two zero bytes, the code of unsigned bytes; the last byte counts the dimensions


@DATASETS.register("fashion-mnist")
def load(spec: DataSpec) -> Dataset:
    """Loads 54,000 training, 6,000 validation and 10,000 test images, uint8 `[n, 1, 28, 28]`.

    Read from torchvision's layout under the data root, else from Debian's package
    `dataset-fashion-mnist`; with labels where their files are beside the images'.

    Source: Xiao, Rasul & Vollgraf (2017), https://arxiv.org/abs/1708.07747.

    Raises:
        DataError: Missing and not to be downloaded, or unreadable.
    """
    check_spec(spec)
    raw = data_root(spec) / FOLDER
    images = _paths((raw, DEBIAN), IMAGES)
    if images is None and spec.download:
        fetch(spec, "FashionMNIST", [FOLDER])
        images = _paths((raw,), IMAGES)
    if images is None:
        raise DataError(
            f"fashion-mnist was not found in {raw} nor in {DEBIAN}: pass --data-root DIR if it "
            "is elsewhere, --download to fetch it, or install Debian's dataset-fashion-mnist"
        )
    labels = _paths({path.parent for path in images}, LABELS)
    return with_shipped_test(
        [read_idx(path, "images")[:, None] for path in images],
        [read_idx(path, "labels") for path in labels] if labels else None,
        spec.seed,
    )


def _paths(directories: Iterable[Path], names: Sequence[str]) -> list[Path] | None:
    """The files of the first directory that has all of them, each plain or with `.gz`."""
    for directory in directories:
        plain_or_packed = [(directory / name, directory / f"{name}.gz") for name in names]
        paths = [next((p for p in pair if p.is_file()), None) for pair in plain_or_packed]
        if None not in paths:
            return [path for path in paths if path is not None]
    return None


def read_idx(path: Path, what: str) -> NDArray[np.uint8]:
    """Reads an IDX file of unsigned bytes; torchvision's reader takes no gzipped ones, as Debian's.

    The format: http://yann.lecun.com/exdb/mnist/

    Args:
        path: The file, plain or with `.gz`.
        what: "images", `[n, h, w]`, or "labels", `[n]`.

    Raises:
        DataError: Unreadable, or not such a file.
    """
    dimensions = {"images": 3, "labels": 1}[what]
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
