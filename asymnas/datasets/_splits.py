"""Who trains, who validates, who tests: the one rule for every data set.

* A test split that the data set ships is the test split. Otherwise a fifth of the examples is
  drawn for it, at most 10,000.
* A validation split that the data set ships is the validation split. Otherwise a tenth of the
  training data, after the test split has left it, is drawn for it, at most 6,000.
* Every split has at least one example, and a draw is fixed by the seed and by the number of
  examples alone.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from asymnas.datasets import Dataset
from asymnas.errors import DataError

TEST_CAP = 10_000
VALIDATION_CAP = 6_000


class Splits(NamedTuple):
    """Three disjoint parts: arrays of examples `[n, ...]`, or of their indices `[n]`."""

    train: NDArray[Any]
    validation: NDArray[Any]
    test: NDArray[Any]


def draw(
    n: int, seed: int | Sequence[int], *, validation: bool = True, test: bool = True
) -> Splits:
    """Draws disjoint indices that together are 0 … n - 1, each split in random order.

    Args:
        n: Number of examples.
        seed: Fixes the draw.
        validation: Whether a validation split is drawn; otherwise it is empty.
        test: Whether a test split is drawn; otherwise it is empty.

    Raises:
        DataError: Too few examples to give every split one.
    """
    if n < 1 + validation + test:
        raise DataError(
            f"there are {n} example(s) to train on and to hold out from, but at least "
            f"{1 + validation + test} are needed: add some"
        )
    order = np.random.default_rng(seed).permutation(n)
    n_test = min(max(n // 5, 1), TEST_CAP) if test else 0
    n_validation = min(max((n - n_test) // 10, 1), VALIDATION_CAP) if validation else 0
    held_out = n_test + n_validation
    return Splits(train=order[held_out:], validation=order[n_test:held_out], test=order[:n_test])


def split(
    train: NDArray[Any],
    seed: int,
    *,
    validation: NDArray[Any] | None = None,
    test: NDArray[Any] | None = None,
) -> Splits:
    """Takes out of `train` `[n, ...]` the splits that a data set does not ship.

    Raises:
        DataError: Too few examples.
    """
    if validation is not None and test is not None:
        return Splits(train, validation, test)
    drawn = draw(len(train), seed, validation=validation is None, test=test is None)
    return Splits(
        train=train[drawn.train],
        validation=train[drawn.validation] if validation is None else validation,
        test=train[drawn.test] if test is None else test,
    )


def to_dataset(splits: Splits, *, data_range: float = 1.0, notes: Sequence[str] = ()) -> Dataset:
    """The splits as tensors that own their memory.

    Raises:
        DataError: What `Dataset` refuses.
    """
    train, validation, test = (
        torch.from_numpy(np.require(part, requirements=["C", "W"])) for part in splits
    )
    return Dataset(
        train=train, validation=validation, test=test, data_range=data_range, notes=tuple(notes)
    )
