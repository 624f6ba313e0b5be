import numpy as np
from sklearn.datasets import load_digits

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset


def test_all_of_scikit_learns_digits_scaled_to_bytes():
    data = load_dataset(DataSpec(name="digits"))
    parts = [part.numpy() for part in (data.train, data.validation, data.test)]
    assert [part.shape for part in parts] == [(n, 1, 8, 8) for n in (1295, 143, 359)]
    found = np.concatenate(parts).reshape(-1, 64).astype(float) * 16 / 255
    original = load_digits().data
    assert np.abs(found[np.lexsort(found.T)] - original[np.lexsort(original.T)]).max() < 0.05


def test_labels_are_scikit_learns():
    data, original = load_dataset(DataSpec(name="digits")), load_digits()
    known = {
        image.tobytes(): label for image, label in zip(original.data, original.target, strict=True)
    }
    for part, labels in zip((data.train, data.validation, data.test), data.labels, strict=True):
        rows = np.rint(part.numpy().reshape(-1, 64) * (16 / 255))
        assert [known[row.tobytes()] for row in rows] == labels.tolist()
