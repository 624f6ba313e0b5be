import pytest
import torch
from sklearn.datasets import load_breast_cancer

from asymnas import Architecture
from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.networks.families.dense import DenseSide
from asymnas.training.measurement import facts_of

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
    for ids, odd in zip(data.labels, data.anomalies, strict=True):
        assert torch.equal(ids == 0, odd)


@pytest.mark.parametrize("name", ["breast-cancer", "breast-cancer-anomalies"])
def test_labels_stay_with_their_rows(name):
    data, table = load_dataset(DataSpec(name=name, seed=4)), load_breast_cancer()
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
    network = Architecture(family="dense", encoder=side, decoder=side, shape=(30,), latent=2)
    assert facts_of(data, network).labels == labels
