"""Image data sets in torchvision's layouts on disk, which it also downloads.

Loaders are tested on small files in these layouts, not on the real ones.
"""

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import one_line
from asymnas.data.base import DATASETS, Dataset, with_shipped_test
from asymnas.data.spec import check_spec, data_root

Images = NDArray[np.uint8]


def _grey(images: Images) -> Images:
    return images[:, None]


def _grey_transposed(images: Images) -> Images:
    return images[:, None].swapaxes(2, 3)


def _channels_last(images: Images) -> Images:
    return images.transpose(0, 3, 1, 2)


def _channels_first(images: Images) -> Images:
    return images


class VisionSet(NamedTuple):
    """A data set that torchvision reads whole, with a training and a test part.

    Args:
        name: What users call it.
        source: The class of `torchvision.datasets`.
        files: Where it is under the data root.
        parts: What selects the training and the test part.
        upright: Makes uint8 `[n, c, h, w]` out of its `data`.
        labels: Its attribute that holds the labels.
    """

    name: str
    source: str
    files: Sequence[str]
    parts: tuple[Mapping[str, Any], Mapping[str, Any]]
    upright: Callable[[Images], Images]
    labels: str = "targets"


BY_FLAG = ({"train": True}, {"train": False})
BY_NAME = ({"split": "train"}, {"split": "test"})
BALANCED = ({"split": "balanced", "train": True}, {"split": "balanced", "train": False})

#: Sources: LeCun, Cortes & Burges, http://yann.lecun.com/exdb/mnist/; Clanuwat et al. (2018),
#: https://arxiv.org/abs/1812.01718; Cohen et al. (2017), https://arxiv.org/abs/1702.05373, whose
#: files hold the images transposed; Krizhevsky (2009), https://www.cs.toronto.edu/~kriz/cifar.html;
#: Netzer et al. (2011), http://ufldl.stanford.edu/housenumbers/, without the extra images; Coates,
#: Ng & Lee (2011), https://cs.stanford.edu/~acoates/stl10/, without the unlabelled images.
VISION_SETS = (
    VisionSet("mnist", "MNIST", ["MNIST/raw"], BY_FLAG, _grey),
    VisionSet("kmnist", "KMNIST", ["KMNIST/raw"], BY_FLAG, _grey),
    VisionSet("emnist", "EMNIST", ["EMNIST/raw"], BALANCED, _grey_transposed),
    VisionSet("cifar10", "CIFAR10", ["cifar-10-batches-py"], BY_FLAG, _channels_last),
    VisionSet("cifar100", "CIFAR100", ["cifar-100-python"], BY_FLAG, _channels_last),
    VisionSet(
        "svhn",
        "SVHN",
        ["train_32x32.mat", "test_32x32.mat"],
        BY_NAME,
        _channels_first,
        labels="labels",
    ),
    VisionSet("stl10", "STL10", ["stl10_binary"], BY_NAME, _channels_first, labels="labels"),
)


def _load(spec: DataSpec, row: VisionSet) -> Dataset:
    """Loads a row of the table; the seed draws the validation split from the training part.

    Raises:
        DataError: Missing and not to be downloaded, or unreadable.
    """
    check_spec(spec)
    parts = [fetch(spec, row.source, row.files, **part) for part in row.parts]
    images = [row.upright(np.asarray(part.data)) for part in parts]
    labels = [np.asarray(getattr(part, row.labels)) for part in parts]
    return with_shipped_test(images, labels, spec.seed)


for _row in VISION_SETS:
    DATASETS.register(_row.name, f"Images of torchvision's {_row.source}, with labels")(
        partial(_load, row=_row)
    )


def fetch(spec: DataSpec, source: str, files: Sequence[str], **options: Any) -> Any:
    """One part of a torchvision data set; only with `spec.download` is the network touched.

    Args:
        spec: Says where to look and whether to download.
        source: A class of `torchvision.datasets`.
        files: Where the data set is under the root; if any of them exists, it was fetched.
        **options: What selects the part (`train=True`, `split="test"`).

    Raises:
        DataError: Missing, damaged, or the download failed.
    """
    from torchvision import datasets

    root = data_root(spec)
    read = partial(getattr(datasets, source), str(root), **options)
    there = any((root / name).exists() for name in files)
    if not there and not spec.download:
        raise DataError(
            f"{spec.source} was not found in torchvision's layout under {root} (no "
            f"{' or '.join(files)}): pass --data-root DIR if it is elsewhere, or --download"
        )
    if there:
        try:
            return read(download=False)
        except Exception as error:  # what a damaged file raises depends on its format
            if not spec.download:
                raise DataError(
                    f"{spec.source} under {root} is incomplete or damaged ({one_line(error)}): "
                    "remove it and pass --download to fetch it again"
                ) from error
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return read(download=True)
    except Exception as error:  # network, disk, archive and checksum errors share no base
        if there:
            raise DataError(
                f"{spec.source} under {root} is incomplete or damaged and was not replaced "
                f"({one_line(error)}): remove it, check the network and try again"
            ) from error
        raise DataError(
            f"{spec.source} could not be downloaded to {root} ({one_line(error)}): check the "
            "network, or pass --data-root DIR of a copy in torchvision's layout"
        ) from error
