"""Who trains, who validates, who tests: the one rule for every data set.

* A test split that the data set ships is the test split. Otherwise a fifth of the examples is
  drawn for it, at most 10,000.
* A validation split that the data set ships is the validation split. Otherwise a tenth of the
  training data that remain is drawn for it, at most 6,000.
* Draws are stratified where there are labels: each split has the classes in the proportions of the
  whole. Where a class has fewer examples than there are splits, or a split fewer examples than
  there are classes, they are not, and a note says so.
* Anomalies are never trained on. The other examples are drawn by the rules above; then the
  anomalies of the training data go to the held-out splits that are drawn, half to each if both
  are, at most as many as the split's cap. Those left over are in no split.
* Where examples belong together (patients, files), whole groups are drawn in place of examples, by
  the same fractions and without caps or strata; anomalies in groups to train on are in no split.
* Every split has at least one example. A draw is fixed by the seed, the number of examples, their
  labels and which of them are anomalies.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asymnas.core.errors import DataError
from asymnas.data.affine import Affine

SplitName = Literal["train", "validation", "test"]
NAMES: dict[SplitName, str] = {"train": "training", "validation": "validation", "test": "test"}

RULE = 2  # version of this rule: raised when the same examples get other splits
TEST_CAP = 10_000
VALIDATION_CAP = 6_000
HELD_OUT = 2  # groups of a held-out split, at least: one alone has no spread


class PerSplit(NamedTuple):
    """One entry per example: for each split a tensor `[n]` in the order of its examples."""

    train: Tensor
    validation: Tensor
    test: Tensor


@dataclass(frozen=True, eq=False)
class Splits:
    """Three disjoint parts: arrays of examples `[n, ...]`, or of their indices `[n]`.

    Args:
        train: What candidates train on.
        validation: What the search scores on.
        test: What a confirmation scores on.
        notes: What is to be reported of how they were drawn.
        scalings: How their values were changed, in this order.
    """

    train: NDArray[Any]
    validation: NDArray[Any]
    test: NDArray[Any]
    notes: tuple[str, ...] = field(default=(), kw_only=True)
    scalings: tuple[Affine, ...] = field(default=(), kw_only=True)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.train, self.validation, self.test))

    def map(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> "Splits":
        """The same change made to each part."""
        train, validation, test = map(change, self)
        return Splits(train, validation, test, notes=self.notes)

    def take(
        self,
        values: NDArray[Any],
        *,
        validation: NDArray[Any] | None = None,
        test: NDArray[Any] | None = None,
    ) -> "Splits":
        """Values `[n, ...]` of the examples whose indices these are.

        Args:
            values: What there is to train on and to hold out from, or labels of it.
            validation: The shipped validation split, if there is one.
            test: The shipped test split, if there is one.
        """
        taken = self.map(lambda indices: values[indices])
        if validation is not None:
            taken = replace(taken, validation=validation)
        return taken if test is None else replace(taken, test=test)


def draw(
    n: int,
    seed: int | Sequence[int],
    *,
    validation: bool = True,
    test: bool = True,
    labels: NDArray[Any] | None = None,
    anomalous: NDArray[np.bool_] | None = None,
) -> Splits:
    """Draws disjoint indices of n examples, each split in random order.

    Without anomalies all of 0 … n - 1 are drawn. Anomalies stand behind the others of their split.

    Args:
        n: Number of examples.
        seed: Fixes the draw.
        validation: Whether a validation split is drawn; otherwise it is empty.
        test: Whether a test split is drawn; otherwise it is empty.
        labels: The examples' classes, `[n]`, if there are any.
        anomalous: Which examples are anomalies, `[n]`, if that is known.

    Raises:
        DataError: Too few examples to give every split one, or too few anomalies to give each
            held-out split one.
    """
    if anomalous is None or not anomalous.any():
        return _drawn(np.arange(n), seed, validation, test, labels)
    others, anomalies = np.flatnonzero(~anomalous), np.flatnonzero(anomalous)
    if len(anomalies) < validation + test:
        raise DataError(
            f"there are {len(anomalies)} anomalies but each of the {validation + test} held-out "
            "splits that are drawn needs one: mark more"
        )
    rows = _drawn(others, seed, validation, test, labels)
    anomalies = np.random.default_rng((*np.atleast_1d(seed).tolist(), 1)).permutation(anomalies)
    half = len(anomalies) // 2 if test else len(anomalies)
    to_validate = anomalies[:half][: VALIDATION_CAP if validation else 0]
    to_test = anomalies[half if validation else 0 :][: TEST_CAP if test else 0]
    return replace(
        rows,
        validation=np.concatenate([rows.validation, to_validate]),
        test=np.concatenate([rows.test, to_test]),
    )


def draw_groups(
    groups: NDArray[np.int64],
    seed: int | Sequence[int],
    *,
    validation: bool = True,
    test: bool = True,
    anomalous: NDArray[np.bool_] | None = None,
) -> Splits:
    """Draws disjoint indices of examples such that no group is in two splits.

    Args:
        groups: What each example belongs to, `[n]`.
        seed: Fixes the draw.
        validation: Whether a validation split is drawn; otherwise it is empty.
        test: Whether a test split is drawn; otherwise it is empty.
        anomalous: Which examples are anomalies, `[n]`; those of groups to train on are left out.

    Raises:
        DataError: Fewer groups than one to train on and `HELD_OUT` for each split that is drawn.
    """
    names = np.unique(groups)
    least = 1 + HELD_OUT * (validation + test)
    if len(names) < least:
        raise DataError(
            f"there are {len(names)} group(s) of examples but at least {least} are needed, "
            "one to train on and two for each held-out split: leave the groups out or add some"
        )
    n_test = max(len(names) // 5, HELD_OUT) if test else 0
    n_validation = max((len(names) - n_test) // 10, HELD_OUT) if validation else 0
    drawn = _at_random(names, seed, n_validation, n_test)
    rows = drawn.map(lambda own: np.flatnonzero(np.isin(groups, own)))
    if anomalous is not None:
        rows = replace(rows, train=rows.train[~anomalous[rows.train]])
    if not (validation or test):
        return rows
    counts = [f"{len(drawn.train):,} groups to train on"]
    counts += [f"{n_validation:,} to validate"] if validation else []
    counts += [f"{n_test:,} to test"] if test else []
    return replace(rows, notes=(f"split by group: {', '.join(counts)}",))


def _drawn(
    rows: NDArray[np.int64],
    seed: int | Sequence[int],
    validation: bool,
    test: bool,
    labels: NDArray[Any] | None,
) -> Splits:
    """Draws `rows` `[m]`, none of them an anomaly, stratified by `labels` `[n]` where possible."""
    n = len(rows)
    if n < 1 + validation + test:
        raise DataError(
            f"there are {n} example(s) to train on and to hold out from, but at least "
            f"{1 + validation + test} are needed: add some"
        )
    n_test = min(max(n // 5, 1), TEST_CAP) if test else 0
    n_validation = min(max((n - n_test) // 10, 1), VALIDATION_CAP) if validation else 0
    if not (validation or test):
        return Splits(rows, rows[:0], rows[:0])
    if labels is None:
        return _at_random(rows, seed, n_validation, n_test)
    if obstacle := _obstacle(labels[rows], n_validation, n_test):
        drawn = _at_random(rows, seed, n_validation, n_test)
        return replace(drawn, notes=(f"splits not stratified by label: {obstacle}",))
    return _stratified(rows, seed, n_validation, n_test, labels)


def _at_random(
    rows: NDArray[np.int64], seed: int | Sequence[int], n_validation: int, n_test: int
) -> Splits:
    order = rows[np.random.default_rng(seed).permutation(len(rows))]
    held_out = n_test + n_validation
    return Splits(train=order[held_out:], validation=order[n_test:held_out], test=order[:n_test])


def _obstacle(labels: NDArray[Any], n_validation: int, n_test: int) -> str:
    """Why labels `[m]` cannot be stratified; empty where they can."""
    classes, counts = np.unique(labels, return_counts=True)
    splits = 1 + (n_validation > 0) + (n_test > 0)
    if counts.min() < splits:
        rare = classes[counts.argmin()]
        return f"class {rare} has {counts.min()} example(s) for {splits} splits"
    sizes = {"test": n_test, "validation": n_validation}
    sizes["training"] = len(labels) - n_test - n_validation
    for name, size in sizes.items():
        if 0 < size < len(classes):
            return f"the {name} split has {size} example(s) for {len(classes)} classes"
    return ""


def _stratified(
    rows: NDArray[np.int64],
    seed: int | Sequence[int],
    n_validation: int,
    n_test: int,
    labels: NDArray[Any],
) -> Splits:
    from sklearn.model_selection import train_test_split

    random = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))
    parts = {"validation": rows[:0], "test": rows[:0]}
    for name, size in (("test", n_test), ("validation", n_validation)):
        if size:
            rows, parts[name] = train_test_split(
                rows, test_size=size, stratify=labels[rows], random_state=random
            )
    return Splits(rows, parts["validation"], parts["test"])


def per_split(entries: Splits | None, dtype: type[np.generic]) -> PerSplit | None:
    """Entries `[n]` of each split as tensors that own their memory."""
    if entries is None:
        return None
    return PerSplit(*(torch.from_numpy(np.array(part, dtype=dtype)) for part in entries))
