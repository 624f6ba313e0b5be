"""The sweeps of the studies, each of which asks where the best decoder share lies.

    python studies/run.py fashion_mnist_conv2d --minutes 55

All are of one design: six structures per budget, chosen from eighteen by short runs, each at seven
shares and with its mirrored decoder; both sides' learning rates tuned at the length of training
that is measured; in some, two of the structures also trained a quarter and four times as
long.
"""

import deep_generator
import linear_generator

from asymnas import StudyConfig, SweepConfig


def fashion_mnist(
    family: str, budget: int, examples: int, kind: str = "plain", horizons: int = 2
) -> SweepConfig:
    """Fashion-MNIST through 16 latent numbers.

    Args:
        family: Of both sides.
        budget: Total parameters.
        examples: Training examples that each network sees; 54,000 are one pass.
        kind: What is trained.
        horizons: Structures also trained a quarter and four times as long.
    """
    study = StudyConfig(
        dataset="fashion-mnist",
        family=family,
        kind=kind,
        latent=16,
        budget=budget,
        examples=examples,
        precision="fp32",  # the same on every machine that runs a chunk
    )
    return SweepConfig(study=study, budgets=(budget,), horizons=horizons)


def signals() -> SweepConfig:
    """Signals of two channels and 128 points through 16 latent numbers."""
    study = StudyConfig(
        dataset="signals",
        family="conv1d",
        latent=16,
        budget=20_000,
        examples=60_000,
        precision="fp32",
    )
    return SweepConfig(study=study, budgets=(20_000,))


#: In the order in which they are run.
SWEEPS = {
    "fashion_mnist_dense": fashion_mnist("dense", 80_000, 120_000),
    "fashion_mnist_conv2d": fashion_mnist("conv2d", 40_000, 60_000),
    "fashion_mnist_variational": fashion_mnist("dense", 80_000, 120_000, "variational", 0),
    "fashion_mnist_denoising": fashion_mnist("dense", 80_000, 120_000, "denoising", 0),
    "fashion_mnist_vq": fashion_mnist("dense", 80_000, 120_000, "vq", 0),
    "fashion_mnist_fsq": fashion_mnist("dense", 80_000, 120_000, "fsq", 0),
    "signals_conv1d": signals(),
    "fashion_mnist_conv2d_160k": fashion_mnist("conv2d", 160_000, 240_000),
    "deep_generator": deep_generator.sweep(),
    "linear_generator": linear_generator.sweep(),
}
