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
        ("digits?anomaly=", r"is no option: write digits\?anomaly=CLASS$"),
        ("digits?label=3", r"is no option: write digits\?anomaly=CLASS$"),
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


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"cats": 5, "dogs": 5}, r"no class 'birds' to be the anomalies: it has cats, dogs$"),
        ({".": 9}, "it has no subdirectories that are classes"),
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
