import pytest
import torch

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset

SPEC = DataSpec(name="linear-generator")


@pytest.fixture(scope="module")
def data():
    return load_dataset(SPEC)


def test_standardised_rows_by_the_splits_rule(data):
    parts = (data.train, data.validation, data.test)
    assert [tuple(part.shape) for part in parts] == [(n, 64) for n in (60_000, 6_000, 10_000)]
    assert data.train.dtype == torch.float32
    assert data.train.mean(0).abs().max() < 1e-5
    torch.testing.assert_close(data.train.std(0), torch.ones(64), rtol=1e-4, atol=0)
    assert data.data_range == float(data.train.max() - data.train.min())
    assert any("standardised" in note for note in data.notes)


def test_eight_normal_numbers_span_all_columns(data):
    spectrum = torch.linalg.svdvals(data.train[:5_000].double())
    assert spectrum[7] > 100
    assert spectrum[8] < 1e-3
    kurtosis = (data.train**4).mean(0)
    assert (kurtosis - 3).abs().max() < 0.15


def test_a_linear_code_that_fits_the_training_rows_fits_held_out_ones(data):
    basis = torch.linalg.svd(data.train[:5_000], full_matrices=False).Vh[:8]
    for part in (data.validation, data.test):
        assert (part @ basis.T @ basis - part).abs().max() < 1e-4
