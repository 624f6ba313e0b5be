"""Arrays in a NumPy archive of one's own."""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asymnas.config import DataSpec
from asymnas.datasets import DATASETS, Dataset
from asymnas.datasets._messages import listed, one_line
from asymnas.datasets._scaling import standardise, to_unit_range, value_range, varying
from asymnas.datasets._spec import check_spec, existing_file
from asymnas.datasets._splits import Splits, split, to_dataset
from asymnas.errors import DataError

#: Names, in lower case, by which an array is known as a split.
NAMES = {
    "train": ("train", "x_train", "train_images", "x", "data"),
    "validation": ("validation", "val", "x_validation", "x_val", "val_images"),
    "test": ("test", "x_test", "test_images"),
}
CHANNELS = (1, 3, 4)  # sizes of a last axis that make it the channels


@DATASETS.register("npz")
def load(spec: DataSpec) -> Dataset:
    """Loads `npz:FILE`: rows `[n, d]` or images `[n, c, h, w]`.

    The archive holds one array, or several of which one has a name of `NAMES["train"]` and others
    may be the validation and test splits; what has no such name (labels) is ignored. An array is
    rows `(n, d)`, or images `(n, h, w)`, `(n, h, w, c)` with 1, 3 or 4 channels last, else
    `(n, c, h, w)`.

    uint8 stays as it is. Other numbers become float32: rows standardised, images scaled to [0, 1],
    both by the training split alone, so that held-out images may leave that range.

    Raises:
        DataError: Not a readable archive, no or several training arrays, an array that is not
            numeric or finite, arrays unlike in shape or type.
    """
    check_spec(spec, takes="FILE")
    path = existing_file(spec)
    arrays, ignored = _read(path)
    notes = [f"arrays left out: {listed(ignored)}"] if ignored else []
    for name, array in arrays.items():
        _refuse_unusable(path, name, array)
    _refuse_unlike(path, arrays)
    shaped = {name: _channels_first(array) for name, array in arrays.items()}
    if shaped["train"].ndim == 4:
        _, channels, height, width = shaped["train"].shape
        notes.append(f"read as images of {channels} channel(s), {height} by {width} pixels")
    splits = split(
        shaped["train"], spec.seed, validation=shaped.get("validation"), test=shaped.get("test")
    )
    return _scaled(splits, notes)


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """The arrays by split, and the names of those left out."""
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path} is not an .npz archive: write one with numpy.savez")
    try:
        with np.load(path, allow_pickle=False) as archive:
            roles = _roles(path, archive.files)
            arrays = {role: archive[name] for role, name in roles.items()}
            return arrays, [name for name in archive.files if name not in roles.values()]
    except DataError:
        raise
    except Exception as error:  # zip, header and pickle errors share no base
        raise DataError(
            f"{path} cannot be read ({one_line(error)}): write plain numeric arrays with "
            "numpy.savez"
        ) from error


def _roles(path: Path, names: list[str]) -> dict[str, str]:
    """Which array is which split."""
    if len(names) == 1:
        return {"train": names[0]}
    found = {role: [n for n in names if n.lower() in known] for role, known in NAMES.items()}
    for role, candidates in found.items():
        if len(candidates) > 1:
            raise DataError(f"{path} has several {role} arrays ({listed(candidates)}): keep one")
    if not found["train"]:
        raise DataError(
            f"{path} has no training array among {listed(names) or 'its 0 arrays'}: name one of "
            f"them {', '.join(NAMES['train'][:-1])} or {NAMES['train'][-1]}"
        )
    return {role: candidates[0] for role, candidates in found.items() if candidates}


def _refuse_unusable(path: Path, name: str, array: Any) -> None:
    """Raises unless the array holds finite numbers in a known shape."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        kind = getattr(array, "dtype", "no array")
        raise DataError(f"the {name} array of {path} is {kind}: it must hold real numbers")
    if array.ndim not in (2, 3, 4) or 0 in array.shape:
        raise DataError(
            f"the {name} array of {path} has shape {array.shape}: it must be rows (n, d) or images "
            "(n, h, w), (n, h, w, c) or (n, c, h, w), none of them 0"
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


def _channels_first(array: NDArray[Any]) -> NDArray[Any]:
    """Rows as they are; images as `[n, c, h, w]`; all but uint8 as float64."""
    if array.dtype != np.uint8:
        array = array.astype(np.float64)
    if array.ndim == 3:
        return array[:, None]
    if array.ndim == 4 and array.shape[-1] in CHANNELS:
        return np.moveaxis(array, -1, 1)
    return array


def _scaled(splits: Splits, notes: Iterable[str]) -> Dataset:
    """uint8 as it is, rows standardised, images scaled to the unit range."""
    if splits.train.dtype == np.uint8:
        return to_dataset(splits, notes=tuple(notes))
    if splits.train.ndim > 2:
        note = "scaled so that the training images span [0, 1]"
        return to_dataset(to_unit_range(splits), notes=(*notes, note))
    done = ["standardised on the training split"]
    if constant := int((~varying(splits.train)).sum()):
        done.append(f"{constant} column(s) constant on the training split: only centred")
    rows = standardise(splits)
    return to_dataset(rows, data_range=value_range(rows.train), notes=(*notes, *done))
