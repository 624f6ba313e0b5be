import torch
from sklearn.datasets import load_wine

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.data.splits import draw


def test_all_of_scikit_learns_wines_with_their_cultivars():
    data, table = load_dataset(DataSpec(name="wine")), load_wine()
    parts = (data.train, data.validation, data.test)
    assert [tuple(part.shape) for part in parts] == [(129, 13), (14, 13), (35, 13)]
    assert torch.allclose(data.train.mean(0), torch.zeros(13), atol=1e-5)
    for ids, rows in zip(data.labels, draw(178, 0), strict=True):
        assert ids.tolist() == table.target[rows].tolist()
