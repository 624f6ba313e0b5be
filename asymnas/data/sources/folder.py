"""Images in a directory of one's own."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import listed
from asymnas.data.affine import Affine
from asymnas.data.anomalies import CHOICES, anomalous_classes
from asymnas.data.base import DATASETS, Dataset, to_views
from asymnas.data.images.cache import CACHES, cached_images
from asymnas.data.layout import NAMED, Layout, read_layout
from asymnas.data.listing import list_files
from asymnas.data.spec import check_spec, data_root, existing_directory, without_options
from asymnas.data.splits import Splits, draw

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")

#: Classes, in lower case, that make all others anomalies if they are all there is to train on.
NORMAL = frozenset({"good", "normal", "ok"})


@DATASETS.register("folder")
def load(spec: DataSpec) -> Dataset:
    """Loads every image below `folder:DIR`, uint8 `[n, c, h, w]`.

    With an image size, the central square of each image is resized to it; without, all images must
    have one size. Greyscale images have one channel, RGB three, RGBA four. Directories `train/`,
    `val/` and `test/` at the top, or of a like name, are the shipped splits; without them the seed
    draws the splits. If all images lie in subdirectories, of the splits or of `DIR`, and there are
    two of them or more, these are the classes, in sorted order. `folder:DIR?anomaly=CLASS,CLASS`
    makes the images of these classes anomalies, `folder:DIR?normal=CLASS` those of all others.
    Where the one class of the training split is called good, all others are anomalies unasked.

    Which files count is in `data/listing.py`, what their directories say in `data/layout.py`.
    Images are decoded once, into a cache under the data root; see `images/cache.py`.

    Raises:
        DataError: Missing or empty directory, an unreadable image, images unlike in channels or
            size, images beside the shipped splits, a class without images or that is not there, no
            space for the cache.
    """
    spec, options = without_options(spec, CHOICES, takes="DIR", value="CLASS")
    check_spec(spec, takes="DIR", resizable=True)
    directory, root = existing_directory(spec), data_root(spec)
    listing = list_files(directory, SUFFIXES, without=[root / CACHES])
    if not listing.files:
        there = f"; {'; '.join(listing.left_out)}" if listing.left_out else ""
        raise DataError(
            f"{directory} holds no images ({', '.join(SUFFIXES)}){there}: add some, or name "
            "another directory"
        )
    layout = read_layout(directory, listing)
    anomalous, of_anomalies = _anomalous(directory, layout, options)
    names = [os.path.join(*parts) for group in layout.groups.values() for parts in group]
    images, white, full, of_images = cached_images(directory, names, spec.image_size, root)
    rows = _rows(layout, spec.seed, anomalous)
    resized = f"centre-cropped and resized to {spec.image_size} by {spec.image_size}"
    return to_views(
        images,
        rows,
        labels=None if layout.classes is None else rows.take(layout.classes),
        anomalies=None if anomalous is None else rows.take(anomalous),
        notes=(
            *(() if spec.image_size is None else (resized,)),
            *of_images,
            *layout.notes,
            *of_anomalies,
            *listing.left_out,
        ),
        image_size=spec.image_size,
        white=white,
        scalings=(Affine(np.zeros(()), np.array(float(full))),) if full else (),
    )


def _rows(layout: Layout, seed: int, anomalous: NDArray[np.bool_] | None) -> Splits:
    """Indices of the files, in the groups' order, by split."""
    bounds = np.cumsum([len(group) for group in layout.groups.values()])
    shipped = dict(zip(layout.groups, np.split(np.arange(bounds[-1]), bounds[:-1]), strict=True))
    own = shipped["train"]
    rows = draw(
        len(own),
        seed,
        validation="validation" not in shipped,
        test="test" not in shipped,
        labels=None if layout.classes is None else layout.classes[own],
        anomalous=None if anomalous is None else anomalous[own],
    )
    return rows.take(own, validation=shipped.get("validation"), test=shipped.get("test"))


def _anomalous(
    directory: Path, layout: Layout, options: Mapping[str, str]
) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """Which files are anomalies `[n]`, and what to note of it."""
    known = layout.known
    if layout.classes is None:
        if options:
            raise DataError(
                f"{directory} has no subdirectories that are classes: leave out "
                f"?{'&'.join(options)}, or put the images of each class into one of its own"
            )
        return None, []
    in_split = np.repeat([*layout.groups], [len(group) for group in layout.groups.values()])
    trained_on = {known[number] for number in layout.classes[in_split == "train"]}
    chosen, why = anomalous_classes(str(directory), known, options), ""
    if chosen is None and len(trained_on) == 1 and min(trained_on).lower() in NORMAL:
        chosen, why = set(known) - trained_on, f", since all training images are {min(trained_on)}"
    notes = [f"images of {listed(sorted(chosen), NAMED)} are anomalies{why}"] if chosen else []
    if unseen := sorted(set(known) - trained_on - (chosen or set())):
        usual = ",".join(sorted(trained_on)) if len(trained_on) <= NAMED else "CLASS,CLASS"
        notes.append(
            f"no training image is of {listed(unseen, NAMED)}, yet they count as normal; "
            f"?normal={usual} would make them anomalies"
        )
    if chosen is None:
        return None, notes
    return np.isin(known, sorted(chosen))[layout.classes], notes
