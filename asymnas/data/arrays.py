"""Arrays as data sets: in which order axes stand, and what becomes of the values.

**Ranges come from the values**, of all splits together and whatever type holds them:

* Nothing but 0 and 1 (masks, fingerprints, one-hot rows) stays 0 and 1.
* Images of whole numbers from 0 are divided by their full scale: 255 if they reach 64 to 255; 1023,
  4095, 16383 or 65535 if they reach beyond, as data of 10, 12 or 14 bits in 16 do; their greatest
  value if they reach less than 64.
* Images within 0 … 1 that reach 0.5 stay as they are; others are scaled so that the training split
  spans [0, 1].
* Rows and signals are standardised, except that uint8 which reaches 64 is read as value / 255.

Data of which nothing varies in the training split are refused.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asymnas.core.errors import DataError
from asymnas.data.affine import Affine
from asymnas.data.base import Dataset, to_dataset
from asymnas.data.scaling import (
    full_scale,
    standardise,
    standardise_channels,
    to_unit_range,
    value_range,
    varying,
)
from asymnas.data.splits import Splits, draw, draw_groups

CHANNELS = (1, 3, 4)  # sizes of a last axis that make it the channels
FAR_SMALLER = 4  # times smaller than all others a last axis is that may be meant as the channels


def array_dataset(
    arrays: Mapping[str, NDArray[Any]],
    seed: int,
    *,
    where: str,
    labels: Mapping[str, NDArray[Any]] = MappingProxyType({}),
    anomalies: Mapping[str, NDArray[Any]] = MappingProxyType({}),
    groups: Mapping[str, NDArray[Any]] = MappingProxyType({}),
    signals: bool = False,
    channels_last: bool | None = None,
    test: bool = True,
    notes: Sequence[str] = (),
) -> Dataset:
    """Rows `[n, d]`, signals `[n, c, length]` or images `[n, c, h, w]` as a data set.

    Scaled as the module's docstring says, by the training split alone where values do not decide,
    so that held-out images may leave [0, 1].

    Args:
        arrays: `train`, and those of `validation` and `test` that are not to be drawn from it.
        seed: Fixes the draw.
        where: Where they come from, for messages.
        labels: Class ids, int64 `[n]`, by the names in `arrays`; empty without labels.
        anomalies: Flags, bool `[n]`, by the names in `arrays`; empty where nothing is said.
        groups: Ids of what examples belong to, int64 `[n]`, by the names in `arrays`; empty without
            groups. Whole groups are drawn then.
        signals: Whether arrays of two axes are signals of one channel, and those of three signals.
        channels_last: Whether channels are the last axis; `None` to go by its size.
        test: Whether a test split is drawn where none is given; otherwise the validation split
            stands for it, for those who keep test data of their own.
        notes: What was done to the arrays before.

    Raises:
        DataError: An array that is not numeric or finite, or of another shape; arrays unlike in
            shape or type; nothing that varies; too few examples.
    """
    for name, array in arrays.items():
        _check_array(where, name, array, signals)
    _check_alike(where, arrays)
    raw, full, scale_notes = _in_range(where, arrays, images=not signals)
    read = partial(_as_signals if signals else _channels_first, last=channels_last)
    shaped = {name: read(array) for name, array in raw.items()}
    wanted: dict[str, Any] = {
        "validation": "validation" not in shaped,
        "test": test and "test" not in shaped,
        "anomalous": anomalies.get("train"),
    }
    if groups:
        rows = draw_groups(groups["train"], seed, **wanted)
    else:
        rows = draw(len(shaped["train"]), seed, labels=labels.get("train"), **wanted)
    if not test and "test" not in shaped:
        rows = replace(rows, test=rows.validation)

    def taken(entries: Mapping[str, NDArray[Any]]) -> Splits | None:
        if not entries:
            return None
        held_out = {"validation": entries.get("validation"), "test": entries.get("test")}
        return rows.take(entries["train"], **held_out)

    examples = rows.take(
        shaped["train"], validation=shaped.get("validation"), test=shaped.get("test")
    )
    _check_varies(where, examples.train)
    if full:
        affine = Affine(np.zeros(()), np.array(float(full)))
        examples = replace(examples.map(affine.apply), scalings=(affine,))
    done = [
        *notes,
        *_described(shaped["train"].shape, arrays["train"].shape, channels_last),
        *scale_notes,
    ]
    as_they_are = examples.train.dtype != np.float64
    finish = partial(
        to_dataset, labels=taken(labels), anomalies=taken(anomalies), groups=taken(groups)
    )
    return _scaled(examples, finish, done, as_they_are)


def _check_array(where: str, name: str, array: Any, signals: bool) -> None:
    """Raises unless the array holds finite numbers in a known shape."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        kind = getattr(array, "dtype", "no array")
        raise DataError(f"the {name} array of {where} is {kind}: it must hold real numbers")
    if array.ndim not in ((2, 3) if signals else (2, 3, 4)) or 0 in array.shape:
        forms = "rows (n, d) or images (n, h, w), (n, h, w, c) or (n, c, h, w)"
        if signals:
            forms = "signals (n, length) or (n, c, length)"
        raise DataError(
            f"the {name} array of {where} has shape {array.shape}: it must be {forms}, none of "
            "them 0"
        )
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), array.shape))
        raise DataError(
            f"the {name} array of {where} holds {int(bad.sum())} NaN or infinite value(s), the "
            f"first at {first}: fill or remove them"
        )


def _check_alike(where: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raises unless all splits are of one kind."""
    train = arrays["train"]
    for name, array in arrays.items():
        bytewise = (train.dtype == np.uint8, array.dtype == np.uint8)
        if array.shape[1:] != train.shape[1:] or bytewise[0] != bytewise[1]:
            raise DataError(
                f"the train array of {where} is {train.dtype} {train.shape} but its {name} array "
                f"is {array.dtype} {array.shape}: make them alike"
            )


def _in_range(
    where: str, arrays: Mapping[str, NDArray[Any]], *, images: bool
) -> tuple[dict[str, NDArray[Any]], int, list[str]]:
    """Arrays as uint8 or float32 where their values decide, else as float64 to be scaled.

    Args:
        where: Of what, for messages.
        arrays: Finite numbers of any type, `[n, ...]`, by split.
        images: Whether arrays of three and four axes are images.

    Returns:
        The arrays, the full scale that float64 is to be divided by, 0 where it is to be fitted,
        and a note.
    """
    low = min(float(array.min()) for array in arrays.values())
    high = max(float(array.max()) for array in arrays.values())
    images = images and arrays["train"].ndim > 2
    whole = low >= 0 and all(_is_whole(array) for array in arrays.values())
    if whole and high <= 1:
        bits = arrays["train"].dtype == np.bool_ or high < 1
        note = [] if bits else ["values are 0 and 1: read as they are"]
        return {name: array.astype(np.float32) for name, array in arrays.items()}, 0, note
    bytewise = arrays["train"].dtype == np.uint8
    if whole and 64 <= high <= 255 and (images or bytewise):
        note = [f"bytes that reach {high:.0f} only, read as value / 255"] if high < 128 else []
        return {name: array.astype(np.uint8) for name, array in arrays.items()}, 0, note
    if whole and images and high < 65_536:
        full, said = full_scale(int(high))
        note = [said]
        return {n: array.astype(np.float64) for n, array in arrays.items()}, int(full), note
    if images and low >= 0 and 0.5 <= high <= 1:
        note = ["values from 0 to 1: read as they are"]
        return {name: array.astype(np.float32) for name, array in arrays.items()}, 0, note
    with np.errstate(over="ignore"):
        numbers = {name: array.astype(np.float64) for name, array in arrays.items()}
    if not all(np.isfinite(array).all() for array in numbers.values()):
        raise DataError(f"{where} holds values that are too great for 64 bits: divide them first")
    return numbers, 0, []


def _is_whole(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "biu" or bool((array == np.rint(array)).all())


def _check_varies(where: str, train: NDArray[Any]) -> None:
    """Raises if all training examples `[n, ...]` are the same."""
    if (train == train[:1]).all():
        raise DataError(
            f"all {len(train)} training examples of {where} are alike, so nothing can be learnt: "
            "add examples that vary"
        )


def _as_signals(array: NDArray[Any], *, last: bool | None) -> NDArray[Any]:
    """Signals as `[n, c, length]`."""
    if array.ndim == 2:
        return array[:, None]
    return np.moveaxis(array, -1, 1) if last else array


def _described(shape: tuple[int, ...], stored: tuple[int, ...], last: bool | None) -> list[str]:
    """What the examples `[n, ...]` were taken for, where there was a choice."""
    hint = ""
    first = last is None and len(shape) > 2 and shape == stored
    if first and FAR_SMALLER * stored[-1] <= min(stored[1:-1]):
        hint = ": did you mean channels last? ?channels=last reads them so"
    if len(shape) == 3:
        return [f"read as signals of {shape[1]} channel(s), {shape[2]} samples{hint}"]
    if len(shape) == 4:
        size = f"{shape[2]} by {shape[3]} pixels"
        return [f"read as images of {shape[1]} channel(s), {size}{hint}"]
    return []


def _channels_first(array: NDArray[Any], *, last: bool | None) -> NDArray[Any]:
    """Rows as they are; images as `[n, c, h, w]`."""
    if array.ndim == 3:
        return array[:, None]
    if array.ndim == 4 and (array.shape[-1] in CHANNELS if last is None else last):
        return np.moveaxis(array, -1, 1)
    return array


def _scaled(
    splits: Splits,
    finish: Callable[..., Dataset],
    notes: Iterable[str],
    as_they_are: bool,
) -> Dataset:
    """Rows and channels of signals standardised, images in the unit range, unless done already."""
    if as_they_are:
        span = 1.0 if splits.train.dtype == np.uint8 else value_range(splits.train)
        return finish(splits, data_range=span, notes=tuple(notes))
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
