"""What the names of directories say of the images in them: their splits and their classes."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.errors import DataError
from asymnas.core.text import joined, listed, plural
from asymnas.data.listing import Listing, Parts
from asymnas.data.splits import NAMES, SplitName

#: Directories, in lower case, that ship a split if they are at the top.
SPLIT_WORDS: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
#: Those that do so where a training and a held-out split are there: alone they may be classes.
MORE_SPLIT_WORDS: dict[str, SplitName] = {
    **SPLIT_WORDS,
    "trn": "train",
    "valid": "validation",
    "dev": "validation",
    "eval": "validation",
    "evaluation": "validation",
    "tst": "test",
    "holdout": "test",
}
#: What may follow such a word there, as in `train2017`, `test_set` and `Train Images`.
SPLIT_NAME = re.compile(r"([a-z]+?)[ _-]?(?:sets?|split|data|images?|imgs?)?[ _-]?\d*")
#: Directories, in lower case, that lie beside shipped splits and hold none of their examples.
ANNOTATIONS = frozenset({"ground_truth", "ground-truth", "masks", "annotations", "labels"})

NAMED = 10  # classes that a note names


class Layout(NamedTuple):
    """Which images are there, and what is known of each.

    Args:
        groups: The images by the split they are shipped in; all are `train` where none is shipped.
        known: Names of the classes in sorted order; empty if there are none.
        classes: Which of them each image is, in the order of the groups, int64 `[n]`.
        notes: What was read from the names, in words.
    """

    groups: dict[SplitName, list[Parts]]
    known: list[str]
    classes: NDArray[np.int64] | None
    notes: tuple[str, ...]


def read_layout(directory: Path, listing: Listing) -> Layout:
    """Reads splits and classes from the names of directories.

    Raises:
        DataError: Images beside shipped splits, or splits that cannot be told apart; held-out
            splits without one to train on; splits further down; a class without images.
    """
    shipped = _shipped(directory, listing.files)
    groups, beside = _by_split(directory, listing.files, shipped)
    files = [parts for group in groups.values() for parts in group]
    known, classes, notes = _classes(directory, listing.folders, files, shipped)
    held_out = [
        f"{NAMES[split]} split as shipped: {folder}/"
        for folder, split in shipped.items()
        if split != "train"
    ]
    return Layout(groups, known, classes, (*held_out, *beside, *notes))


def _shipped(directory: Path, files: Iterable[Parts]) -> dict[str, SplitName]:
    """Directories at the top that ship a split, and which."""
    tops = sorted({parts[0] for parts in files if parts[1:]})
    shipped = _split_names(tops)
    if not _are_splits(shipped):
        return {name: SPLIT_WORDS[name.lower()] for name in tops if name.lower() in SPLIT_WORDS}
    for split, count in Counter(shipped.values()).items():
        if count > 1:
            alike = [f"{name}/" for name in shipped if shipped[name] == split]
            raise DataError(
                f"{directory} has {joined(alike)}, each of them a {NAMES[split]} split: put their "
                "images into one, or rename those that are none"
            )
    return shipped


def _split_names(names: Iterable[str]) -> dict[str, SplitName]:
    """Names that may be those of splits."""
    matches = {name: SPLIT_NAME.fullmatch(name.lower()) for name in names}
    return {
        name: MORE_SPLIT_WORDS[match[1]]
        for name, match in matches.items()
        if match and match[1] in MORE_SPLIT_WORDS
    }


def _are_splits(named: Mapping[str, SplitName]) -> bool:
    """Whether there is a split to train on and one held out."""
    return {"train"} < set(named.values())


def _by_split(
    directory: Path, files: Sequence[Parts], shipped: Mapping[str, SplitName]
) -> tuple[dict[SplitName, list[Parts]], list[str]]:
    """Files by the split they are shipped in, and what is left out beside them."""
    if not shipped:
        _check_below(directory, files)
        return {"train": [*files]}, []
    groups: defaultdict[SplitName, list[Parts]] = defaultdict(list)
    beside: Counter[str] = Counter()
    for parts in files:
        if parts[1:] and parts[0] in shipped:
            groups[shipped[parts[0]]].append(parts)
        elif parts[1:] and parts[0].lower() in ANNOTATIONS:
            beside[parts[0]] += 1
        else:
            raise DataError(
                f"{directory} has splits of its own ({_folders(shipped)}) but "
                f"{directory.joinpath(*parts)} is in none of them: move it into one, or rename "
                "those directories"
            )
    if "train" not in groups:
        raise DataError(
            f"{directory} has images in {_folders(shipped)} but none in train/: add training "
            "images, or rename those directories"
        )
    notes = [
        f"left out beside the splits: {name}/ ({plural(count, 'image')})"
        for name, count in beside.items()
    ]
    return dict(groups), notes


def _folders(names: Iterable[str]) -> str:
    return ", ".join(f"{name}/" for name in names)


def _check_below(directory: Path, files: Iterable[Parts]) -> None:
    """Raises if there are splits further down: they would be mixed."""
    below: defaultdict[Parts, set[str]] = defaultdict(set)
    for parts in files:
        for place in range(1, len(parts) - 1):
            below[parts[:place]].add(parts[place])
    for parent, names in sorted(below.items()):
        splits = _split_names(sorted(names))
        if _are_splits(splits):
            where = directory.joinpath(*parent)
            raise DataError(
                f"{where} has splits of its own ({_folders(splits)}), which would be mixed: name "
                f"it, as folder:{where}, or put the splits at the top, as "
                f"{os.path.join(next(iter(splits)), parent[-1])}"
            )


def _classes(
    directory: Path,
    folders: Sequence[Parts],
    files: Sequence[Parts],
    shipped: Mapping[str, SplitName],
) -> tuple[list[str], NDArray[np.int64] | None, list[str]]:
    """Names of the classes, of each file which it is `[n]`, and what to note of them."""
    place = 1 if shipped else 0  # of the class among the parts
    outside = [parts for parts in files if len(parts) < place + 2]
    if outside:
        some = len(outside) < len(files)
        where = os.path.join(*outside[0])
        return [], None, [f"no classes: {where} is in no subdirectory"] if some else []
    of_files = [parts[place] for parts in files]
    known = sorted(set(of_files))
    if len(known) < 2:
        return [], None, []
    there = {
        parts[place]
        for parts in folders
        if len(parts) == place + 1 and (not shipped or parts[0] in shipped)
    }
    if empty := sorted(there - set(known)):
        raise DataError(
            f"{directory} has {len(known)} classes but no images in {listed(empty)}: add "
            "some, or remove the directory"
        )
    numbers = {name: number for number, name in enumerate(known)}
    note = f"{len(known)} classes: {listed(known, NAMED)}"
    return known, np.array([numbers[name] for name in of_files]), [note]
