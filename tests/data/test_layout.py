"""What directories' names say: the splits by any common name, the classes, what is no data."""

import re
from pathlib import Path

import pytest

from asymnas.core.errors import DataError
from asymnas.data.layout import read_layout
from asymnas.data.listing import Listing


def layout_of(tree):
    """The layout of files by their paths; what ends in a slash is a directory without any."""
    files = sorted(tuple(name.split("/")) for name in tree if not name.endswith("/"))
    above = {parts[:n] for parts in files for n in range(1, len(parts))}
    above |= {tuple(name.strip("/").split("/")) for name in tree if name.endswith("/")}
    return read_layout(Path("D"), Listing(files, sorted(above), ()))


def splits(*names, classes="xy"):
    return [f"{name}/{c}/{i}.png" for name in names for c in classes for i in range(2)]


SHIPPED = {
    "usual": ("train", "val", "test"),
    "long": ("training", "validation", "testing"),
    "capitals": ("Training", "VAL", "Testing"),
    "valid": ("train", "valid", "test"),
    "eval": ("train", "eval", "test"),
    "dev": ("train", "dev", "test"),
    "years": ("train2017", "val2017", "test2017"),
    "sets": ("training_set", "validation-set", "test set"),
    "images": ("train_images", "val-imgs", "TestImages"),
    "short": ("trn", "val", "tst"),
    "holdout": ("train", "evaluation", "holdout"),
}


@pytest.mark.parametrize("case", SHIPPED)
def test_splits_go_by_any_common_name(case):
    names = SHIPPED[case]
    layout = layout_of(splits(*names))
    by_split = {split: {parts[0] for parts in group} for split, group in layout.groups.items()}
    assert by_split == {"train": {names[0]}, "validation": {names[1]}, "test": {names[2]}}
    assert {f"validation split as shipped: {names[1]}/", f"test split as shipped: {names[2]}/"} < {
        *layout.notes
    }
    assert layout.notes[-1] == "2 classes: x, y"
    assert layout.known == ["x", "y"]


@pytest.mark.parametrize(
    ("tops", "known"),
    [
        (("valid", "invalid"), ["invalid", "valid"]),  # of parts, not splits
        (("test1", "test2", "test3"), ["test1", "test2", "test3"]),
        (("dev", "prod"), ["dev", "prod"]),
        (("trainers", "tests"), ["tests", "trainers"]),
        (("train1", "train2"), ["train1", "train2"]),
    ],
)
def test_names_that_are_of_splits_beside_others_only_are_classes(tops, known):
    layout = layout_of([f"{top}/{i}.png" for top in tops for i in range(3)])
    assert list(layout.groups) == ["train"]
    assert (layout.known, layout.notes) == (known, (f"{len(known)} classes: {', '.join(known)}",))
    assert layout.classes.tolist() == sorted([*range(len(known))] * 3)


def test_a_single_training_directory_is_the_training_split():
    assert list(layout_of(splits("train")).groups) == ["train"]
    assert layout_of(splits("train")).known == ["x", "y"]


def test_what_lies_beside_the_splits_and_is_no_example_is_counted():
    tree = [*splits("train", "test"), "ground_truth/x/0_mask.png", "Masks/1.png", "Masks/2.png"]
    layout = layout_of(tree)
    assert sum(map(len, layout.groups.values())) == 8
    assert "left out beside the splits: Masks/ (2 images)" in layout.notes
    assert "left out beside the splits: ground_truth/ (1 image)" in layout.notes
    assert layout.known == ["x", "y"]


def test_images_outside_all_classes_leave_none_and_are_named():
    layout = layout_of(["train/0.png", "train/1.png", "test/good/2.png", "test/bad/3.png"])
    assert (layout.known, layout.classes) == ([], None)
    assert "no classes: train/0.png is in no subdirectory" in layout.notes


REFUSED = {
    "two directories of one split": (
        splits("train", "val", "valid"),
        "D has val/ and valid/, each of them a validation split: put their images into one, or "
        "rename those that are none",
    ),
    "two years of one split": (
        splits("train2014", "train2017", "val2017"),
        "D has train2014/ and train2017/, each of them a training split: put",
    ),
    "images beside": (
        [*splits("Training", "Testing"), "more/a.png"],
        "D has splits of its own (Testing/, Training/) but D/more/a.png is in none of them: move",
    ),
    "held-out splits alone": (
        splits("val", "test"),
        "D has images in test/, val/ but none in train/: add training images, or rename",
    ),
    "splits one directory down": (
        [f"images/{name}" for name in splits("train", "val")],
        "D/images has splits of its own (train/, val/), which would be mixed: name it, as "
        "folder:D/images, or put the splits at the top, as train/images",
    ),
    "splits of each class": (
        [f"{c}/{s}/{i}.png" for c in "ab" for s in ("Training", "Test") for i in range(2)],
        "D/a has splits of its own (Test/, Training/), which would be mixed",
    ),
    "several products with splits": (
        [f"{p}/{name}" for p in ("bottle", "cable") for name in splits("train", "test")],
        "D/bottle has splits of its own (test/, train/), which would be mixed: name it, as "
        "folder:D/bottle,",
    ),
    "a class without images": (
        [*splits("train", "test"), "train/z/"],
        "D has 2 classes but no images in z: add some, or remove the directory",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_told_apart_is_one_line(case):
    tree, message = REFUSED[case]
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        layout_of(tree)
