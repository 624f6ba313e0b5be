"""Arrays in a NumPy archive, or a single array, of one's own.

What becomes of their values: `asymnas.data.arrays`.
"""

import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import listed, one_line
from asymnas.data.anomalies import are_classes, class_ids, truth_values
from asymnas.data.arrays import array_dataset
from asymnas.data.base import DATASETS, Dataset
from asymnas.data.memory import check_memory
from asymnas.data.spec import check_spec, existing_file, without_options

OPTIONS = {"channels": "last", "as": "signals"}


@DATASETS.register("npz")
def load(spec: DataSpec) -> Dataset:
    """Loads `npz:FILE`: rows `[n, d]`, signals `[n, c, length]` or images `[n, c, h, w]`.

    The archive holds one array, or several of which one has a training name of
    `EXAMPLES` and others may be the validation and test splits, or the labels, anomalies
    and groups of a split; what has no such name is ignored. An array is rows `(n, d)`, or images
    `(n, h, w)`, `(n, h, w, c)` with 1, 3 or 4 channels last, else `(n, c, h, w)`. Arrays whose
    names end in "signals" are signals, `(n, length)` of one channel or `(n, c, length)`, and so are
    all with `?as=signals`. `?channels=last` and `?channels=first` say where the channels are.

    Scaled as `array_dataset` says.

    Raises:
        DataError: Not a readable archive, no or several training arrays, an array that is not
            numeric or finite, arrays unlike in shape or type, labels, anomalies or groups that do
            not fit.
    """
    spec, options = without_options(spec, OPTIONS)
    check_spec(spec, takes="FILE")
    last = _channels_last(options)
    path = existing_file(spec)
    archive = read_archive(path)
    return array_dataset(
        archive.examples,
        spec.seed,
        where=str(path),
        labels=archive.labels,
        anomalies=archive.anomalies,
        groups=archive.groups,
        signals=archive.signals or "as" in options,
        channels_last=last,
        notes=_left_out(archive.ignored),
    )


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
#: Those by which it says which of them belong together.
GROUPS: Names = {
    "train": ("groups_train", "group_train", "train_groups", "groups", "group"),
    "validation": ("groups_validation", "groups_val", "val_groups", "validation_groups"),
    "test": ("groups_test", "test_groups"),
}


class Archive(NamedTuple):
    """The arrays of an archive by what they are, then by split.

    Args:
        examples: As stored; `train` is there.
        labels: Class ids, int64 `[n]`, for the splits in `examples`; empty without labels.
        anomalies: Flags, bool `[n]`, for the same splits; empty where nothing is said of anomalies.
        groups: Ids of what examples belong to, int64 `[n]`, for the same splits; empty without.
        ignored: Names of the arrays left out.
        signals: Whether the examples go by names of signals.
    """

    examples: Arrays
    labels: Arrays
    anomalies: Arrays
    groups: Arrays
    ignored: list[str]
    signals: bool


def read_archive(path: Path) -> Archive:
    """Reads what an archive has of use.

    Labels count if every shipped split has them and they are at least two classes: text, truth
    values or whole numbers. Where only some splits say what is anomalous, the others have no
    anomalies. Groups are text, truth values or whole numbers, and every shipped split has them.

    Raises:
        DataError: Not a readable archive; no or several training arrays; labels, anomalies or
            groups of another length than their examples; anomalies that are not true or false;
            groups of some splits alone.
    """
    try:
        if _is_single_array(path):
            with path.open("rb") as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
            return Archive({"train": array}, {}, {}, {}, [], False)
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
    grouped = _roles(path, names, GROUPS)
    groups = _groups(path, stored, grouped, roles)
    for array_names, entries in ((labelled, labels), (marked, anomalies), (grouped, groups)):
        for split, values in entries.items():
            _check_length(path, array_names[split], values, examples[split])
    used = {*roles.values(), *marked.values(), *grouped.values()}
    used |= set(labelled.values() if labels else ())
    if anomalies:
        anomalies |= {s: np.zeros(len(examples[s]), bool) for s in roles if s not in anomalies}
    ignored = [name for name in names if name not in used]
    return Archive(examples, labels, anomalies, groups, ignored, _are_signals(path, roles.values()))


def _size_of(stored: Any, names: Iterable[str]) -> int:
    """Bytes of arrays once they are unpacked, by the directory of the archive."""
    sizes = {info.filename: info.file_size for info in stored.zip.infolist()}
    return sum(sizes.get(name, sizes.get(f"{name}.npy", 0)) for name in names)


def _roles(path: Path, names: Sequence[str], known: Names) -> dict[str, str]:
    """Which array belongs to which split."""
    by_split = {split: [n for n in names if n.lower() in known[split]] for split in known}
    for split, candidates in by_split.items():
        if len(candidates) > 1:
            kinds = {
                id(EXAMPLES): "",
                id(LABELS): "label ",
                id(ANOMALIES): "anomaly ",
                id(GROUPS): "group ",
            }
            what = kinds[id(known)]
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


def _groups(path: Path, stored: Any, names: Mapping[str, str], splits: Collection[str]) -> Arrays:
    """Group ids by split, numbered over all of them."""
    if not names:
        return {}
    if lacking := [split for split in splits if split not in names]:
        raise DataError(
            f"{path} names the groups of {listed(list(names))} but not of {lacking[0]}: name those "
            "of every split, or none"
        )
    values = {split: _entries(stored[names[split]]) for split in splits}
    if not _alike(values):
        raise DataError(
            f"the groups of {path} must be text in every split, or whole numbers in every split, "
            "one for each example"
        )
    return _numbered(values, f"the group array of {path}")


def _labels(path: Path, stored: Any, names: Mapping[str, str]) -> Arrays:
    """Class ids by split, numbered over all of them; none where the arrays hold no classes."""
    try:
        values = {split: _entries(stored[name]) for split, name in names.items()}
    except ValueError:  # objects, which only pickle reads
        return {}
    whole = np.concatenate(list(values.values())) if _alike(values) else np.empty(0)
    if len(np.unique(whole)) < 2:
        return {}
    return _numbered(values, f"the labels of {path}")


def _numbered(values: Arrays, what: str) -> Arrays:
    """Classes or groups by split, numbered over all splits together."""
    ids = class_ids(np.concatenate(list(values.values())), what)
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
