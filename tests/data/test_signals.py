import numpy as np
import pytest
import torch

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.data.splits import draw

SPEC = DataSpec(name="signals")


@pytest.fixture(scope="module")
def data():
    return load_dataset(SPEC)


def struck(u, amplitude, decay, frequency, drift, phase):
    """What a receiver hears `u` seconds after the blow reaches it."""
    if u <= 0:
        return 0.0
    rise = 1 - np.exp(-u / 0.02)
    angle = 2 * np.pi * (frequency * u + drift * u * u / 2) + phase
    return amplitude * rise * np.exp(-u / decay) * np.sin(angle)


def test_two_channels_by_the_splits_rule_each_standardised(data):
    parts = (data.train, data.validation, data.test)
    sizes = [tuple(part.shape) for part in parts]
    assert sizes == [(n, 2, 128) for n in (14_400, 1_600, 4_000)]
    assert data.train.dtype == torch.float32
    assert data.train.mean((0, 2)).abs().max() < 1e-5
    torch.testing.assert_close(data.train.std((0, 2)), torch.ones(2), rtol=1e-4, atol=0)
    assert data.train.std(0).min() < 0.5  # not sample by sample: before the onset there is noise
    assert data.data_range == float(data.train.max() - data.train.min())


def test_the_formula(data):
    """Some signals once more, sample by sample, in the order that the splits rule draws."""
    rng = np.random.default_rng(7_128)
    low = [0.05, 4, -4, 0, 0, np.log(0.1), np.log(0.5)]
    high = [0.25, 12, 4, 2 * np.pi, 0.1, np.log(0.5), np.log(2)]
    numbers = rng.uniform(low, high, (20_000, 7))
    noise = 0.05 * rng.standard_normal((20_000, 2, 128))
    drawn = draw(20_000, SPEC.seed).test[:20]
    expected = noise[drawn]
    for row, (onset, frequency, drift, phase, delay, decay, amplitude) in enumerate(numbers[drawn]):
        for receiver in range(2):
            for k in range(128):
                u = k / 128 - onset - receiver * delay
                expected[row, receiver, k] += struck(
                    u, np.exp(amplitude), np.exp(decay), frequency, drift, phase
                )
    for channel in range(2):  # standardising is linear, and of one line a channel
        fit = np.polyfit(expected[:, channel].ravel(), data.test[:20, channel].ravel(), 1)
        found = np.polyval(fit, expected[:, channel])
        np.testing.assert_allclose(data.test[:20, channel], found, rtol=0, atol=1e-4)
        assert abs(fit[1]) < 0.05
        assert 2 < fit[0] < 8


def test_the_second_channel_is_the_first_delayed(data):
    first, second = data.train[:2_000].unbind(1)
    lags = range(-16, 17)
    padded = torch.nn.functional.pad(first, (16, 16))
    likeness = [(padded[:, 16 - lag : 144 - lag] * second).sum(1) for lag in lags]
    best = torch.stack(likeness).argmax(0) - 16
    inside = (best >= -1) & (best <= 14)  # up to 0.1 seconds at 128 samples a second
    assert inside.float().mean() > 0.95
    assert best[inside].float().mean() == pytest.approx(6.4, abs=0.5)
