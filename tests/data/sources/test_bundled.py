import numpy as np
import pytest
import torch
from sklearn import datasets

from asymnas import Architecture
from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.data.sources.bundled import PATCH, patch_corners
from asymnas.data.splits import draw
from asymnas.networks.families.dense import DenseSide
from asymnas.training.measurement import metric_facts


def test_all_of_scikit_learns_digits_scaled_to_bytes():
    data = load_dataset(DataSpec(name="digits"))
    parts = [part.numpy() for part in (data.train, data.validation, data.test)]
    assert [part.shape for part in parts] == [(n, 1, 8, 8) for n in (1295, 143, 359)]
    found = np.concatenate(parts).reshape(-1, 64).astype(float) * 16 / 255
    original = datasets.load_digits().data
    assert np.abs(found[np.lexsort(found.T)] - original[np.lexsort(original.T)]).max() < 0.05


def test_labels_are_scikit_learns():
    data, original = load_dataset(DataSpec(name="digits")), datasets.load_digits()
    known = {
        image.tobytes(): label for image, label in zip(original.data, original.target, strict=True)
    }
    for part, labels in zip((data.train, data.validation, data.test), data.labels, strict=True):
        rows = np.rint(part.numpy().reshape(-1, 64) * (16 / 255))
        assert [known[row.tobytes()] for row in rows] == labels.tolist()


@pytest.fixture(scope="module")
def photos():
    return datasets.load_sample_images().images


@pytest.mark.parametrize("seed", range(5))
def test_no_pixel_is_seen_by_two_splits(photos, seed):
    uses = [np.zeros((3, *photo.shape[:2]), dtype=bool) for photo in photos]
    for number, corners in enumerate(patch_corners(photos, seed)):
        for photo, top, left, _ in corners:
            assert top + PATCH <= photos[photo].shape[0]
            assert left + PATCH <= photos[photo].shape[1]
            uses[photo][number, top : top + PATCH, left : left + PATCH] = True
    for use in uses:
        assert use.sum(axis=0).max() == 1
        assert use.any(axis=(1, 2)).all()  # every split sees every photograph
        assert use.any(axis=0).mean() > 0.9


def test_the_loaded_patches_are_those_at_the_corners(photos):
    data = load_dataset(DataSpec(name="photos", seed=3))
    splits = (data.train, data.validation, data.test)
    assert [tuple(part.shape) for part in splits] == [(n, 3, 48, 48) for n in (6336, 528, 1584)]
    for part, corners in zip(splits, patch_corners(photos, 3), strict=True):
        assert len(part) == len(corners) == len(set(corners))
        for patch, (photo, top, left, _) in zip(part[::50], corners[::50], strict=True):
            expected = photos[photo][top : top + PATCH, left : left + PATCH]
            assert np.array_equal(patch.numpy().transpose(1, 2, 0), expected)


def test_all_of_scikit_learns_wines_with_their_cultivars():
    data, table = load_dataset(DataSpec(name="wine")), datasets.load_wine()
    parts = (data.train, data.validation, data.test)
    assert [tuple(part.shape) for part in parts] == [(129, 13), (14, 13), (35, 13)]
    assert torch.allclose(data.train.mean(0), torch.zeros(13), atol=1e-5)
    for ids, rows in zip(data.labels, draw(178, 0, labels=table.target), strict=True):
        assert ids.tolist() == table.target[rows].tolist()


ANOMALIES = "breast-cancer-anomalies"


def test_all_rows_with_their_labels():
    data = load_dataset(DataSpec(name="breast-cancer"))
    assert [tuple(x.shape) for x in (data.train, data.validation, data.test)] == [
        (411, 30),
        (45, 30),
        (113, 30),
    ]
    assert sum(int(ids.sum()) for ids in data.labels) == 357
    assert data.anomalies is None


def test_as_anomalies_the_malignant_ones_are_held_out():
    data = load_dataset(DataSpec(name="breast-cancer-anomalies"))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [258, 134, 177]
    assert [int(part.sum()) for part in data.anomalies] == [0, 106, 106]
    assert data.notes[-1] == "anomalies: 106 to validate, 106 to test, none to train on"
    for ids, flags in zip(data.labels, data.anomalies, strict=True):
        assert torch.equal(ids == 0, flags)


@pytest.mark.parametrize("name", ["breast-cancer", "breast-cancer-anomalies"])
def test_labels_stay_with_their_rows(name):
    data, table = load_dataset(DataSpec(name=name, seed=4)), datasets.load_breast_cancer()
    parts = (data.train, data.validation, data.test)
    rows, labels = torch.cat(parts), torch.cat(list(data.labels))
    for column in range(30):  # a column's order tells the rows apart, its standardising keeps it
        order, original = rows[:, column].argsort(), table.data[:, column].argsort()
        ends = slice(0, 1), slice(-1, None)
        for end in ends:
            value = table.data[original[end], column][0]
            if (table.data[:, column] == value).sum() == 1:
                assert labels[order[end]].item() == table.target[original[end]][0]


@pytest.mark.parametrize(("name", "labels"), [("breast-cancer", True), (ANOMALIES, False)])
def test_metrics_of_classes_need_two_of_them_to_train_on(name, labels):
    data = load_dataset(DataSpec(name=name))
    side = DenseSide(widths=(4,))
    network = Architecture(
        encoder_family="dense",
        decoder_family="dense",
        encoder=side,
        decoder=side,
        shape=(30,),
        latent=2,
    )
    assert metric_facts(data, network).labels == labels
