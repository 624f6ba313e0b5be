"""The decoder share of convolutional autoencoders of Fashion-MNIST: two budgets, three horizons.

python studies/run.py fashion_mnist_share
"""

from asymnas import StudyConfig, SweepConfig


def study() -> StudyConfig:
    """Latent 16, four and a half passes over the training data."""
    return StudyConfig(
        dataset="fashion-mnist",
        family="conv2d",
        latent=16,
        budget=160_000,
        examples=240_000,
        precision="fp32",  # the same on every machine that runs a chunk
    )


def sweep() -> SweepConfig:
    """Six structures at seven shares with two seeds; two of them also for a quarter and 4 times."""
    return SweepConfig(study=study(), budgets=(40_000, 160_000))
