import numpy as np
import pytest
import torch

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.data.splits import draw

SPEC = DataSpec(name="deep-generator")


@pytest.fixture(scope="module")
def data():
    return load_dataset(SPEC)


def explained(inputs: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
    """Share of each output's variance that a linear map of the inputs gives, `[d]`."""
    fit = torch.linalg.lstsq(inputs, outputs).solution
    return 1 - (outputs - inputs @ fit).var(0) / outputs.var(0)


def test_standardised_rows_by_the_splits_rule(data):
    parts = (data.train, data.validation, data.test)
    assert [tuple(part.shape) for part in parts] == [(n, 64) for n in (60_000, 6_000, 10_000)]
    assert data.train.dtype == torch.float32
    assert data.train.mean(0).abs().max() < 1e-5
    torch.testing.assert_close(data.train.std(0), torch.ones(64), rtol=1e-4, atol=0)
    assert data.data_range == float(data.train.max() - data.train.min())
    assert any("standardised" in note for note in data.notes)


def test_the_first_eight_columns_are_the_independent_normal_latent(data):
    z = data.train[:, :8]
    correlation = torch.corrcoef(z.T) - torch.eye(8)
    assert correlation.abs().max() < 0.02
    kurtosis = (z**4).mean(0)
    assert (kurtosis - 3).abs().max() < 0.15


def test_the_other_columns_follow_from_the_latent_but_not_linearly(data):
    z, rest = data.train[:, :8], data.train[:, 8:]
    assert explained(z, rest).max() < 0.9
    near = torch.cdist(data.validation[:300, :8], z).argmin(1)
    apart = (rest[near] - data.validation[:300, 8:]).square().mean()
    assert apart < 1.4  # of 2 between rows at random: nearest neighbours in z resemble each other


def test_the_formula(data):
    """The generator written out once more, its rows in the order that the splits rule draws."""
    rng = np.random.default_rng(6_408)
    scales = [1.5 / np.sqrt(8), 1.6 / 8, 1.6 / 8, 1 / 8]
    w1, w2, w3, w4 = (
        rng.standard_normal((i, 64)) * s for i, s in zip((8, 64, 64, 64), scales, strict=True)
    )
    z = rng.standard_normal((76_000, 8))
    x = np.tanh(np.tanh(np.tanh(z @ w1) @ w2) @ w3) @ w4
    x[:, :8] = z
    drawn = draw(76_000, SPEC.seed)
    x = (x - x[drawn.train].mean(0)) / x[drawn.train].std(0)
    for part, indices in zip((data.train, data.validation, data.test), drawn, strict=True):
        np.testing.assert_allclose(part, x[indices], rtol=0, atol=1e-5)
