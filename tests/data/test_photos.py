import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.data.sources.photos import PATCH, _corners


@pytest.fixture(scope="module")
def photos():
    return load_sample_images().images


@pytest.mark.parametrize("seed", range(5))
def test_no_pixel_is_seen_by_two_splits(photos, seed):
    uses = [np.zeros((3, *photo.shape[:2]), dtype=bool) for photo in photos]
    for number, corners in enumerate(_corners(photos, seed)):
        for photo, top, left in corners:
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
    for part, corners in zip(splits, _corners(photos, 3), strict=True):
        assert len(part) == len(corners) == len(set(corners))
        for patch, (photo, top, left) in zip(part[::50], corners[::50], strict=True):
            expected = photos[photo][top : top + PATCH, left : left + PATCH]
            assert np.array_equal(patch.numpy().transpose(1, 2, 0), expected)
