"""Class ids, truth values, and one class as the anomalies, on which nothing trains."""

import numpy as np
import pytest
import torch
from dataset_fakes import noise
from PIL import Image

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.anomalies import class_ids, truth_values
from asymnas.data.base import DATASETS, load_dataset, normal

LABELLED = ("digits", "mnist", "cifar10", "svhn", "stl10", "fashion-mnist")


@pytest.mark.parametrize("name", LABELLED)
def test_a_class_is_held_out_of_any_labelled_set(small, name):
    spec = small(name)
    plain = load_dataset(spec)
    digit = int(plain.labels.test[0])
    data = load_dataset(DataSpec(name=f"{name}?anomaly={digit}", root=spec.root))
    usual = plain.labels.train != digit
    assert torch.equal(data.train, plain.train[usual])
    assert torch.equal(data.labels.train, plain.labels.train[usual])
    assert not data.anomalies.train.any()
    for split in ("validation", "test"):
        assert torch.equal(getattr(data, split), getattr(plain, split))
        assert torch.equal(getattr(data.anomalies, split), getattr(plain.labels, split) == digit)
    assert len(normal(data, "test")) == int((plain.labels.test != digit).sum())


def test_rows_are_standardised_on_what_is_left():
    data = load_dataset(DataSpec(name="wine?anomaly=2"))
    assert data.train.mean(0).abs().max() < 1e-5
    assert (data.train.std(0, correction=0) - 1).abs().max() < 1e-5
    assert data.data_range == pytest.approx(float(data.train.max() - data.train.min()))


def test_the_notes_count_them():
    data = load_dataset(DataSpec(name="digits?anomaly=9"))
    left = 1295 - len(data.train)
    kept = [int(part.sum()) for part in data.anomalies]
    assert data.notes[-1] == (
        f"class 9 as anomalies: {left} training examples left out, {kept[1]} to validate, "
        f"{kept[2]} to test"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digits?anomaly=12", r"digits has no class '12': it has 0, 1, 2, .*, 9$"),
        ("digits?anomaly=", r"is no option: write digits\?anomaly=CLASS&normal=CLASS$"),
        ("digits?anomaly=1&normal=2", r"digits takes either the classes that are anomalies, as"),
        ("digits?normal=0,1,2,3,4,5,6,7,8,9", "all classes of digits are normal: leave out"),
        ("digits?anomaly=0,1,2,3,4,5,6,7,8,9", "no class would be left to train on: name other"),
        ("digits?label=3", r"is no option: write digits\?anomaly=CLASS&normal=CLASS$"),
        ("photos?anomaly=1", "photos has no labels, so that no class"),
        ("breast-cancer-anomalies?anomaly=0", "has anomalies of its own"),
    ],
)
def test_what_cannot_be_held_out(name, message):
    with pytest.raises(DataError, match=message):
        load_dataset(DataSpec(name=name))


def write(folder, counts):
    images = iter(noise(sum(counts.values()), 5, 5, 3))
    for place, n in counts.items():
        (folder / place).mkdir(parents=True)
        for number in range(n):
            Image.fromarray(next(images)).save(folder / place / f"{number}.png")


def test_a_class_of_a_folder_goes_by_its_name(tmp_path):
    write(tmp_path, {"cats": 40, "dogs": 10})
    data = load_dataset(DataSpec(name=f"folder:{tmp_path}?anomaly=dogs"))
    for labels, flags in zip(data.labels, data.anomalies, strict=True):
        assert torch.equal(labels == 1, flags)
    assert [int(part.sum()) for part in data.anomalies] == [0, 5, 5]
    assert data.notes == (
        "2 classes: cats, dogs",
        "images of dogs are anomalies",
        "anomalies: 5 to validate, 5 to test, none to train on",
    )
    seen = np.concatenate([part[torch.arange(len(part))] for part in (data.train, data.test)])
    assert len(np.unique(seen.reshape(len(seen), -1), axis=0)) == len(data.train) + len(data.test)


def test_anomalies_that_are_shipped_stay_where_they_are(tmp_path):
    write(tmp_path, {"train/good": 30, "test/good": 6, "test/broken": 4})
    data = load_dataset(DataSpec(name=f"folder:{tmp_path}?anomaly=broken"))
    assert [int(part.sum()) for part in data.anomalies] == [0, 0, 4]
    assert [len(part) for part in (data.train, data.validation, data.test)] == [27, 3, 10]


MVTEC = {"train/good": 30, "test/good": 6, "test/large": 4, "test/small": 3, "test/stain": 2}
UNSEEN = (
    "no training image is of {}, yet they count as normal; ?normal=good would make them anomalies"
)

DEFECTS = "images of large, small, stain are anomalies"

#: How defects are named: which classes of the test split are anomalies, and what is noted.
NAMED = {
    "": ("large small stain", f"{DEFECTS}, since all training images are good"),
    "?normal=good": ("large small stain", DEFECTS),
    "?anomaly=large,small,stain": ("large small stain", DEFECTS),
    "?anomaly=large": ("large", UNSEEN.format("small, stain")),
    "?anomaly=small,large": ("large small", UNSEEN.format("stain")),
    "?normal=good,stain": ("large small", UNSEEN.format("stain")),
}


@pytest.mark.parametrize("options", NAMED)
def test_defects_in_directories_of_their_own(tmp_path, options):
    write(tmp_path, {**MVTEC, "ground_truth/large": 4, "ground_truth/small": 3})
    chosen, note = NAMED[options]
    data = load_dataset(DataSpec(name=f"folder:{tmp_path}{options}"))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [27, 3, 15]
    names = ["good", "large", "small", "stain"]
    counts = {
        name: int(data.anomalies.test[data.labels.test == i].sum()) for i, name in enumerate(names)
    }
    assert counts == {name: MVTEC[f"test/{name}"] if name in chosen else 0 for name in names}
    assert note in data.notes
    assert "left out beside the splits: ground_truth/ (7 images)" in data.notes


@pytest.mark.parametrize("normal", ["OK", "normal"])
def test_other_words_for_good(tmp_path, normal):
    write(tmp_path, {f"train/{normal}": 9, f"valid/{normal}": 3, f"test/{normal}": 3, "test/ko": 2})
    data = load_dataset(DataSpec(name=f"folder:{tmp_path}"))
    assert [int(part.sum()) for part in data.anomalies] == [0, 0, 2]


def test_a_training_class_of_another_name_makes_no_anomalies_but_is_noted(tmp_path):
    write(tmp_path, {"train/cats": 9, "test/cats": 3, "test/dogs": 2})
    data = load_dataset(DataSpec(name=f"folder:{tmp_path}"))
    assert data.anomalies is None
    assert data.notes[-1] == (
        "no training image is of dogs, yet they count as normal; ?normal=cats would make them "
        "anomalies"
    )


def test_all_classes_but_one_of_a_named_set():
    plain = load_dataset(DataSpec(name="digits"))
    data = load_dataset(DataSpec(name="digits?normal=3"))
    assert torch.equal(data.train, plain.train[plain.labels.train == 3])
    assert torch.equal(data.anomalies.test, plain.labels.test != 3)
    two = load_dataset(DataSpec(name="digits?anomaly=7,9"))
    assert torch.equal(two.anomalies.test, torch.isin(plain.labels.test, torch.tensor([7, 9])))
    assert two.notes[-1].startswith("classes 7 and 9 as anomalies: ")


def test_a_class_whose_name_holds_a_comma(tmp_path):
    write(tmp_path, {"a,b": 9, "a": 9})
    data = load_dataset(DataSpec(name=f"folder:{tmp_path}?anomaly=a,b"))
    assert torch.equal(data.anomalies.test, data.labels.test == 1)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"cats": 5, "dogs": 5}, r"no class 'birds': it has cats, dogs$"),
        ({".": 9}, "has no subdirectories that are classes: leave out [?]anomaly, or"),
    ],
)
def test_a_class_that_a_folder_lacks(tmp_path, tree, message):
    for place, n in tree.items():
        (tmp_path / place).mkdir(exist_ok=True)
        for number, image in enumerate(noise(n, 5, 5, 3)):
            Image.fromarray(image).save(tmp_path / place / f"{number}.png")
    with pytest.raises(DataError, match=message):
        load_dataset(DataSpec(name=f"folder:{tmp_path}?anomaly=birds"))


def test_every_labelled_set_is_reached():
    assert set(LABELLED) <= set(DATASETS.names())


@pytest.mark.parametrize(
    "values",
    [[3, 1, 3, 9], [3.0, 1.0, 3.0, 9.0], ["b", "a", "b", "c"], np.array([3, 1, 3, 9], np.uint8)],
)
def test_classes_are_numbered_in_order(values):
    found = class_ids(np.array(values), "labels")
    assert found.tolist() == [1, 0, 1, 2]
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, np.nan], "it has missing or infinite values"),
        ([1.5, 2.0], "it holds no classes"),
        ([1j, 2j], "it holds no classes"),
        ([7, 7], "it has the one class 7: at least 2 are needed"),
    ],
)
def test_what_are_no_classes(values, message):
    with pytest.raises(DataError, match=message):
        class_ids(np.array(values), "it")


@pytest.mark.parametrize("values", [[True, False], [1, 0], [1.0, 0.0]])
def test_truth_values(values):
    found = truth_values(np.array(values), "it")
    assert found.tolist() == [True, False]
    assert found.dtype == np.bool_


@pytest.mark.parametrize("values", [[1, 2], [0.0, np.nan], ["a", "b"], [0.5, 0.0]])
def test_what_are_no_truth_values(values):
    with pytest.raises(DataError, match="it must be true or false, or 1 or 0, for every example"):
        truth_values(np.array(values), "it")
