"""Fashion-MNIST under 150,000 parameters: the data set of the figures in the README.

python -m asymnas.search studies/fashion_mnist.py
"""

from asymnas import StudyConfig


def study() -> StudyConfig:
    """40 trials at latent 16."""
    return StudyConfig(dataset="fashion-mnist", budget=150_000, latent=16, trials=40)
