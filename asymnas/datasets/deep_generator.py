"""Rows whose code can be read off and whose decoding takes a deep network."""

import numpy as np
from numpy.typing import NDArray

from asymnas.config import DataSpec
from asymnas.datasets import DATASETS, Dataset
from asymnas.datasets._generated import FEATURES, LATENT, ROWS, dealt, weights
from asymnas.datasets._spec import check_spec

SEED = 6_408  # of the weights and rows


@DATASETS.register("deep-generator")
def load(spec: DataSpec) -> Dataset:
    """Makes 60,000 training, 6,000 validation and 10,000 test rows, float32 `[n, 64]`.

    z ~ N(0, I) in 8 dimensions; x = tanh(tanh(tanh(z W₁) W₂) W₃) W₄ with standard deviations of the
    weights of 1.5/√8, 1.6/8, 1.6/8 and 1/8; the first 8 of the 64 coordinates are replaced by z.
    Every column is standardised. The encoder has only to copy 8 numbers, the decoder has a network
    to imitate: with a latent of 8, the kind `plain` and dense sides, plenty of decoder is best.

    Weights and rows are fixed; the seed deals the rows out to the splits.

    Raises:
        DataError: An option that this data set has no use for.
    """
    check_spec(spec)
    note = "made from 8 numbers by a fixed random network; the first 8 columns are those numbers"
    return dealt(_rows(), spec.seed, note)


def _rows() -> NDArray[np.float64]:
    """All rows before standardising, `[ROWS, FEATURES]`."""
    rng = np.random.default_rng(SEED)
    layers = [
        weights(rng, inputs, FEATURES, gain)
        for inputs, gain in ((LATENT, 1.5), (FEATURES, 1.6), (FEATURES, 1.6), (FEATURES, 1.0))
    ]
    z = rng.standard_normal((ROWS, LATENT))
    x = z
    for layer in layers[:-1]:
        x = np.tanh(x @ layer)
    x = x @ layers[-1]
    x[:, :LATENT] = z
    return x
