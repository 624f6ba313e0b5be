"""The best architecture of a run: from every source, under caps."""

import numpy as np
import optuna
import pytest
import torch

from asymnas import Run, find_best_architecture
from asymnas.core import columns as t


def test_the_finder_takes_every_source(uninterrupted: Run) -> None:
    run = uninterrupted
    url = f"sqlite:///{run.directory / 'study.db'}"
    study = optuna.load_study(study_name="digits", storage=url)
    trials = {
        find_best_architecture(source).trial
        for source in (run, str(run.directory), run.directory, url, study)
    }
    assert trials == {run.summary["best"]["trial"]}
    smallest = int(run.front[t.TOTAL_PARAMS].min())
    found = find_best_architecture(run, max_params=smallest)
    assert found.encoder_params + found.decoder_params == smallest
    assert found.load()(torch.rand(2, 1, 8, 8)).shape == (2, 1, 8, 8)
    with pytest.raises(ValueError, match=f"the smallest has {smallest:,}"):
        find_best_architecture(run, max_params=smallest - 1)
    assert np.isclose(found.decoder_share, found.decoder_params / smallest)
