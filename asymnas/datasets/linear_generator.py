"""Rows on a plane: their decoding is linear, so what is hard is left to the encoder."""

import numpy as np
from numpy.typing import NDArray

from asymnas.config import DataSpec
from asymnas.datasets import DATASETS, Dataset
from asymnas.datasets._generated import FEATURES, LATENT, ROWS, dealt, weights
from asymnas.datasets._spec import check_spec

SEED = 648  # of the weights and rows


@DATASETS.register("linear-generator")
def load(spec: DataSpec) -> Dataset:
    """Makes 60,000 training, 6,000 validation and 10,000 test rows, float32 `[n, 64]`.

    x = z A with z ~ N(0, I) in 8 dimensions and A of 8 by 64 normal numbers; every column is
    standardised. Meant for the kind `denoising-gross` with a latent of 8: recovering z from a row
    with gross errors is robust regression, decoding it is one matrix, so plenty of encoder is best.

    Weights and rows are fixed; the seed deals the rows out to the splits.

    Raises:
        DataError: An option that this data set has no use for.
    """
    check_spec(spec)
    return dealt(_rows(), spec.seed, "made from 8 numbers by a fixed random matrix")


def _rows() -> NDArray[np.float64]:
    """All rows before standardising, `[ROWS, FEATURES]`."""
    rng = np.random.default_rng(SEED)
    matrix = weights(rng, LATENT, FEATURES, gain=1.0)
    return rng.standard_normal((ROWS, LATENT)) @ matrix
