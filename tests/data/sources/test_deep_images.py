"""Greyscale images of 16 bits are read by their values, as arrays are, and so are new ones."""

import numpy as np
import pytest
import torch
from PIL import Image

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.preprocessing import Preprocessing


def folder(place, most, form="png"):
    """Twelve images whose greatest value is the first."""
    values = np.random.default_rng(0).integers(0, most, (12, 6, 5), endpoint=True).astype("u2")
    values[0, 0, 0] = most
    (place / "images").mkdir()
    for number, image in enumerate(values):
        Image.fromarray(image).save(place / "images" / f"{number:02}.{form}")
    return DataSpec(name=f"folder:{place / 'images'}", root=str(place / "root")), values


def by_value(images):
    return np.sort(np.reshape(images, (12, -1)), axis=0)


SCALES = [(65_535, 65_535), (9_000, 16_383), (4_095, 4_095), (1_000, 1_023), (200, 255), (9, 9)]


@pytest.mark.parametrize("form", ["png", "tif"])
@pytest.mark.parametrize(("most", "full"), SCALES)
def test_values_are_divided_by_the_full_scale_that_they_reach(most, full, form, tmp_path):
    spec, values = folder(tmp_path, most, form)
    for _ in "ab":  # decoded, and from the cache
        data = load_dataset(spec)
        assert data.train.dtype == torch.float32
        assert f"whole numbers up to {most}: read as value / {full}" in data.notes
        splits = (data.train, data.validation, data.test)
        images = torch.cat([part[torch.arange(len(part))] for part in splits])
        expected = by_value((values / full).astype(np.float32))
        np.testing.assert_array_equal(by_value(images.numpy()), expected)


def test_new_images_become_what_those_were(tmp_path):
    spec, values = folder(tmp_path, 4_095)
    data = load_dataset(spec)
    paths = sorted((tmp_path / "images").iterdir())
    again = Preprocessing.from_text(data.preprocessing.to_text())
    prepared = again.prepare(paths)
    np.testing.assert_array_equal(prepared[:, 0].numpy(), (values / 4_095).astype(np.float32))
    np.testing.assert_array_equal(again.prepare(values).numpy(), prepared.numpy())
    np.testing.assert_allclose(again.restore(prepared.numpy(), values), values, atol=1e-3)


def test_eight_and_sixteen_bits_do_not_mix(tmp_path):
    spec, values = folder(tmp_path, 65_535)
    Image.fromarray((values[0] // 256).astype("u1")).save(tmp_path / "images" / "99.png")
    with pytest.raises(DataError, match=r"00.png has 16 bits per pixel but .*99.png has 8: conv"):
        load_dataset(spec)
