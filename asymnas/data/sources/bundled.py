"""Data sets that come with scikit-learn: digits, patches of photographs, wines, tumours."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, to_dataset
from asymnas.data.scaling import standardise, value_range
from asymnas.data.spec import check_spec
from asymnas.data.splits import Splits, draw

PATCH = 48  # pixels, the side of a patch
STRIDE = 3  # pixels between neighbouring patches of one region
GRID = (6, 8)  # regions of a photograph, down and across: 71 by 80 pixels each

MALIGNANT = 0  # scikit-learn's id; benign is 1


@DATASETS.register("digits")
def load_digits(spec: DataSpec) -> Dataset:
    """Loads 1,295 training, 143 validation and 359 test images, uint8 `[n, 1, 8, 8]`.

    No test split is shipped; the seed draws it. Source: Alpaydin & Kaynak (1998), "Optical
    Recognition of Handwritten Digits", UCI, https://doi.org/10.24432/C50P49.

    Raises:
        DataError: An option that this data set has no use for.
    """
    check_spec(spec)
    grey, classes = _grey_digits()
    rows = draw(len(grey), spec.seed, labels=classes)
    return to_dataset(
        rows.take(grey[:, None]),
        labels=rows.take(classes),
        notes=("values 0 … 16 scaled to 0 … 255",),
    )


@cache
def _grey_digits() -> tuple[NDArray[Any], NDArray[Any]]:
    """All images, uint8 `[n, 8, 8]`, and their classes; read once, since reading text is slow."""
    from sklearn import datasets

    digits = datasets.load_digits()
    return np.rint(digits.images * (255 / 16)).astype(np.uint8), digits.target


class Corner(NamedTuple):
    """Where a patch was cut: the photograph, the patch's upper left pixel, and its region."""

    photo: int
    top: int
    left: int
    region: int


@DATASETS.register("photos")
def load_photos(spec: DataSpec) -> Dataset:
    """Loads 6,336 training, 528 validation and 1,584 test patches, uint8 `[n, 3, 48, 48]`.

    Each photograph (427 by 640 pixels) is cut into 48 regions of which the seed draws the
    splits by the common rule; patches overlap within a region and never leave it, so no pixel is
    seen by two splits; the patches of a region are a group. The regions of one photograph still
    resemble one another: the data set is for trying things out, not for claims about photographs at
    large.

    Source: `sklearn.datasets.load_sample_images` (CC BY, Yuichi Sakuraba and dany13).

    Raises:
        DataError: An option that this data set has no use for.
    """
    from sklearn.datasets import load_sample_images

    check_spec(spec)
    photos = load_sample_images().images
    corners = patch_corners(photos, spec.seed)
    splits = Splits(*(_cut(photos, own) for own in corners))
    regions = Splits(*(np.array([corner.region for corner in own]) for own in corners))
    note = "split by region: splits share no pixel"
    return to_dataset(splits, groups=regions, notes=(note,))


def patch_corners(photos: list[NDArray[Any]], seed: int) -> tuple[list[Corner], ...]:
    """The patches of the training, the validation and the test split, in that order."""
    corners: tuple[list[Corner], ...] = ([], [], [])
    for number, photo in enumerate(photos):
        regions = _regions(photo.shape[0], photo.shape[1])
        for chosen, indices in zip(corners, draw(len(regions), (seed, number)), strict=True):
            for index in indices:
                region = number * len(regions) + int(index)
                starts = _starts(*regions[index])
                chosen.extend(Corner(number, top, left, region) for top, left in starts)
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
    patches = [photos[c.photo][c.top : c.top + PATCH, c.left : c.left + PATCH] for c in corners]
    return np.stack(patches).transpose(0, 3, 1, 2)


@DATASETS.register("wine")
def load_wine(spec: DataSpec) -> Dataset:
    """Loads 129 training, 14 validation and 35 test rows, float32 `[n, 13]`.

    Rows are chemical analyses of Italian wines, labels their three cultivars.

    Source: Aeberhard & Forina (1992), UCI, https://doi.org/10.24432/C5PC7J.

    Raises:
        DataError: An option that this data set has no use for.
    """
    from sklearn import datasets

    check_spec(spec)
    table = datasets.load_wine()
    rows = draw(len(table.data), spec.seed, labels=table.target)
    scaled = standardise(rows.take(table.data))
    return to_dataset(
        scaled,
        labels=rows.take(table.target),
        data_range=value_range(scaled.train),
        notes=("standardised on the training split",),
    )


@DATASETS.register("breast-cancer")
def load_breast_cancer(spec: DataSpec) -> Dataset:
    """Loads 411 training, 45 validation and 113 test rows, float32 `[n, 30]`, with labels.

    The labels are scikit-learn's: 0 malignant, 1 benign. Source: Wolberg, Mangasarian, Street &
    Street (1993), UCI, https://doi.org/10.24432/C5DW2B.

    Raises:
        DataError: An option that this data set has no use for.
    """
    return _breast_cancer(spec, anomalies=False)


@DATASETS.register("breast-cancer-anomalies")
def load_breast_cancer_anomalies(spec: DataSpec) -> Dataset:
    """Loads the same rows, the malignant ones as anomalies: nothing trains on them.

    Of the 357 benign rows 258 train, 28 validate and 71 test; of the 212 malignant ones half
    validate and half test. Labels as above.

    Raises:
        DataError: An option that this data set has no use for.
    """
    return _breast_cancer(spec, anomalies=True)


def _breast_cancer(spec: DataSpec, *, anomalies: bool) -> Dataset:
    """The rows, with or without anomalies."""
    from sklearn import datasets

    check_spec(spec)
    table = datasets.load_breast_cancer()
    anomalous = table.target == MALIGNANT if anomalies else None
    rows = draw(len(table.data), spec.seed, labels=table.target, anomalous=anomalous)
    scaled = standardise(rows.take(table.data))
    return to_dataset(
        scaled,
        labels=rows.take(table.target),
        anomalies=None if anomalous is None else rows.take(anomalous),
        data_range=value_range(scaled.train),
        notes=("standardised on the training split",),
    )
