import numpy as np
import pytest
import torch

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.data.splits import draw


@pytest.fixture(scope="module")
def deep():
    return load_dataset(DataSpec(name="deep-generator"))


@pytest.fixture(scope="module")
def linear():
    return load_dataset(DataSpec(name="linear-generator"))


@pytest.fixture(scope="module")
def signals():
    return load_dataset(DataSpec(name="signals"))


@pytest.mark.parametrize("name", ["deep", "linear"])
def test_standardised_rows_by_the_splits_rule(request, name):
    data = request.getfixturevalue(name)
    parts = (data.train, data.validation, data.test)
    assert [tuple(part.shape) for part in parts] == [(n, 64) for n in (60_000, 6_000, 10_000)]
    assert data.train.dtype == torch.float32
    assert data.train.mean(0).abs().max() < 1e-5
    torch.testing.assert_close(data.train.std(0), torch.ones(64), rtol=1e-4, atol=0)
    assert data.data_range == float(data.train.max() - data.train.min())
    assert any("standardised" in note for note in data.notes)


def explained(inputs: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
    """Share of each output's variance that a linear map of the inputs gives, `[d]`."""
    fit = torch.linalg.lstsq(inputs, outputs).solution
    return 1 - (outputs - inputs @ fit).var(0) / outputs.var(0)


def test_the_first_eight_columns_are_the_independent_normal_latent(deep):
    z = deep.train[:, :8]
    correlation = torch.corrcoef(z.T) - torch.eye(8)
    assert correlation.abs().max() < 0.02
    kurtosis = (z**4).mean(0)
    assert (kurtosis - 3).abs().max() < 0.15


def test_the_other_columns_follow_from_the_latent_but_not_linearly(deep):
    z, rest = deep.train[:, :8], deep.train[:, 8:]
    assert explained(z, rest).max() < 0.9
    near = torch.cdist(deep.validation[:300, :8], z).argmin(1)
    apart = (rest[near] - deep.validation[:300, 8:]).square().mean()
    assert apart < 1.4  # of 2 between rows at random: nearest neighbours in z resemble each other


def test_the_formula_of_the_deep_generator(deep):
    """The generator written out once more, its rows in the order that the splits rule draws."""
    rng = np.random.default_rng(6_408)
    scales = [1.5 / np.sqrt(8), 1.6 / 8, 1.6 / 8, 1 / 8]
    w1, w2, w3, w4 = (
        rng.standard_normal((i, 64)) * s for i, s in zip((8, 64, 64, 64), scales, strict=True)
    )
    z = rng.standard_normal((76_000, 8))
    x = np.tanh(np.tanh(np.tanh(z @ w1) @ w2) @ w3) @ w4
    x[:, :8] = z
    drawn = draw(76_000, 0)
    x = (x - x[drawn.train].mean(0)) / x[drawn.train].std(0)
    for part, indices in zip((deep.train, deep.validation, deep.test), drawn, strict=True):
        np.testing.assert_allclose(part, x[indices], rtol=0, atol=1e-5)


def test_eight_normal_numbers_span_all_columns(linear):
    spectrum = torch.linalg.svdvals(linear.train[:5_000].double())
    assert spectrum[7] > 100
    assert spectrum[8] < 1e-3
    kurtosis = (linear.train**4).mean(0)
    assert (kurtosis - 3).abs().max() < 0.15


def test_a_linear_code_that_fits_the_training_rows_fits_held_out_ones(linear):
    basis = torch.linalg.svd(linear.train[:5_000], full_matrices=False).Vh[:8]
    for part in (linear.validation, linear.test):
        assert (part @ basis.T @ basis - part).abs().max() < 1e-4


def struck(u, amplitude, decay, frequency, drift, phase):
    """What a receiver hears `u` seconds after the blow reaches it."""
    if u <= 0:
        return 0.0
    rise = 1 - np.exp(-u / 0.02)
    angle = 2 * np.pi * (frequency * u + drift * u * u / 2) + phase
    return amplitude * rise * np.exp(-u / decay) * np.sin(angle)


def test_two_channels_by_the_splits_rule_each_standardised(signals):
    parts = (signals.train, signals.validation, signals.test)
    sizes = [tuple(part.shape) for part in parts]
    assert sizes == [(n, 2, 128) for n in (14_400, 1_600, 4_000)]
    assert signals.train.dtype == torch.float32
    assert signals.train.mean((0, 2)).abs().max() < 1e-5
    torch.testing.assert_close(signals.train.std((0, 2)), torch.ones(2), rtol=1e-4, atol=0)
    assert signals.train.std(0).min() < 0.5  # not sample by sample: before the onset there is noise
    assert signals.data_range == float(signals.train.max() - signals.train.min())


def test_the_formula_of_signals(signals):
    """Some signals once more, sample by sample, in the order that the splits rule draws."""
    rng = np.random.default_rng(7_128)
    low = [0.05, 4, -4, 0, 0, np.log(0.1), np.log(0.5)]
    high = [0.25, 12, 4, 2 * np.pi, 0.1, np.log(0.5), np.log(2)]
    numbers = rng.uniform(low, high, (20_000, 7))
    noise = 0.05 * rng.standard_normal((20_000, 2, 128))
    drawn = draw(20_000, 0).test[:20]
    expected = noise[drawn]
    for row, (onset, frequency, drift, phase, delay, decay, amplitude) in enumerate(numbers[drawn]):
        for receiver in range(2):
            for k in range(128):
                u = k / 128 - onset - receiver * delay
                expected[row, receiver, k] += struck(
                    u, np.exp(amplitude), np.exp(decay), frequency, drift, phase
                )
    for channel in range(2):  # standardising is linear, and of one line a channel
        fit = np.polyfit(expected[:, channel].ravel(), signals.test[:20, channel].ravel(), 1)
        found = np.polyval(fit, expected[:, channel])
        np.testing.assert_allclose(signals.test[:20, channel], found, rtol=0, atol=1e-4)
        assert abs(fit[1]) < 0.05
        assert 2 < fit[0] < 8


def test_the_second_channel_is_the_first_delayed(signals):
    first, second = signals.train[:2_000].unbind(1)
    lags = range(-16, 17)
    padded = torch.nn.functional.pad(first, (16, 16))
    likeness = [(padded[:, 16 - lag : 144 - lag] * second).sum(1) for lag in lags]
    best = torch.stack(likeness).argmax(0) - 16
    inside = (best >= -1) & (best <= 14)  # up to 0.1 seconds at 128 samples a second
    assert inside.float().mean() > 0.95
    assert best[inside].float().mean() == pytest.approx(6.4, abs=0.5)
