"""A known answer: gross corruption taken off linearly made data, so the encoder has all the work.

python -m asymnas.sweep studies/linear_generator.py

The best decoder share must come out well below one half.
"""

from asymnas import StudyConfig, SweepConfig


def study() -> StudyConfig:
    """Rows of 64 columns linear in 8 numbers, a fifth of them grossly corrupted, latent 8."""
    return StudyConfig(
        dataset="linear-generator",
        family="dense",
        kind="denoising-gross",
        latent=8,
        budget=60_000,
        batch_size=256,
        examples=480_000,
        learning_rates=(2e-3, 3.2e-2),
    )


def sweep() -> SweepConfig:
    """Two budgets, each structure at every share, at one length of training."""
    return SweepConfig(study=study(), budgets=(20_000, 60_000), horizons=0)
