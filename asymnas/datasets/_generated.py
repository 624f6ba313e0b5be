"""What data sets that are made on the fly have in common.

Their weights and rows are drawn by numpy's PCG64 from a seed that belongs to the data set; the
user's seed only deals the rows out to the splits. So every seed sees the same 76,000 rows, on every
machine, up to the rounding of its floating-point library.
"""

import math

import numpy as np
from numpy.typing import NDArray

from asymnas.datasets import Dataset
from asymnas.datasets._scaling import standardise, value_range
from asymnas.datasets._splits import split, to_dataset

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
