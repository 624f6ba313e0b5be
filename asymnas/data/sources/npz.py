"""Arrays in a NumPy archive of one's own."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import DATASETS, Dataset, check_spec, existing_file
from asymnas.data.messages import listed
from asymnas.data.npz_names import LABELS, read_archive
from asymnas.data.scaling import (
    standardise,
    standardise_channels,
    to_unit_range,
    value_range,
    varying,
)
from asymnas.data.splits import Splits, split, to_dataset

CHANNELS = (1, 3, 4)  # sizes of a last axis that make it the channels


@DATASETS.register("npz")
def load(spec: DataSpec) -> Dataset:
    """Loads `npz:FILE`: rows `[n, d]`, signals `[n, c, length]` or images `[n, c, h, w]`.

    The archive holds one array, or several of which one has a training name of
    `_npz_names.EXAMPLES` and others may be the validation and test splits, or the labels and
    anomalies of a split; what has no such name is ignored. An array is rows `(n, d)`, or images
    `(n, h, w)`, `(n, h, w, c)` with 1, 3 or 4 channels last, else `(n, c, h, w)`. Arrays whose
    names end in "signals" are signals, `(n, length)` of one channel or `(n, c, length)`.

    uint8 stays as it is. Other numbers become float32: rows and the channels of signals
    standardised, images scaled to [0, 1], all by the training split alone, so that held-out images
    may leave that range.

    Raises:
        DataError: Not a readable archive, no or several training arrays, an array that is not
            numeric or finite, arrays unlike in shape or type, labels or anomalies that do not fit.
    """
    check_spec(spec, takes="FILE")
    path = existing_file(spec)
    archive = read_archive(path)
    notes = _left_out(archive.ignored)
    for name, array in archive.examples.items():
        _refuse_unusable(path, name, array, archive.signals)
    _refuse_unlike(path, archive.examples)
    read = _as_signals if archive.signals else _channels_first
    shaped = {name: read(_as_numbers(array)) for name, array in archive.examples.items()}
    notes += _described(shaped["train"].shape)
    odd = archive.anomalies
    anomalous = odd["train"] if odd else None

    def dealt(arrays: Mapping[str, NDArray[Any]]) -> Splits:
        return split(
            arrays["train"],
            spec.seed,
            validation=arrays.get("validation"),
            test=arrays.get("test"),
            anomalous=anomalous,
        )

    labels = dealt(archive.labels) if archive.labels else None
    return _scaled(dealt(shaped), labels, dealt(odd) if odd else None, notes)


def _left_out(names: Sequence[str]) -> list[str]:
    """Which arrays are not used, and why not those that are named as labels."""
    labels = [name for name in names if any(name.lower() in known for known in LABELS.values())]
    others = [name for name in names if name not in labels]
    notes = [f"arrays left out: {listed(others)}"] if others else []
    if labels:
        notes.append(
            f"labels left out: {listed(labels)}; they count if each split has them, as text, truth "
            "values or whole numbers, not as Python objects, of 2 classes or more"
        )
    return notes


def _refuse_unusable(path: Path, name: str, array: Any, signals: bool) -> None:
    """Raises unless the array holds finite numbers in a known shape."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        kind = getattr(array, "dtype", "no array")
        raise DataError(f"the {name} array of {path} is {kind}: it must hold real numbers")
    if array.ndim not in ((2, 3) if signals else (2, 3, 4)) or 0 in array.shape:
        forms = "rows (n, d) or images (n, h, w), (n, h, w, c) or (n, c, h, w)"
        if signals:
            forms = "signals (n, length) or (n, c, length)"
        raise DataError(
            f"the {name} array of {path} has shape {array.shape}: it must be {forms}, none of them "
            "0"
        )
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), array.shape))
        raise DataError(
            f"the {name} array of {path} holds {int(bad.sum())} NaN or infinite value(s), the "
            f"first at {first}: fill or remove them"
        )


def _refuse_unlike(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Raises unless all splits are of one kind."""
    train = arrays["train"]
    for name, array in arrays.items():
        bytewise = (train.dtype == np.uint8, array.dtype == np.uint8)
        if array.shape[1:] != train.shape[1:] or bytewise[0] != bytewise[1]:
            raise DataError(
                f"the train array of {path} is {train.dtype} {train.shape} but its {name} array is "
                f"{array.dtype} {array.shape}: make them alike"
            )


def _as_numbers(array: NDArray[Any]) -> NDArray[Any]:
    """uint8 as it is, all else as float64."""
    return array if array.dtype == np.uint8 else array.astype(np.float64)


def _as_signals(array: NDArray[Any]) -> NDArray[Any]:
    """Signals as `[n, c, length]`."""
    return array[:, None] if array.ndim == 2 else array


def _described(shape: tuple[int, ...]) -> list[str]:
    """What the examples `[n, ...]` were taken for, where there was a choice."""
    if len(shape) == 3:
        return [f"read as signals of {shape[1]} channel(s), {shape[2]} samples"]
    if len(shape) == 4:
        return [f"read as images of {shape[1]} channel(s), {shape[2]} by {shape[3]} pixels"]
    return []


def _channels_first(array: NDArray[Any]) -> NDArray[Any]:
    """Rows as they are; images as `[n, c, h, w]`."""
    if array.ndim == 3:
        return array[:, None]
    if array.ndim == 4 and array.shape[-1] in CHANNELS:
        return np.moveaxis(array, -1, 1)
    return array


def _scaled(
    splits: Splits, labels: Splits | None, anomalies: Splits | None, notes: Iterable[str]
) -> Dataset:
    """uint8 as it is, rows and channels of signals standardised, images in the unit range."""
    finish = partial(to_dataset, labels=labels, anomalies=anomalies)
    if splits.train.dtype == np.uint8:
        return finish(splits, notes=tuple(notes))
    if splits.train.ndim == 3:
        signals = standardise_channels(splits)
        note = "each channel standardised on the training split"
        return finish(signals, data_range=value_range(signals.train), notes=(*notes, note))
    if splits.train.ndim == 4:
        note = "scaled so that the training images span [0, 1]"
        return finish(to_unit_range(splits), notes=(*notes, note))
    done = ["standardised on the training split"]
    if constant := int((~varying(splits.train)).sum()):
        done.append(f"{constant} column(s) constant on the training split: only centred")
    rows = standardise(splits)
    return finish(rows, data_range=value_range(rows.train), notes=(*notes, *done))
