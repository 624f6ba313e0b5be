"""CIFAR-10: 60,000 colour images of ten classes, 32 by 32 pixels."""

import numpy as np

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, check_spec
from asymnas.data.sources._torchvision import fetch
from asymnas.data.splits import with_shipped_test


@DATASETS.register("cifar10")
def load(spec: DataSpec) -> Dataset:
    """Loads 45,000 training, 5,000 validation and 10,000 test images, uint8 `[n, 3, 32, 32]`.

    Read by torchvision from `cifar-10-batches-py` under the data root. Tested on small files in
    that layout, not on the real ones.

    Source: Krizhevsky (2009), https://www.cs.toronto.edu/~kriz/cifar.html.

    Raises:
        DataError: Missing and not to be downloaded, or unreadable.
    """
    from torchvision.datasets import CIFAR10

    check_spec(spec)
    parts = [fetch(spec, CIFAR10, train=part) for part in (True, False)]
    images = [part.data.transpose(0, 3, 1, 2) for part in parts]
    return with_shipped_test(images, [np.array(part.targets) for part in parts], spec.seed)
