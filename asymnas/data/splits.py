"""Who trains, who validates, who tests: the one rule for every data set.

* A test split that the data set ships is the test split. Otherwise a fifth of the examples is
  drawn for it, at most 10,000.
* A validation split that the data set ships is the validation split. Otherwise a tenth of the
  training data, after the test split has left it, is drawn for it, at most 6,000.
* Anomalies are never trained on. What is drawn is drawn from the others, by the rules above; then
  the anomalies of the training data are dealt to the held-out splits that are drawn, half to each
  if both are, at most as many as the split's cap. Those left over are in no split.
* Every split has at least one example, and a draw is fixed by the seed, by the number of examples
  and by which of them are anomalies.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asymnas.core.errors import DataError

SplitName = Literal["train", "validation", "test"]
NAMES: dict[SplitName, str] = {"train": "training", "validation": "validation", "test": "test"}

RULE = 1  # the version of this rule: raised when the same data are to be split otherwise
TEST_CAP = 10_000
VALIDATION_CAP = 6_000


class Splits(NamedTuple):
    """Three disjoint parts: arrays of examples `[n, ...]`, or of their indices `[n]`."""

    train: NDArray[Any]
    validation: NDArray[Any]
    test: NDArray[Any]


class PerSplit(NamedTuple):
    """One entry an example, for each split a tensor `[n]` in the order of its examples."""

    train: Tensor
    validation: Tensor
    test: Tensor


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


def deal(
    anomalous: NDArray[np.bool_], seed: int, *, validation: bool = True, test: bool = True
) -> Splits:
    """Draws disjoint indices of examples `[n]` of which some are anomalous, none of them to train.

    Anomalies stand behind the others of their split.

    Args:
        anomalous: Which examples are, `[n]`.
        seed: Fixes the draw.
        validation: Whether a validation split is drawn; otherwise it is empty.
        test: Whether a test split is drawn; otherwise it is empty.

    Raises:
        DataError: Too few examples that are not anomalous, or fewer anomalies than splits drawn.
    """
    usual, odd = np.flatnonzero(~anomalous), np.flatnonzero(anomalous)
    if len(odd) < validation + test:
        raise DataError(
            f"there are {len(odd)} anomalies but each of the {validation + test} held-out splits "
            "that are drawn needs one: mark more"
        )
    drawn = draw(len(usual), seed, validation=validation, test=test)
    odd = np.random.default_rng((seed, 1)).permutation(odd)
    half = len(odd) // 2 if test else len(odd)
    to_validate = odd[:half][: VALIDATION_CAP if validation else 0]
    to_test = odd[half if validation else 0 :][: TEST_CAP if test else 0]
    return Splits(
        train=usual[drawn.train],
        validation=np.concatenate([usual[drawn.validation], to_validate]),
        test=np.concatenate([usual[drawn.test], to_test]),
    )


def draw_splits(
    train: NDArray[Any],
    seed: int,
    *,
    validation: NDArray[Any] | None = None,
    test: NDArray[Any] | None = None,
    anomalous: NDArray[np.bool_] | None = None,
) -> Splits:
    """Takes out of `train` `[n, ...]` the splits that a data set does not ship.

    What belongs to the examples, such as labels `[n]`, is split alike by a call of its own.

    Args:
        train: What is there to train on and to hold out from.
        seed: Fixes the draw.
        validation: The shipped validation split, if there is one.
        test: The shipped test split, if there is one.
        anomalous: Which examples of `train` are anomalies, `[n]`.

    Raises:
        DataError: Too few examples.
    """
    wanted = {"validation": validation is None, "test": test is None}
    if anomalous is not None and anomalous.any():
        drawn = deal(anomalous, seed, **wanted)
    elif validation is not None and test is not None:
        return Splits(train, validation, test)
    else:
        drawn = draw(len(train), seed, **wanted)
    return Splits(
        train=train[drawn.train],
        validation=train[drawn.validation] if validation is None else validation,
        test=train[drawn.test] if test is None else test,
    )


def per_split(entries: Splits | None, dtype: type[np.generic]) -> PerSplit | None:
    """Entries `[n]` of each split as tensors that own their memory."""
    if entries is None:
        return None
    return PerSplit(*(torch.from_numpy(np.array(part, dtype=dtype)) for part in entries))
