"""Images in a directory of one's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from asymnas.config import DataSpec
from asymnas.datasets import DATASETS, Dataset
from asymnas.datasets._images import read_images
from asymnas.datasets._spec import check_spec, existing_directory
from asymnas.datasets._splits import split, to_dataset
from asymnas.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")

#: Top-level directories that ship a split, and the split they ship.
SHIPPED = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}


@DATASETS.register("folder")
def load(spec: DataSpec) -> Dataset:
    """Loads every image below `folder:DIR`, uint8 `[n, c, h, w]`; hidden files are skipped.

    With an image size, the central square of each image is resized to it; without, all images must
    have one size. Greyscale images have one channel, RGB three, RGBA four. Directories `train/`,
    `val/` (or `validation/`) and `test/` at the top are the shipped splits; without them the seed
    draws the splits.

    Raises:
        DataError: Missing or empty directory, an unreadable image, images unlike in channels or
            size, images beside the shipped splits.
    """
    check_spec(spec, takes="DIR", resizable=True)
    directory = existing_directory(spec)
    groups = _by_split(directory, sorted(_image_files(directory)))
    images = read_images([path for paths in groups.values() for path in paths], spec.image_size)
    bounds = np.cumsum([len(paths) for paths in groups.values()])[:-1]
    shipped = dict(zip(groups, np.split(images, bounds), strict=True))
    splits = split(
        shipped["train"],
        spec.seed,
        validation=shipped.get("validation"),
        test=shipped.get("test"),
    )
    return to_dataset(splits, notes=_notes(spec.image_size, list(groups)))


def _image_files(directory: Path) -> Iterator[tuple[str, ...]]:
    """Image files below `directory`, as parts of their path from there."""
    for place, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        parts = Path(place).relative_to(directory).parts
        for name in files:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield (*parts, name)


def _by_split(directory: Path, files: list[tuple[str, ...]]) -> dict[str, list[Path]]:
    """Files by the split they are shipped in; all are `train` where none is shipped."""
    if not files:
        raise DataError(f"{directory} holds no images ({', '.join(SUFFIXES)})")
    shipped = {parts: SHIPPED.get(parts[0].lower(), "") if parts[1:] else "" for parts in files}
    if not any(shipped.values()):
        return {"train": [directory.joinpath(*parts) for parts in files]}
    groups: dict[str, list[Path]] = {}
    for parts, name in shipped.items():
        groups.setdefault(name, []).append(directory.joinpath(*parts))
    if "" in groups:
        raise DataError(
            f"{directory} has images in train/, val/ or test/ but {groups[''][0]} is in none of "
            "them: move it into one, or rename those directories"
        )
    if "train" not in groups:
        raise DataError(
            f"{directory} has images in val/ or test/ but none in train/: add training images, or "
            "rename those directories"
        )
    return groups


def _notes(size: int | None, shipped: list[str]) -> tuple[str, ...]:
    """What was done to the images."""
    resized = () if size is None else (f"centre-cropped and resized to {size} by {size}",)
    held_out = tuple(f"{name} split as shipped" for name in shipped if name != "train")
    return resized + held_out
