"""What data sets that are made on the fly have in common.

Their weights and rows are drawn by numpy's PCG64 from a seed that belongs to the data set; the
user's seed only deals the rows out to the splits. So every seed sees the same 76,000 rows, on every
machine, up to the rounding of its floating-point library.
"""

import math

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, check_spec
from asymnas.data.scaling import standardise, value_range
from asymnas.data.splits import split, to_dataset

ROWS = 76_000  # by the splits rule 60,000 to train, 6,000 to validate and 10,000 to test
FEATURES = 64
LATENT = 8  # numbers behind a row; the latent size to search with


def weights(
    rng: np.random.Generator, inputs: int, outputs: int, gain: float
) -> NDArray[np.float64]:
    """A matrix `[inputs, outputs]` of normal numbers with standard deviation gain / √inputs."""
    return rng.standard_normal((inputs, outputs)) * (gain / math.sqrt(inputs))


def dealt(rows: NDArray[np.float64], seed: int, note: str) -> Dataset:
    """Rows `[n, d]` dealt out to the splits by `seed`; float32, standardised."""
    parts = standardise(split(rows, seed))
    notes = (note, "standardised on the training split")
    return to_dataset(parts, data_range=value_range(parts.train), notes=notes)


DEEP_SEED = 6_408  # of the weights and rows


@DATASETS.register("deep-generator")
def load_deep(spec: DataSpec) -> Dataset:
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
    return dealt(_deep_rows(), spec.seed, note)


def _deep_rows() -> NDArray[np.float64]:
    """All rows before standardising, `[ROWS, FEATURES]`."""
    rng = np.random.default_rng(DEEP_SEED)
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


LINEAR_SEED = 648  # of the weights and rows


@DATASETS.register("linear-generator")
def load_linear(spec: DataSpec) -> Dataset:
    """Makes 60,000 training, 6,000 validation and 10,000 test rows, float32 `[n, 64]`.

    x = z A with z ~ N(0, I) in 8 dimensions and A of 8 by 64 normal numbers; every column is
    standardised. Meant for the kind `denoising-gross` with a latent of 8: recovering z from a row
    with gross errors is robust regression, decoding it is one matrix, so plenty of encoder is best.

    Weights and rows are fixed; the seed deals the rows out to the splits.

    Raises:
        DataError: An option that this data set has no use for.
    """
    check_spec(spec)
    return dealt(_linear_rows(), spec.seed, "made from 8 numbers by a fixed random matrix")


def _linear_rows() -> NDArray[np.float64]:
    """All rows before standardising, `[ROWS, FEATURES]`."""
    rng = np.random.default_rng(LINEAR_SEED)
    matrix = weights(rng, LATENT, FEATURES, gain=1.0)
    return rng.standard_normal((ROWS, LATENT)) @ matrix
