"""What holds of every registered metric, and naive oracles beside the shipped ones."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asymnas.metrics import METRICS


def naive_mse(x, output, data_range):
    differences = [(a - b) ** 2 for a, b in zip(x, output, strict=True)]
    return sum(differences) / len(differences)


def naive_psnr(x, output, data_range):
    return 20 * math.log10(data_range) - 10 * math.log10(naive_mse(x, output, data_range))


ORACLES = {"mse": naive_mse, "psnr": naive_psnr}
every_metric = pytest.mark.parametrize("name", METRICS.names())


def noisy(noise, data_range=1.0, n=6, shape=(1, 16, 16)):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(n, *shape, generator=generator)
    output = x + noise * torch.randn(n, *shape, generator=generator)
    return x * data_range, output * data_range, data_range


@every_metric
def test_one_number_an_example_whatever_else_is_in_the_batch(name):
    of = METRICS.get(name).of
    x, output, data_range = noisy(0.1)
    values = of(x, output, data_range)
    assert values.shape == (6,)
    assert values.dtype == torch.float32
    for i in range(6):
        alone = of(x[i : i + 1], output[i : i + 1], data_range)
        torch.testing.assert_close(alone, values[i : i + 1])
    assert len(set(values.tolist())) == 6


@every_metric
def test_less_noise_is_better_and_none_the_best(name):
    metric = METRICS.get(name)
    sign = -1 if metric.maximize else 1
    means = [sign * float(metric.of(*noisy(noise)).mean()) for noise in (0.0, 0.01, 0.1, 0.5)]
    assert means == sorted(means)
    assert len(set(means)) == 4
    assert all(math.isfinite(mean) for mean in means)


@every_metric
def test_better_is_the_same_direction_for_another_range(name):
    metric = METRICS.get(name)
    sign = -1 if metric.maximize else 1
    means = [sign * float(metric.of(*noisy(noise, 8.0)).mean()) for noise in (0.01, 0.1, 0.5)]
    assert means == sorted(means)


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
    one = METRICS.get("psnr").of(*noisy(0.1))
    torch.testing.assert_close(METRICS.get("psnr").of(*noisy(0.1, 5.0)), one)
