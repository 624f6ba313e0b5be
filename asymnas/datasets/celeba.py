"""CelebA: 202,599 colour photographs of faces, aligned and cropped."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asymnas.config import DataSpec
from asymnas.datasets import DATASETS, Dataset
from asymnas.datasets._images import read_images
from asymnas.datasets._spec import check_spec
from asymnas.datasets._splits import Splits, to_dataset
from asymnas.datasets._torchvision import fetch
from asymnas.errors import DataError

SIZE = 64  # pixels, unless the spec says otherwise


@DATASETS.register("celeba")
def load(spec: DataSpec) -> Dataset:
    """Loads 162,770 training, 19,867 validation and 19,962 test images, uint8 `[n, 3, s, s]`.

    The central square of each image (178 by 218 pixels) is resized to `image_size`, by default 64
    pixels (2.5 GB in memory). All three splits are the shipped ones.

    Read by torchvision from `celeba` under the data root; a download needs the package gdown.
    Tested on small files in that layout, not on the real ones.

    Source: Liu et al. (2015), https://arxiv.org/abs/1411.7766.

    Raises:
        DataError: Missing and not to be downloaded, or unreadable.
    """
    from torchvision.datasets import CelebA

    check_spec(spec, resizable=True)
    size = spec.image_size or SIZE
    splits = Splits(
        *(
            _read(fetch(spec, CelebA, split=part, target_type=[]), size)
            for part in ("train", "valid", "test")
        )
    )
    return to_dataset(splits, notes=(f"centre-cropped and resized to {size} by {size}",))


def _read(part: Any, size: int) -> NDArray[np.uint8]:
    """The images of one split, uint8 `[n, 3, size, size]`."""
    folder = Path(part.root) / part.base_folder / "img_align_celeba"
    if not part.filename:
        raise DataError(f"celeba's list of files under {folder.parent} names none for a split")
    return read_images([folder / name for name in part.filename], size)
