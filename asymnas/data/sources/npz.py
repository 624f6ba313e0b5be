"""Arrays in a NumPy archive, or a single array, of one's own.

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

import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import listed, one_line
from asymnas.data.affine import Affine
from asymnas.data.anomalies import are_classes, class_ids, truth_values
from asymnas.data.base import DATASETS, Dataset, to_dataset
from asymnas.data.memory import check_memory
from asymnas.data.scaling import (
    standardise,
    standardise_channels,
    to_unit_range,
    value_range,
    varying,
)
from asymnas.data.spec import check_spec, existing_file, without_options
from asymnas.data.splits import Splits, draw

CHANNELS = (1, 3, 4)  # sizes of a last axis that make it the channels
FAR_SMALLER = 4  # times smaller than all others a last axis is that may be meant as the channels
OPTIONS = {"channels": "last", "as": "signals"}


@DATASETS.register("npz")
def load(spec: DataSpec) -> Dataset:
    """Loads `npz:FILE`: rows `[n, d]`, signals `[n, c, length]` or images `[n, c, h, w]`.

    The archive holds one array, or several of which one has a training name of
    `EXAMPLES` and others may be the validation and test splits, or the labels and
    anomalies of a split; what has no such name is ignored. An array is rows `(n, d)`, or images
    `(n, h, w)`, `(n, h, w, c)` with 1, 3 or 4 channels last, else `(n, c, h, w)`. Arrays whose
    names end in "signals" are signals, `(n, length)` of one channel or `(n, c, length)`, and so are
    all with `?as=signals`. `?channels=last` and `?channels=first` say where the channels are.

    Scaled as the module's docstring says, by the training split alone where values do not decide,
    so that held-out images may leave [0, 1].

    Raises:
        DataError: Not a readable archive, no or several training arrays, an array that is not
            numeric or finite, arrays unlike in shape or type, labels or anomalies that do not fit.
    """
    spec, options = without_options(spec, OPTIONS)
    check_spec(spec, takes="FILE")
    last = _channels_last(options)
    path = existing_file(spec)
    archive = read_archive(path)
    signals = archive.signals or "as" in options
    notes = _left_out(archive.ignored)
    for name, array in archive.examples.items():
        _check_array(path, name, array, signals)
    _check_alike(path, archive.examples)
    raw, full, scale_notes = _in_range(path, archive.examples, images=not signals)
    read = partial(_as_signals if signals else _channels_first, last=last)
    shaped = {name: read(array) for name, array in raw.items()}
    notes += [
        *_described(shaped["train"].shape, archive.examples["train"].shape, last),
        *scale_notes,
    ]
    rows = draw(
        len(shaped["train"]),
        spec.seed,
        validation="validation" not in shaped,
        test="test" not in shaped,
        labels=archive.labels.get("train"),
        anomalous=archive.anomalies.get("train"),
    )

    def taken(arrays: Mapping[str, NDArray[Any]]) -> Splits | None:
        if not arrays:
            return None
        held_out = {"validation": arrays.get("validation"), "test": arrays.get("test")}
        return rows.take(arrays["train"], **held_out)

    examples = rows.take(
        shaped["train"], validation=shaped.get("validation"), test=shaped.get("test")
    )
    _check_varies(path, examples.train)
    if full:
        affine = Affine(np.zeros(()), np.array(float(full)))
        examples = replace(examples.map(affine.apply), scalings=(affine,))
    as_they_are = examples.train.dtype != np.float64
    return _scaled(examples, taken(archive.labels), taken(archive.anomalies), notes, as_they_are)


def _channels_last(options: Mapping[str, str]) -> bool | None:
    """Whether channels are last, if that is said."""
    if options.get("as", "signals") != "signals":
        raise DataError(f"as must be signals but got {options['as']!r}")
    channels = options.get("channels")
    if channels not in (None, "first", "last"):
        raise DataError(f"channels must be first or last but got {channels!r}")
    return None if channels is None else channels == "last"


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


def _check_array(path: Path, name: str, array: Any, signals: bool) -> None:
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


def _check_alike(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Raises unless all splits are of one kind."""
    train = arrays["train"]
    for name, array in arrays.items():
        bytewise = (train.dtype == np.uint8, array.dtype == np.uint8)
        if array.shape[1:] != train.shape[1:] or bytewise[0] != bytewise[1]:
            raise DataError(
                f"the train array of {path} is {train.dtype} {train.shape} but its {name} array is "
                f"{array.dtype} {array.shape}: make them alike"
            )


def _in_range(
    path: Path, arrays: Mapping[str, NDArray[Any]], *, images: bool
) -> tuple[dict[str, NDArray[Any]], int, list[str]]:
    """Arrays as uint8 or float32 where their values decide, else as float64 to be scaled.

    Args:
        path: For messages.
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
        depths = [2**bits - 1 for bits in (10, 12, 14, 16)]
        full = high if high < 64 else next(depth for depth in depths if depth >= high)
        note = [f"whole numbers up to {high:.0f}: read as value / {full:.0f}"]
        return {n: array.astype(np.float64) for n, array in arrays.items()}, int(full), note
    if images and low >= 0 and 0.5 <= high <= 1:
        note = ["values from 0 to 1: read as they are"]
        return {name: array.astype(np.float32) for name, array in arrays.items()}, 0, note
    with np.errstate(over="ignore"):
        numbers = {name: array.astype(np.float64) for name, array in arrays.items()}
    if not all(np.isfinite(array).all() for array in numbers.values()):
        raise DataError(f"{path} holds values that are too great for 64 bits: divide them first")
    return numbers, 0, []


def _is_whole(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "biu" or bool((array == np.rint(array)).all())


def _check_varies(path: Path, train: NDArray[Any]) -> None:
    """Raises if all training examples `[n, ...]` are the same."""
    if (train == train[:1]).all():
        raise DataError(
            f"all {len(train)} training examples of {path} are alike, so nothing can be learnt: "
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
    labels: Splits | None,
    anomalies: Splits | None,
    notes: Iterable[str],
    as_they_are: bool,
) -> Dataset:
    """Rows and channels of signals standardised, images in the unit range, unless done already."""
    finish = partial(to_dataset, labels=labels, anomalies=anomalies)
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


Arrays = dict[str, NDArray[Any]]
Names = Mapping[str, Sequence[str]]

#: Names, in lower case, by which an array is known as a split's examples.
EXAMPLES: Names = {
    "train": ("train", "x_train", "train_images", "train_signals", "signals", "x", "data"),
    "validation": (
        "validation",
        "val",
        "x_validation",
        "x_val",
        "val_images",
        "val_signals",
        "validation_signals",
    ),
    "test": ("test", "x_test", "test_images", "test_signals"),
}
SIGNALS = "signals"  # how a name of examples ends that are signals
#: Those by which it is known as their classes.
LABELS: Names = {
    "train": ("y_train", "train_labels", "y", "labels", "label", "target"),
    "validation": ("y_validation", "y_val", "val_labels", "validation_labels"),
    "test": ("y_test", "test_labels"),
}
#: Those by which it says which of them are anomalies.
ANOMALIES: Names = {
    "train": ("anomalies_train", "train_anomalies", "anomalies", "anomaly"),
    "validation": ("anomalies_validation", "anomalies_val", "val_anomalies"),
    "test": ("anomalies_test", "test_anomalies"),
}


class Archive(NamedTuple):
    """The arrays of an archive by what they are, then by split.

    Args:
        examples: As stored; `train` is there.
        labels: Class ids, int64 `[n]`, for the splits in `examples`; empty without labels.
        anomalies: Flags, bool `[n]`, for the same splits; empty where nothing is said of anomalies.
        ignored: Names of the arrays left out.
        signals: Whether the examples go by names of signals.
    """

    examples: Arrays
    labels: Arrays
    anomalies: Arrays
    ignored: list[str]
    signals: bool


def read_archive(path: Path) -> Archive:
    """Reads what an archive has of use.

    Labels count if every shipped split has them and they are at least two classes: text, truth
    values or whole numbers. Where only some splits say what is anomalous, the others have no
    anomalies.

    Raises:
        DataError: Not a readable archive; no or several training arrays; labels or anomalies of
            another length than their examples; anomalies that are not true or false.
    """
    try:
        if _is_single_array(path):
            with path.open("rb") as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
            return Archive({"train": array}, {}, {}, [], False)
        if not zipfile.is_zipfile(path):
            raise DataError(
                f"{path} is not an .npz archive: write one with numpy.savez, or one array with "
                "numpy.save"
            )
        with np.load(path, allow_pickle=False) as stored:
            return _read_arrays(path, stored)
    except DataError:
        raise
    except ValueError as error:
        if "Object arrays" not in str(error):  # NumPy's word for them
            raise _unreadable(path, error) from error
        raise DataError(
            f"{path} holds Python objects, which are not read: write arrays of numbers with "
            "numpy.savez"
        ) from error
    except Exception as error:  # zip, header and pickle errors share no base
        raise _unreadable(path, error) from error


def _is_single_array(path: Path) -> bool:
    """Whether a file is what `numpy.save` writes."""
    with path.open("rb") as file:
        return file.read(6) == b"\x93NUMPY"


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path} cannot be read ({one_line(error)}): write plain numeric arrays with numpy.savez"
    )


def _read_arrays(path: Path, stored: Any) -> Archive:
    """What an open archive has of use; other arrays are not even read."""
    names = list(stored.files)
    roles = {"train": names[0]} if len(names) == 1 else _roles(path, names, EXAMPLES)
    if "train" not in roles:
        raise DataError(
            f"{path} has no training array among {listed(names) or 'its 0 arrays'}: name one of "
            f"them {', '.join(EXAMPLES['train'][:-1])} or {EXAMPLES['train'][-1]}"
        )
    check_memory(path, _size_of(stored, roles.values()))
    examples: Arrays = {split: stored[name] for split, name in roles.items()}
    labelled, marked = _roles(path, names, LABELS), _roles(path, names, ANOMALIES)
    labels = _labels(path, stored, labelled) if labelled.keys() == roles.keys() else {}
    marked = {split: name for split, name in marked.items() if split in roles}
    anomalies: Arrays = {
        split: truth_values(_entries(stored[name]), f"array {name} of {path}")
        for split, name in marked.items()
    }
    for array_names, entries in ((labelled, labels), (marked, anomalies)):
        for split, values in entries.items():
            _check_length(path, array_names[split], values, examples[split])
    used = {*roles.values(), *marked.values(), *(labelled.values() if labels else ())}
    if anomalies:
        anomalies |= {s: np.zeros(len(examples[s]), bool) for s in roles if s not in anomalies}
    ignored = [name for name in names if name not in used]
    return Archive(examples, labels, anomalies, ignored, _are_signals(path, roles.values()))


def _size_of(stored: Any, names: Iterable[str]) -> int:
    """Bytes of arrays once they are unpacked, by the directory of the archive."""
    sizes = {info.filename: info.file_size for info in stored.zip.infolist()}
    return sum(sizes.get(name, sizes.get(f"{name}.npy", 0)) for name in names)


def _roles(path: Path, names: Sequence[str], known: Names) -> dict[str, str]:
    """Which array belongs to which split."""
    by_split = {split: [n for n in names if n.lower() in known[split]] for split in known}
    for split, candidates in by_split.items():
        if len(candidates) > 1:
            what = {id(EXAMPLES): "", id(LABELS): "label ", id(ANOMALIES): "anomaly "}[id(known)]
            raise DataError(
                f"{path} has several {split} {what}arrays ({listed(candidates)}): keep one"
            )
    return {split: candidates[0] for split, candidates in by_split.items() if candidates}


def _are_signals(path: Path, names: Collection[str]) -> bool:
    """Whether examples are named signals."""
    named = [name for name in names if name.lower().endswith(SIGNALS)]
    if named and len(named) < len(names):
        other = next(name for name in names if name not in named)
        raise DataError(
            f"{path} names {named[0]} signals but not {other}: name all splits so, or none"
        )
    return bool(named)


def _labels(path: Path, stored: Any, names: Mapping[str, str]) -> Arrays:
    """Class ids by split, numbered over all of them; none where the arrays hold no classes."""
    try:
        values = {split: _entries(stored[name]) for split, name in names.items()}
    except ValueError:  # objects, which only pickle reads
        return {}
    whole = np.concatenate(list(values.values())) if _alike(values) else np.empty(0)
    if len(np.unique(whole)) < 2:
        return {}
    ids = class_ids(whole, f"the labels of {path}")
    bounds = np.cumsum([len(part) for part in values.values()])[:-1]
    return dict(zip(values, np.split(ids, bounds), strict=True))


def _alike(values: Arrays) -> bool:
    """Whether all splits name their classes in one way: text, or truth values and numbers."""
    text = {array.dtype.kind == "U" for array in values.values()}
    return len(text) == 1 and all(v.ndim == 1 and are_classes(v) for v in values.values())


def _entries(array: NDArray[Any]) -> NDArray[Any]:
    """`[n, 1]` as `[n]`."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _check_length(path: Path, name: str, entries: NDArray[Any], examples: NDArray[Any]) -> None:
    if entries.shape != examples.shape[:1]:
        raise DataError(
            f"array {name} of {path} has shape {entries.shape}: it must have one entry for each of "
            f"the {len(examples)} examples"
        )
