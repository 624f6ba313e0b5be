"""Fashion-MNIST: 70,000 greyscale images of garments, 28 by 28 pixels."""

from pathlib import Path

from asymnas.config import DataSpec
from asymnas.datasets import DATASETS, Dataset
from asymnas.datasets._idx import find_idx, read_idx_images, read_idx_labels
from asymnas.datasets._spec import check_spec, data_root
from asymnas.datasets._splits import with_shipped_test
from asymnas.datasets._torchvision import fetch
from asymnas.errors import DataError

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
