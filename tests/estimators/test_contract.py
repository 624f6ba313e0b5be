"""scikit-learn's own checks of estimators, all of them."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from asymnas import Autoencoder, AutoencoderSearch

TINY = {"budget": 2_000, "latent": 2, "examples": 64, "random_state": 0, "device": "cpu"}


@pytest.fixture(autouse=True)
def fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary run directories in memory, where there is such a place."""
    if Path("/dev/shm").is_dir():
        monkeypatch.setattr(tempfile, "tempdir", "/dev/shm")


@pytest.mark.slow
@pytest.mark.essential
@parametrize_with_checks([Autoencoder(**TINY)])
def test_one_autoencoder(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@pytest.mark.essential
@parametrize_with_checks([AutoencoderSearch(**TINY, trials=1)])
def test_the_search(estimator: Any, check: Any) -> None:
    check(estimator)
