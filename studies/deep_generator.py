"""A known answer: a deep generator whose code is read off, so the decoder has all the work.

python -m asymnas.sweep studies/deep_generator.py

The best decoder share must come out well above one half.
"""

from asymnas import StudyConfig, SweepConfig


def study() -> StudyConfig:
    """Rows of 64 columns made by a deep network from 8 numbers, dense networks, latent 8."""
    return StudyConfig(
        dataset="deep-generator",
        family="dense",
        latent=8,
        budget=60_000,
        batch_size=256,
        examples=480_000,
        learning_rates=(2e-3, 3.2e-2),
    )


def sweep() -> SweepConfig:
    """Two budgets, each structure at every share, at one length of training."""
    return SweepConfig(study=study(), budgets=(20_000, 60_000), horizons=0)
