"""Synthetic data sets: rows of two random networks, and signals of a struck resonator.

Weights, rows and signals are drawn by NumPy's PCG64 from a seed that belongs to the data set; the
user's seed only assigns them to the splits. So every seed has the same examples, on every machine,
up to the rounding of its floating-point library.
"""

import math

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, to_dataset
from asymnas.data.scaling import standardise, standardise_channels, value_range
from asymnas.data.spec import check_spec
from asymnas.data.splits import draw

ROWS = 76_000  # by the splits rule 60,000 to train, 6,000 to validate and 10,000 to test
FEATURES = 64
LATENT = 8  # numbers that determine a row; the latent size to search with


def _weights(
    rng: np.random.Generator, inputs: int, outputs: int, gain: float
) -> NDArray[np.float64]:
    """A matrix `[inputs, outputs]` of normal numbers with standard deviation gain / √inputs."""
    return rng.standard_normal((inputs, outputs)) * (gain / math.sqrt(inputs))


def _standardised(rows: NDArray[np.float64], seed: int, note: str) -> Dataset:
    """Rows `[n, d]` in splits that `seed` draws; float32, standardised."""
    parts = standardise(draw(len(rows), seed).take(rows))
    notes = (note, "standardised on the training split")
    return to_dataset(parts, data_range=value_range(parts.train), notes=notes)


DEEP_SEED = 6_408  # of the weights and rows


@DATASETS.register("deep-generator")
def load_deep(spec: DataSpec) -> Dataset:
    """Generates 60,000 training, 6,000 validation and 10,000 test rows, float32 `[n, 64]`.

    z ~ N(0, I) in 8 dimensions; x = tanh(tanh(tanh(z W₁) W₂) W₃) W₄ with standard deviations of the
    weights of 1.5/√8, 1.6/8, 1.6/8 and 1/8; the first 8 of the 64 coordinates are replaced by z.
    Every column is standardised. The encoder has only to copy 8 numbers, the decoder has a network
    to imitate: with a latent of 8, the kind `plain` and dense sides, plenty of decoder is best.

    Weights and rows are fixed; the seed draws the splits.

    Raises:
        DataError: An option that this data set has no use for.
    """
    check_spec(spec)
    note = (
        "generated from 8 numbers by a fixed random network; the first 8 columns are those numbers"
    )
    return _standardised(_deep_rows(), spec.seed, note)


def _deep_rows() -> NDArray[np.float64]:
    """All rows before standardising, `[ROWS, FEATURES]`."""
    rng = np.random.default_rng(DEEP_SEED)
    layers = [
        _weights(rng, inputs, FEATURES, gain)
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
    """Generates 60,000 training, 6,000 validation and 10,000 test rows, float32 `[n, 64]`.

    x = z A with z ~ N(0, I) in 8 dimensions and A of 8 by 64 normal numbers; every column is
    standardised. Meant for the kind `denoising-gross` with a latent of 8: recovering z from a row
    with gross errors is robust regression, decoding it is one matrix, so plenty of encoder is best.

    Weights and rows are fixed; the seed draws the splits.

    Raises:
        DataError: An option that this data set has no use for.
    """
    check_spec(spec)
    return _standardised(
        _linear_rows(), spec.seed, "generated from 8 numbers by a fixed random matrix"
    )


def _linear_rows() -> NDArray[np.float64]:
    """All rows before standardising, `[ROWS, FEATURES]`."""
    rng = np.random.default_rng(LINEAR_SEED)
    matrix = _weights(rng, LATENT, FEATURES, gain=1.0)
    return rng.standard_normal((ROWS, LATENT)) @ matrix


SIGNALS = 20_000  # by the splits rule 14,400 to train, 1,600 to validate and 4,000 to test
LENGTH = 128  # samples per signal
RATE = 128.0  # samples per second: a signal is one second
ATTACK_S = 0.02  # time constant of the rise
NOISE = 0.05  # standard deviation of what each receiver adds to each sample
SIGNALS_SEED = 7_128  # of the signals


@DATASETS.register("signals")
def load_signals(spec: DataSpec) -> Dataset:
    """Generates 14,400 training, 1,600 validation and 4,000 test signals, float32 `[n, 2, 128]`.

    A resonator that is struck at the time `s` rings as g(u) = a (1 - exp(-u / 0.02 s)) exp(-u / τ)
    sin(2π (f u + r u² / 2) + φ) at u seconds from then; the first receiver hears g(t - s), the
    second g(t - s - d), each with noise of its own of standard deviation 0.05. Seven numbers are
    drawn for a signal, independently and evenly: the onset s from 0.05 to 0.25 s, the frequency f
    from 4 to 12 Hz, its drift r from -4 to 4 Hz/s, the phase φ on the circle, the delay d from 0 to
    0.1 s and, evenly on a log scale, the decay τ from 0.1 to 0.5 s and the amplitude a from 0.5 to
    2. A latent of 8 can hold them. Each channel is standardised.

    Signals are fixed, drawn by NumPy's PCG64; the seed draws the splits.

    Raises:
        DataError: An option that this data set has no use for.
    """
    check_spec(spec)
    parts = standardise_channels(draw(SIGNALS, spec.seed).take(_signals()))
    notes = (
        "generated from 7 numbers per signal, with noise",
        "each channel standardised on the training split",
    )
    return to_dataset(parts, data_range=value_range(parts.train), notes=notes)


def _signals() -> NDArray[np.float64]:
    """All signals before standardising, `[SIGNALS, 2, LENGTH]`."""
    rng = np.random.default_rng(SIGNALS_SEED)
    onset, frequency, drift, phase, delay, log_decay, log_amplitude = rng.uniform(
        [0.05, 4.0, -4.0, 0.0, 0.0, np.log(0.1), np.log(0.5)],
        [0.25, 12.0, 4.0, 2 * np.pi, 0.1, np.log(0.5), np.log(2.0)],
        (SIGNALS, 7),
    ).T[:, :, None, None]  # each [SIGNALS, 1, 1]
    receivers = np.arange(2)[:, None]
    since = np.arange(LENGTH) / RATE - onset - delay * receivers  # seconds, [SIGNALS, 2, LENGTH]
    since = np.maximum(since, 0.0)  # the attack makes it zero until then
    envelope = np.exp(log_amplitude - since / np.exp(log_decay)) * -np.expm1(-since / ATTACK_S)
    angle = 2 * np.pi * (frequency * since + drift * since**2 / 2) + phase
    return np.asarray(envelope * np.sin(angle) + NOISE * rng.standard_normal(angle.shape))
