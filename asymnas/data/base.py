"""What a data set is, how one is put together, and how one is loaded by its name.

A loader registers under the name that stands before the colon in `--dataset`:

    @DATASETS.register("digits")
    def load(spec: DataSpec) -> Dataset: ...
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError, UnknownNameError
from asymnas.core.registry import Registry
from asymnas.core.text import joined
from asymnas.data.affine import Affine
from asymnas.data.anomalies import anomalous_classes
from asymnas.data.examples import Examples, Indexed, Rows
from asymnas.data.preprocessing import Preprocessing, kept_as_it_is
from asymnas.data.scaling import standardise, value_range
from asymnas.data.spec import meant, named_classes
from asymnas.data.splits import NAMES, PerSplit, SplitName, Splits, draw, per_split

MEMORY = "memory"  # the source of data that were given in Python and lie in no file

CHUNK = 8_192  # examples whose values are examined together


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
        groups: Which examples belong together (of one photograph, recording or patient), ids of
            int64; `None` where each is independent of the others. No group is in two splits.
        data_range: Greatest minus least possible value as the network sees it; for PSNR.
        notes: What was done to the data, for the report ("standardised on the training split").
        preprocessing: What turns more examples into a network's input as these were; `None` where
            nothing but their shape and type is known: see `preprocessing_of`.

    Raises:
        DataError: An empty split, unlike shapes or dtypes, values that are not finite; labels,
            anomalies or groups of another length or type; an anomaly to train on; a group in two
            splits.
    """

    train: Examples
    validation: Examples
    test: Examples
    labels: PerSplit | None = None
    anomalies: PerSplit | None = None
    groups: PerSplit | None = None
    data_range: float = 1.0
    notes: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None

    def __post_init__(self) -> None:
        for split, name in NAMES.items():
            self._check_examples(getattr(self, split), name)
            if self.labels is not None:
                self._check_entries("labels", self.labels, split, torch.int64)
            if self.anomalies is not None:
                self._check_entries("anomalies", self.anomalies, split, torch.bool)
            if self.groups is not None:
                self._check_entries("groups", self.groups, split, torch.int64)
        if self.labels is not None and any(int(ids.min()) < 0 for ids in self.labels):
            raise DataError("labels must be class ids from 0 but one is negative")
        if self.anomalies is not None and bool(self.anomalies.train.any()):
            raise DataError("the training split has anomalies: they belong to the held-out splits")
        for split, name in NAMES.items():
            if self.anomalies is not None and bool(getattr(self.anomalies, split).all()):
                raise DataError(
                    f"the {name} split has anomalies only: losses need examples that are none"
                )

        if self.groups is not None:
            names = [np.unique(ids.numpy()) for ids in self.groups]
            if len(np.unique(np.concatenate(names))) < sum(map(len, names)):
                raise DataError("a group of examples is in two splits: draw whole groups")

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
        given, wanted = getattr(entries, split), (len(getattr(self, split)),)
        if tuple(given.shape) != wanted or given.dtype != dtype:
            raise DataError(
                f"{what} of the {NAMES[split]} split must be {dtype} of shape {wanted} but are "
                f"{given.dtype} of shape {tuple(given.shape)}"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example, without the batch."""
        return tuple(self.train.shape[1:])


def preprocessing_of(data: Dataset) -> Preprocessing:
    """What turns more examples into a network's input; by default they are taken as they are."""
    return data.preprocessing or kept_as_it_is(data.shape, data.train.dtype)


def normal(data: Dataset, split: SplitName) -> Examples:
    """A split without its anomalies: what losses are averaged over."""
    examples: Examples = getattr(data, split)
    if data.anomalies is None:
        return examples
    anomalous: Tensor = getattr(data.anomalies, split)
    if isinstance(examples, Indexed):  # nothing is gathered before its turn
        return examples.only(~anomalous)
    return examples[~anomalous]


def normal_groups(data: Dataset, split: SplitName) -> NDArray[np.int64] | None:
    """The groups `[n]` of what `normal` gives; `None` where there are none."""
    if data.groups is None:
        return None
    groups: Tensor = getattr(data.groups, split)
    if data.anomalies is not None:
        groups = groups[~getattr(data.anomalies, split)]
    ids: NDArray[np.int64] = groups.numpy()
    return ids


Loader = Callable[[DataSpec], Dataset]

DATASETS: Registry[Loader] = Registry("data set", "asymnas.data.sources", "asymnas.datasets")


def load_dataset(spec: DataSpec) -> Dataset:
    """Loads the data set that `spec` names; with the classes held out that an option names.

    Raises:
        UnknownNameError: No such data set.
        DataError: It is missing, unreadable or unusable.
    """
    if spec.source == MEMORY:
        raise DataError(
            "the run's data were given in Python and are in no file: write them to one to search "
            "again or to go on from the command line, as in --dataset npz:FILE"
        )
    if spec.source not in DATASETS.names() and (name := meant(spec.name)):
        raise UnknownNameError(
            f"no data set is called {spec.name!r}; did you mean {name}?", name=spec.source
        )
    plain, classes = named_classes(spec)
    data = DATASETS.get(plain.source)(plain)
    return hold_out(data, plain.name, classes) if classes else data


def hold_out(data: Dataset, name: str, classes: Mapping[str, str]) -> Dataset:
    """Makes classes the anomalies: nothing trains on them, the held-out splits keep them.

    What was standardised is so anew, on the training rows that are left.

    Args:
        data: A data set with labels and without anomalies.
        name: What it is called.
        classes: Which, by their ids: `anomaly` those, or `normal` all others; see
            `anomalous_classes`.

    Raises:
        DataError: No labels, anomalies already, no such class, or nothing left to train on.
    """
    option = "&".join(f"{key}={value}" for key, value in classes.items())
    if data.anomalies is not None:
        raise DataError(f"{name} has anomalies of its own: leave out ?{option}")
    if data.labels is None:
        raise DataError(
            f"{name} has no labels, so that no class can be its anomalies: leave out "
            f"?{option}, or take a data set with labels"
        )
    known = [str(label) for label in sorted(set(torch.cat(list(data.labels)).tolist()))]
    chosen = sorted(map(int, anomalous_classes(name, known, classes) or ()))
    anomalous = PerSplit(*(torch.isin(ids, torch.tensor(chosen)) for ids in data.labels))
    kept = ~anomalous.train
    counts = [f"{int(part.sum()):,}" for part in anomalous]
    held_out = f"class{'es' if chosen[1:] else ''} {joined([*map(str, chosen)])} as anomalies"
    rest = replace(
        data,
        train=data.train[kept],
        labels=data.labels._replace(train=data.labels.train[kept]),
        anomalies=anomalous._replace(train=anomalous.train[kept]),
        groups=data.groups and data.groups._replace(train=data.groups.train[kept]),
        notes=(
            *data.notes,
            f"{held_out}: {counts[0]} training examples left out, {counts[1]} to validate, "
            f"{counts[2]} to test",
        ),
    )
    return _standardised(rest) if len(data.shape) == 1 else rest


def _standardised(data: Dataset) -> Dataset:
    """Rows with mean 0 and standard deviation 1 on the training split."""
    parts: list[Any] = [data.train, data.validation, data.test]
    rows = standardise(Splits(*(part.numpy().astype("float64") for part in parts)))
    train, validation, test = (torch.from_numpy(part) for part in rows)
    before = preprocessing_of(data)
    return replace(
        data,
        train=train,
        validation=validation,
        test=test,
        data_range=value_range(rows.train),
        preprocessing=replace(before, scalings=(*before.scalings, *rows.scalings)),
    )


def to_dataset(
    splits: Splits,
    *,
    labels: Splits | None = None,
    anomalies: Splits | None = None,
    groups: Splits | None = None,
    data_range: float = 1.0,
    notes: Sequence[str] = (),
    preprocessing: Preprocessing | None = None,
) -> Dataset:
    """The splits as tensors that own their memory.

    Args:
        splits: Examples, uint8 or float32 `[n, *shape]`.
        labels: Class ids `[n]`, of any type of whole numbers.
        anomalies: Which examples are anomalous, bool `[n]`.
        groups: Ids of what examples belong to `[n]`.
        data_range: Greatest minus least possible value as the network sees it.
        notes: What was done to the data.
        preprocessing: What was done to the examples; by default the splits' own scalings.

    Raises:
        DataError: What `Dataset` raises.
    """
    train, validation, test = (
        torch.from_numpy(np.require(part, requirements=["C", "W"])) for part in splits
    )
    return Dataset(
        train=train,
        validation=validation,
        test=test,
        labels=per_split(labels, np.int64),
        anomalies=per_split(anomalies, np.bool_),
        groups=per_split(groups, np.int64),
        data_range=data_range,
        notes=(*notes, *splits.notes, *_counted(anomalies)),
        preprocessing=preprocessing
        or replace(kept_as_it_is(train.shape[1:], train.dtype), scalings=splits.scalings),
    )


def to_views(
    examples: Rows,
    rows: Splits,
    *,
    labels: Splits | None = None,
    anomalies: Splits | None = None,
    notes: Sequence[str] = (),
    image_size: int | None = None,
    white: int = 255,
    scalings: Sequence[Affine] = (),
) -> Dataset:
    """A data set whose splits are views of rows that stay where they are, such as in a file.

    Args:
        examples: All examples, uint8 or float32 `[m, *shape]`.
        rows: Which of them are in each split, indices `[n]`.
        labels: Class ids `[n]`, by split.
        anomalies: Which examples are anomalous, bool `[n]`, by split.
        notes: What was done to the data.
        image_size: What image files were resized to, if they were.
        white: What became 255 of the values in image files.
        scalings: How values were changed.

    Raises:
        DataError: What `Dataset` raises.
    """
    train, validation, test = (Indexed(examples, torch.from_numpy(part)) for part in rows)
    return Dataset(
        train=train,
        validation=validation,
        test=test,
        labels=per_split(labels, np.int64),
        anomalies=per_split(anomalies, np.bool_),
        notes=(*notes, *rows.notes, *_counted(anomalies)),
        preprocessing=replace(
            kept_as_it_is(train.shape[1:], train.dtype),
            image_size=image_size,
            white=white,
            scalings=tuple(scalings),
        ),
    )


def with_shipped_test(
    examples: Sequence[NDArray[Any]],
    labels: Sequence[NDArray[Any]] | None,
    seed: int,
    *,
    notes: Sequence[str] = (),
) -> Dataset:
    """A data set that ships a training and a test part, of which the first gives the validation.

    Args:
        examples: Those to train on `[n, *shape]`, then those to test on.
        labels: Their class ids `[n]`, if there are any.
        seed: Fixes the draw.
        notes: What was done to the data.
    """
    known = None if labels is None else labels[0]
    rows = draw(len(examples[0]), seed, test=False, labels=known)
    ids = None if labels is None else rows.take(labels[0], test=labels[1])
    return to_dataset(rows.take(examples[0], test=examples[1]), labels=ids, notes=notes)


def _counted(anomalies: Splits | None) -> tuple[str, ...]:
    """How many anomalies there are, for a person to check."""
    if anomalies is None:
        return ()
    held_out = [f"{int(part.sum()):,}" for part in (anomalies.validation, anomalies.test)]
    return (f"anomalies: {held_out[0]} to validate, {held_out[1]} to test, none to train on",)
