"""Patches of the two sample photographs that come with scikit-learn, split by region."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, check_spec
from asymnas.data.splits import Splits, draw, to_dataset

PATCH = 48  # pixels, the side of a patch
STRIDE = 3  # pixels between neighbouring patches of one region
GRID = (6, 8)  # regions of a photograph, down and across: 71 by 80 pixels each


class Corner(NamedTuple):
    """Where a patch was cut: the photograph, and the patch's upper left pixel."""

    photo: int
    top: int
    left: int


@DATASETS.register("photos")
def load(spec: DataSpec) -> Dataset:
    """Loads 6,336 training, 528 validation and 1,584 test patches, uint8 `[n, 3, 48, 48]`.

    Each photograph (427 by 640 pixels) is cut into 48 regions that the seed deals out to the
    splits by the common rule; patches overlap within a region and never leave it, so no pixel is
    seen by two splits. The regions of one photograph still resemble one another: the data set is
    for trying things out, not for claims about photographs at large.

    Source: `sklearn.datasets.load_sample_images` (CC BY, Yuichi Sakuraba and dany13).

    Raises:
        DataError: An option that this data set has no use for.
    """
    from sklearn.datasets import load_sample_images

    check_spec(spec)
    photos = load_sample_images().images
    splits = Splits(*(_cut(photos, corners) for corners in _corners(photos, spec.seed)))
    return to_dataset(splits, notes=("split by region: splits share no pixel",))


def _corners(photos: list[NDArray[Any]], seed: int) -> tuple[list[Corner], ...]:
    """The patches of the training, the validation and the test split, in that order."""
    corners: tuple[list[Corner], ...] = ([], [], [])
    for number, photo in enumerate(photos):
        regions = _regions(photo.shape[0], photo.shape[1])
        for found, indices in zip(corners, draw(len(regions), (seed, number)), strict=True):
            for index in indices:
                found.extend(Corner(number, top, left) for top, left in _starts(*regions[index]))
    return corners


def _regions(height: int, width: int) -> list[tuple[range, range]]:
    """Disjoint rectangles of one size, each as its rows and columns."""
    rows, columns = height // GRID[0], width // GRID[1]
    return [
        (range(i * rows, (i + 1) * rows), range(j * columns, (j + 1) * columns))
        for i in range(GRID[0])
        for j in range(GRID[1])
    ]


def _starts(rows: range, columns: range) -> list[tuple[int, int]]:
    """Upper left pixels of the patches that lie within a region."""
    return [
        (top, left)
        for top in range(rows.start, rows.stop - PATCH + 1, STRIDE)
        for left in range(columns.start, columns.stop - PATCH + 1, STRIDE)
    ]


def _cut(photos: list[NDArray[Any]], corners: list[Corner]) -> NDArray[Any]:
    """The patches at `corners`, uint8 `[n, 3, 48, 48]`."""
    patches = [
        photos[photo][top : top + PATCH, left : left + PATCH] for photo, top, left in corners
    ]
    return np.stack(patches).transpose(0, 3, 1, 2)
