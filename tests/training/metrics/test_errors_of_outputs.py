"""MSE, MAE, PSNR and SSIM against naive oracles."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from asymnas.training.metrics import METRICS, Facts


def naive_mse(x, output, data_range):
    differences = [(a - b) ** 2 for a, b in zip(x, output, strict=True)]
    return sum(differences) / len(differences)


def naive_mae(x, output, data_range):
    return sum(abs(a - b) for a, b in zip(x, output, strict=True)) / len(x)


def naive_psnr(x, output, data_range):
    return 20 * math.log10(data_range) - 10 * math.log10(naive_mse(x, output, data_range))


ORACLES = {"mse": naive_mse, "mae": naive_mae, "psnr": naive_psnr}
values = st.floats(-10, 10, width=32)
rows = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*[st.lists(values, min_size=n, max_size=n)] * 2)
)


@settings(deadline=None)
@given(st.sampled_from(sorted(ORACLES)), rows, st.floats(0.5, 20))
def test_against_a_naive_oracle(name, pair, data_range):
    x, output = pair
    if max(abs(a - b) for a, b in zip(x, output, strict=True)) < 0.01:
        return
    found = METRICS.get(name).of(torch.tensor([x]), torch.tensor([output]), data_range)
    assert float(found[0]) == pytest.approx(
        ORACLES[name](x, output, data_range), rel=1e-3, abs=1e-3
    )


def test_psnr_of_a_perfect_reconstruction_is_a_hundred_decibels():
    psnr = METRICS.get("psnr")
    x = torch.rand(2, 1, 4, 4)
    for data_range in (1.0, 8.0):
        torch.testing.assert_close(psnr.of(x, x, data_range), torch.full((2,), 100.0))
    assert psnr.maximize
    assert psnr.unit == "dB"
    assert not METRICS.get("mse").maximize


def test_psnr_does_not_depend_on_the_scale():
    x = torch.rand(3, 1, 8, 8)
    one = METRICS.get("psnr").of(x, 0.9 * x, 1.0)
    torch.testing.assert_close(METRICS.get("psnr").of(5 * x, 4.5 * x, 5.0), one)


def naive_ssim(x, output, data_range):
    """By SciPy: a Gaussian of 1.5 cut off at 11 pixels, images mirrored at the border."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    maps = []
    for a, b in zip(x.astype(float), output.astype(float), strict=True):

        def blur(image):
            return gaussian_filter(image, 1.5, radius=5, mode="mirror")

        mean_a, mean_b = blur(a), blur(b)
        var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
        cov = blur(a * b) - mean_a * mean_b
        above = (2 * mean_a * mean_b + c1) * (2 * cov + c2)
        maps.append(above / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))
    return np.mean(maps)


@pytest.mark.parametrize(("channels", "data_range"), [(1, 1.0), (3, 1.0), (2, 4.0)])
def test_ssim_against_scipy(channels, data_range):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(70, channels, 15, 19, generator=generator) * data_range
    output = x + 0.1 * data_range * torch.randn(x.shape, generator=generator)
    found = METRICS.get("ssim").of(x, output, data_range)
    assert found.shape == (70,)
    for i in (0, 63, 64, 69):
        wanted = naive_ssim(x[i].numpy(), output[i].numpy(), data_range)
        assert float(found[i]) == pytest.approx(wanted, abs=2e-6)
    one = METRICS.get("ssim").of(x[:2], x[:2], data_range)
    torch.testing.assert_close(one, torch.ones(2))


@pytest.mark.parametrize("shape", [(64,), (1, 128), (1, 8, 8), (3, 10, 64)])
def test_ssim_needs_images_as_large_as_its_window(shape):
    assert "11 pixels" in METRICS.get("ssim").unsupported_reason(Facts(shape=shape))
    assert METRICS.get("ssim").unsupported_reason(Facts(shape=(1, 11, 11))) is None
