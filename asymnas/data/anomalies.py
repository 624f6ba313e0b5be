"""Labels and anomalies of examples: class ids, truth values, one class as the anomalies."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from asymnas.core.errors import DataError
from asymnas.core.text import listed
from asymnas.data.splits import PerSplit


def class_ids(values: NDArray[Any], what: str) -> NDArray[np.int64]:
    """Classes as numbers from 0, in the sorted order of their names or numbers; `[n]`.

    Args:
        values: Text, truth values or whole numbers, `[n]`.
        what: How messages call them.

    Raises:
        DataError: Other values, missing ones, or one class only.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"{what} has missing or infinite values: every example needs a class")
    if not are_classes(values):
        raise DataError(f"{what} holds no classes: they are text, truth values or whole numbers")
    classes, ids = np.unique(values, return_inverse=True)
    if len(classes) < 2:
        raise DataError(f"{what} has the one class {classes[0]}: at least 2 are needed")
    return ids.reshape(-1).astype(np.int64)


def are_classes(values: NDArray[Any]) -> bool:
    """Whether values `[n]` can be classes: text, truth values or whole numbers."""
    if values.dtype.kind == "f":
        return bool(np.isfinite(values).all() and (values == np.rint(values)).all())
    return values.dtype.kind in "biuU"


def truth_values(values: NDArray[Any], what: str) -> NDArray[np.bool_]:
    """Truth values, or numbers that are 0 or 1, as bool; `[n]`.

    Args:
        values: What to read, `[n]`.
        what: How messages call it.

    Raises:
        DataError: Other or missing values.
    """
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        other = [value for value in np.unique(values) if value not in (0, 1)]
        raise DataError(
            f"{what} must be true or false, or 1 or 0, for every example but holds {listed(other)}"
        )
    return values.astype(np.bool_)


def class_as_anomalies(labels: PerSplit, name: str, given: str) -> PerSplit:
    """Which examples of each split belong to one class; bool `[n]`.

    Args:
        labels: Class ids of a data set.
        name: What the data set is called.
        given: The class's id, as a person wrote it.

    Raises:
        DataError: No such class, or nothing left to train on.
    """
    classes = [str(label) for label in sorted(set(torch.cat(list(labels)).tolist()))]
    if given not in classes:
        raise DataError(f"{name} has no class {given!r}: it has {', '.join(classes)}")
    anomalous = PerSplit(*(ids == int(given) for ids in labels))
    if bool(anomalous.train.all()):
        raise DataError("no class would be left to train on: name another one")
    return anomalous
