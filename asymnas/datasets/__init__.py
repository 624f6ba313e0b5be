"""Data sets: one file each; a loader turns a `DataSpec` into a `Dataset`.

A loader registers under the name that stands before the colon in `--dataset`:

    @DATASETS.register("digits")
    def load(spec: DataSpec) -> Dataset: ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from asymnas.config import DataSpec
from asymnas.datasets._examples import Examples, Indexed
from asymnas.errors import DataError
from asymnas.registry import Registry

__all__ = [
    "DATASETS",
    "Dataset",
    "Examples",
    "Indexed",
    "Loader",
    "PerSplit",
    "SplitName",
    "load_dataset",
    "normal",
]

SplitName = Literal["train", "validation", "test"]
NAMES: dict[SplitName, str] = {"train": "training", "validation": "validation", "test": "test"}
CHUNK = 8_192  # examples whose values are looked at together


class PerSplit(NamedTuple):
    """One entry an example, for each split a tensor `[n]` in the order of its examples."""

    train: Tensor
    validation: Tensor
    test: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Three disjoint splits, and what is known of their examples.

    Each split is `[n, *shape]`, all of one dtype: uint8 (read as value / 255) or float32 (read as
    it is). `shape` is `(channels, height, width)` of an image, `(channels, length)` of a signal or
    `(features,)` of a row. Splits are tensors, or `Indexed` where the data may be larger than
    memory.

    Args:
        train: What candidates train on.
        validation: What the search scores on; taken out of the training data.
        test: What nothing but a confirmation reads.
        labels: Class ids from 0, int64; `None` where there are none. Never trained on.
        anomalies: Which examples are anomalous, bool; `None` where that is not known. The training
            split has none. Losses leave them out: see `normal`.
        data_range: Greatest minus least possible value as the network sees it; for PSNR.
        notes: What was done to the data, for the report ("standardised on the training split").

    Raises:
        DataError: An empty split, unlike shapes or dtypes, values that are not finite; labels or
            anomalies of another length or type; an anomaly to train on.
    """

    train: Examples
    validation: Examples
    test: Examples
    labels: PerSplit | None = None
    anomalies: PerSplit | None = None
    data_range: float = 1.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for split, name in NAMES.items():
            self._check_examples(getattr(self, split), name)
            if self.labels is not None:
                self._check_entries("labels", self.labels, split, torch.int64)
            if self.anomalies is not None:
                self._check_entries("anomalies", self.anomalies, split, torch.bool)
        if self.labels is not None and any(int(ids.min()) < 0 for ids in self.labels):
            raise DataError("labels must be class ids from 0 but one is negative")
        if self.anomalies is not None and bool(self.anomalies.train.any()):
            raise DataError("the training split has anomalies: they belong to the held-out splits")
        for split, name in NAMES.items():
            if self.anomalies is not None and bool(getattr(self.anomalies, split).all()):
                raise DataError(
                    f"the {name} split has anomalies only: losses need examples that are none"
                )

    def _check_examples(self, split: Examples, name: str) -> None:
        if len(split) == 0:
            raise DataError(f"the {name} split is empty: more examples are needed")
        if split.shape[1:] != self.train.shape[1:] or split.dtype != self.train.dtype:
            raise DataError(f"the {name} split differs from the training split in shape or type")
        if split.dtype not in (torch.uint8, torch.float32):
            raise DataError(f"data must be uint8 or float32 but the {name} split is {split.dtype}")
        floats = split.split(CHUNK) if split.dtype == torch.float32 else ()
        if not all(bool(chunk.isfinite().all()) for chunk in floats):
            raise DataError(f"the {name} split holds NaN or infinite values: remove or fill them")

    def _check_entries(
        self, what: str, entries: PerSplit, split: SplitName, dtype: torch.dtype
    ) -> None:
        found, wanted = getattr(entries, split), (len(getattr(self, split)),)
        if tuple(found.shape) != wanted or found.dtype != dtype:
            raise DataError(
                f"{what} of the {NAMES[split]} split must be {dtype} of shape {wanted} but are "
                f"{found.dtype} of shape {tuple(found.shape)}"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example, without the batch."""
        return tuple(self.train.shape[1:])


def normal(data: Dataset, split: SplitName) -> Examples:
    """A split without its anomalies: what losses are averaged over."""
    examples: Examples = getattr(data, split)
    if data.anomalies is None:
        return examples
    anomalous: Tensor = getattr(data.anomalies, split)
    if isinstance(examples, Indexed):  # nothing is gathered before its turn
        return examples.only(~anomalous)
    return examples[~anomalous]


Loader = Callable[[DataSpec], Dataset]

DATASETS: Registry[Loader] = Registry("data set", __name__)


def load_dataset(spec: DataSpec) -> Dataset:
    """Loads the data set that `spec` names; of `NAME?anomaly=CLASS` with that class held out.

    Raises:
        UnknownNameError: No such data set.
        DataError: It is missing, unreadable or unusable.
    """
    from asymnas.datasets._held_out import hold_out, named_class  # which imports this file

    plain, odd = named_class(spec)
    data = DATASETS.get(plain.source)(plain)
    return hold_out(data, plain.name, odd) if odd else data
