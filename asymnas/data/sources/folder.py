"""Images in a directory of one's own."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import listed
from asymnas.data.base import DATASETS, Dataset, to_views
from asymnas.data.images.cache import cached_images
from asymnas.data.spec import check_spec, data_root, existing_directory, without_options
from asymnas.data.splits import Splits, draw

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")

#: Top-level directories that ship a split, and the split they ship.
SHIPPED = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}

Parts = tuple[str, ...]  # of an image's path from the directory


@DATASETS.register("folder")
def load(spec: DataSpec) -> Dataset:
    """Loads every image below `folder:DIR`, uint8 `[n, c, h, w]`; hidden files are skipped.

    With an image size, the central square of each image is resized to it; without, all images must
    have one size. Greyscale images have one channel, RGB three, RGBA four. Directories `train/`,
    `val/` (or `validation/`) and `test/` at the top are the shipped splits; without them the seed
    draws the splits. If all images lie in subdirectories, of the splits or of `DIR`, and there are
    two of them or more, these are the classes, in sorted order. `folder:DIR?anomaly=CLASS` makes
    the images of one of them anomalies.

    Images are decoded once, into a cache under the data root; see `images/cache.py`.

    Raises:
        DataError: Missing or empty directory, an unreadable image, images unlike in channels or
            size, images beside the shipped splits, a class without images or that is not there, no
            space for the cache.
    """
    spec, options = without_options(spec, ("anomaly",), takes="DIR", value="CLASS")
    check_spec(spec, takes="DIR", resizable=True)
    directory = existing_directory(spec)
    folders, files = _listing(directory)
    groups = _by_split(directory, sorted(files))
    ordered = [parts for group in groups.values() for parts in group]
    known, classes = _classes(directory, folders, ordered)
    anomalous = _anomalous(directory, known, classes, options.get("anomaly"))
    names = [os.path.join(*parts) for parts in ordered]
    images = cached_images(directory, names, spec.image_size, data_root(spec))
    rows = _rows(groups, spec.seed, classes, anomalous)
    return to_views(
        images,
        rows,
        labels=None if classes is None else rows.take(classes),
        anomalies=None if anomalous is None else rows.take(anomalous),
        notes=_notes(spec.image_size, list(groups), options.get("anomaly")),
    )


def _listing(directory: Path) -> tuple[list[Parts], list[Parts]]:
    """Directories and image files below `directory`, as parts of their path from there."""
    below: list[Parts] = []
    images: list[Parts] = []
    for place, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        parts = Path(place).relative_to(directory).parts
        below += [(*parts, name) for name in folders]
        images += [
            (*parts, name)
            for name in files
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    return below, images


def _by_split(directory: Path, files: Sequence[Parts]) -> dict[str, list[Parts]]:
    """Files by the split they are shipped in; all are `train` where none is shipped."""
    if not files:
        raise DataError(
            f"{directory} holds no images ({', '.join(SUFFIXES)}): add some, or name another "
            "directory"
        )
    groups: dict[str, list[Parts]] = {}
    for parts in files:
        groups.setdefault(_shipped(parts), []).append(parts)
    if groups.keys() == {""}:
        return {"train": groups[""]}
    if "" in groups:
        raise DataError(
            f"{directory} has images in train/, val/ or test/ but "
            f"{directory.joinpath(*groups[''][0])} is in none of them: move it into one, or rename "
            "those directories"
        )
    if "train" not in groups:
        raise DataError(
            f"{directory} has images in val/ or test/ but none in train/: add training images, or "
            "rename those directories"
        )
    return groups


def _shipped(parts: Parts) -> str:
    """The split that a file is shipped in; empty for none."""
    return SHIPPED.get(parts[0].lower(), "") if parts[1:] else ""


def _rows(
    groups: Mapping[str, Sequence[Parts]],
    seed: int,
    classes: NDArray[np.int64] | None,
    anomalous: NDArray[np.bool_] | None,
) -> Splits:
    """Indices of the files, in the groups' order, by split."""
    bounds = np.cumsum([len(group) for group in groups.values()])
    shipped = dict(zip(groups, np.split(np.arange(bounds[-1]), bounds[:-1]), strict=True))
    own = shipped["train"]
    rows = draw(
        len(own),
        seed,
        validation="validation" not in shipped,
        test="test" not in shipped,
        labels=None if classes is None else classes[own],
        anomalous=None if anomalous is None else anomalous[own],
    )
    return rows.take(own, validation=shipped.get("validation"), test=shipped.get("test"))


def _classes(
    directory: Path, folders: Sequence[Parts], files: Sequence[Parts]
) -> tuple[list[str], NDArray[np.int64] | None]:
    """Names of the classes, and of each file which it is, `[n]`; `None` if there are none."""
    place = 1 if _shipped(files[0]) else 0  # of the class among the parts
    if any(len(parts) < place + 2 for parts in files):
        return [], None
    of_files = [parts[place] for parts in files]
    classes = {name: number for number, name in enumerate(sorted(set(of_files)))}
    if len(classes) < 2:
        return [], None
    there = {parts[place] for parts in folders if len(parts) == place + 1}
    if empty := sorted(there - classes.keys()):
        raise DataError(
            f"{directory} has {len(classes)} classes but no images in {listed(empty)}: add "
            "some, or remove the directory"
        )
    return list(classes), np.array([classes[name] for name in of_files])


def _anomalous(
    directory: Path, known: Sequence[str], classes: NDArray[np.int64] | None, given: str | None
) -> NDArray[np.bool_] | None:
    """Which files are anomalies, `[n]`: those of the class that was named."""
    if given is None:
        return None
    if classes is None or given not in known:
        raise DataError(
            f"{directory} has no class {given!r} to be the anomalies: it has "
            f"{listed(known, 20) or 'no subdirectories that are classes'}"
        )
    return np.equal(classes, known.index(given))


def _notes(size: int | None, shipped: Sequence[str], anomaly: str | None) -> tuple[str, ...]:
    """What was done to the images."""
    resized = () if size is None else (f"centre-cropped and resized to {size} by {size}",)
    held_out = tuple(f"{name} split as shipped" for name in shipped if name != "train")
    return resized + held_out + (() if anomaly is None else (f"images of {anomaly} are anomalies",))
