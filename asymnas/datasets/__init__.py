"""Data sets: one file each; a loader turns a `DataSpec` into a `Dataset`.

A loader registers under the name that stands before the colon in `--dataset`:

    @DATASETS.register("digits")
    def load(spec: DataSpec) -> Dataset: ...
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from asymnas.config import DataSpec
from asymnas.errors import DataError
from asymnas.registry import Registry


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Three disjoint splits, resident in memory.

    Each split is a tensor `[n, *shape]`, all of one dtype: uint8 (read as value / 255) or float32
    (read as it is). `shape` is `(channels, height, width)` of an image or `(features,)` of a row.

    Args:
        train: What candidates train on.
        validation: What the search scores on; taken out of the training data.
        test: What nothing but a confirmation reads.
        data_range: Greatest minus least possible value as the network sees it; for PSNR.
        notes: What was done to the data, for the report ("standardised on the training split").

    Raises:
        DataError: An empty split, unlike shapes or dtypes, values that are not finite.
    """

    train: Tensor
    validation: Tensor
    test: Tensor
    data_range: float = 1.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        splits = {"training": self.train, "validation": self.validation, "test": self.test}
        for name, split in splits.items():
            if len(split) == 0:
                raise DataError(f"the {name} split is empty: more examples are needed")
            if split.shape[1:] != self.train.shape[1:] or split.dtype != self.train.dtype:
                raise DataError(
                    f"the {name} split differs from the training split in shape or type"
                )
            if split.dtype not in (torch.uint8, torch.float32):
                raise DataError(
                    f"data must be uint8 or float32 but the {name} split is {split.dtype}"
                )
            if split.is_floating_point() and not bool(split.isfinite().all()):
                raise DataError(
                    f"the {name} split holds NaN or infinite values: remove or fill them"
                )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example, without the batch."""
        return tuple(self.train.shape[1:])


Loader = Callable[[DataSpec], Dataset]

DATASETS: Registry[Loader] = Registry("data set", __name__)


def load_dataset(spec: DataSpec) -> Dataset:
    """Loads the data set that `spec` names.

    Raises:
        UnknownNameError: No such data set.
        DataError: It is missing, unreadable or unusable.
    """
    return DATASETS.get(spec.source)(spec)
