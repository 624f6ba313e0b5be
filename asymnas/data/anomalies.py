"""Labels and anomalies of examples: class ids, truth values, one class as the anomalies."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asymnas.core.errors import DataError
from asymnas.core.text import listed


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


#: Options of a data set's name that say which classes are anomalies.
CHOICES = ("anomaly", "normal")


def anomalous_classes(
    name: str, known: Sequence[str], options: Mapping[str, str]
) -> set[str] | None:
    """Names of the classes that are anomalies; `None` where nothing is said of them.

    Args:
        name: What the data set is called.
        known: Names of its classes.
        options: `anomaly` with the classes that are, or `normal` with those that are not,
            separated by commas.

    Raises:
        DataError: Both options, no such class, no anomalies, or nothing left to train on.
    """
    if not options:
        return None
    if len(options) > 1:
        raise DataError(
            f"{name} takes either the classes that are anomalies, as ?anomaly=CLASS,CLASS, or "
            "those that are normal, as ?normal=CLASS, not both"
        )
    ((option, given),) = options.items()
    named = {given} if given in known else set(given.split(","))
    if unknown := sorted(named - set(known)):
        raise DataError(f"{name} has no class {unknown[0]!r}: it has {listed(known, 20)}")
    chosen = named if option == "anomaly" else set(known) - named
    if not chosen:
        raise DataError(f"all classes of {name} are normal: leave out ?normal, or name fewer")
    if len(chosen) == len(set(known)):
        raise DataError("no class would be left to train on: name other ones")
    return chosen
