"""CelebA: 202,599 colour photographs of faces, aligned and cropped."""

from pathlib import Path

import numpy as np

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import DATASETS, Dataset, to_views
from asymnas.data.images.cache import cached_images
from asymnas.data.sources.torchvision import fetch
from asymnas.data.spec import check_spec, data_root
from asymnas.data.splits import Splits

SIZE = 64  # pixels, unless the spec says otherwise


@DATASETS.register("celeba")
def load(spec: DataSpec) -> Dataset:
    """Loads 162,770 training, 19,867 validation and 19,962 test images, uint8 `[n, 3, s, s]`.

    The central square of each image (178 by 218 pixels) is resized to `image_size`, by default 64
    pixels (a cache of 2.5 GB, see `images/cache.py`). All three splits are the shipped ones.

    Read by torchvision from `celeba` under the data root; a download needs the package gdown.
    Tested on small files in that layout, not on the real ones.

    Source: Liu et al. (2015), https://arxiv.org/abs/1411.7766.

    Raises:
        DataError: Missing and not to be downloaded, or unreadable.
    """
    check_spec(spec, resizable=True)
    size = spec.image_size or SIZE
    parts = [
        fetch(spec, "CelebA", ["celeba"], split=part, target_type=[])
        for part in ("train", "valid", "test")
    ]
    folder = Path(parts[0].root) / parts[0].base_folder / "img_align_celeba"
    if not all(len(part.filename) for part in parts):
        raise DataError(f"celeba's list of files under {folder.parent} names none for a split")
    names = [name for part in parts for name in part.filename]
    images, white, _, notes = cached_images(folder, names, size, data_root(spec))
    bounds = np.cumsum([len(part.filename) for part in parts])[:-1]
    rows = Splits(*np.split(np.arange(len(names)), bounds))
    note = f"centre-cropped and resized to {size} by {size}"
    return to_views(images, rows, notes=(note, *notes), image_size=size, white=white)
