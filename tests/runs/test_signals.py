"""Signals all the way: the family follows from the shape; searched, drawn, reported."""

from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asymnas import StudyConfig, run_search
from asymnas.core import columns as t
from asymnas.core.errors import ConfigError
from asymnas.runs.directory import REPORT
from asymnas.runs.plan import default_family, plan_search


@pytest.fixture
def signals(tmp_path: Path) -> StudyConfig:
    """A search of seconds: 60 signals of two channels and 33 samples."""
    time = np.linspace(0, 1, 33)
    phases = np.random.default_rng(0).uniform(0, 6, (60, 2, 1))
    np.savez(tmp_path / "waves.npz", signals=np.sin(9 * time + phases))
    return StudyConfig(
        dataset=f"npz:{tmp_path / 'waves.npz'}",
        budget=4_000,
        latent=3,
        trials=4,
        examples=256,
        batch_size=16,
        workers=1,
        precision="fp32",
        run_dir=str(tmp_path / "run"),
    )


@pytest.mark.parametrize(
    ("shape", "family"),
    [
        ((3, 48, 48), "conv2d"),
        ((1, 1, 48), "dense"),
        ((2, 128), "conv1d"),
        ((1, 2), "conv1d"),
        ((64, 1), "dense"),
        ((64,), "dense"),
        ((1,), "dense"),
    ],
)
def test_the_family_follows_from_the_shape(shape: tuple[int, ...], family: str) -> None:
    assert default_family(shape) == family


@pytest.mark.slow
@pytest.mark.essential
def test_a_search_of_signals_from_the_archive_to_the_report(
    signals: StudyConfig, in_process: Executor
) -> None:
    plan = plan_search(signals)
    assert (plan.config.family, plan.space.problem.shape) == ("conv1d", (2, 33))
    run = run_search(signals, executor=in_process)
    own = run.table[run.table[t.DUPLICATE_OF].isna()]
    assert len(own) == 4
    assert set(own[t.STATE]) <= {"complete", "pruned"}
    assert own[t.TOTAL_PARAMS].max() <= 4_000
    directory = Path(signals.run_dir)
    pictures = [Image.open(path) for path in directory.rglob("*.png")]
    assert pictures
    assert all(np.ptp(np.asarray(picture)[..., :3]) > 50 for picture in pictures)
    assert "Reconstructions" in (directory / REPORT).read_text("utf-8")


def test_families_that_cannot_take_signals_say_so(signals: StudyConfig) -> None:
    with pytest.raises(ConfigError, match=r"conv2d takes images .* conv1d for signals"):
        plan_search(replace(signals, family="conv2d"))
    assert plan_search(replace(signals, family="dense", budget=9_000)).space.problem.shape == (
        2,
        33,
    )
    with pytest.raises(ConfigError, match=r"conv1d takes signals .* conv2d for images"):
        plan_search(replace(signals, dataset="digits", family="conv1d"))
