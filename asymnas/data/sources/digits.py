"""Handwritten digits: 1,797 greyscale images of 8 by 8 pixels that come with scikit-learn."""

import numpy as np

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, check_spec
from asymnas.data.splits import split, to_dataset


@DATASETS.register("digits")
def load(spec: DataSpec) -> Dataset:
    """Loads 1,295 training, 143 validation and 359 test images, uint8 `[n, 1, 8, 8]`.

    No test split is shipped; the seed draws it. Source: Alpaydin & Kaynak (1998), "Optical
    Recognition of Handwritten Digits", UCI, https://doi.org/10.24432/C50P49.

    Raises:
        DataError: An option that this data set has no use for.
    """
    from sklearn.datasets import load_digits

    check_spec(spec)
    digits = load_digits()
    grey = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return to_dataset(
        split(grey[:, None], spec.seed),
        labels=split(digits.target, spec.seed),
        notes=("values 0 … 16 scaled to 0 … 255",),
    )
