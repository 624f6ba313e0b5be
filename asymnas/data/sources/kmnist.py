"""Kuzushiji-MNIST: 70,000 greyscale images of cursive Japanese, 28 by 28 pixels."""

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, check_spec
from asymnas.data.sources._torchvision import fetch
from asymnas.data.splits import with_shipped_test


@DATASETS.register("kmnist")
def load(spec: DataSpec) -> Dataset:
    """Loads 54,000 training, 6,000 validation and 10,000 test images, uint8 `[n, 1, 28, 28]`.

    Read by torchvision from `KMNIST/raw` under the data root. Tested on small files in
    that layout, not on the real ones.

    Source: Clanuwat et al. (2018), https://arxiv.org/abs/1812.01718.

    Raises:
        DataError: Missing and not to be downloaded, or unreadable.
    """
    from torchvision.datasets import KMNIST

    check_spec(spec)
    parts = [fetch(spec, KMNIST, train=part) for part in (True, False)]
    images = [part.data.numpy()[:, None] for part in parts]
    return with_shipped_test(images, [part.targets.numpy() for part in parts], spec.seed)
