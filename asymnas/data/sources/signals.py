"""Made signals: a struck resonator as two receivers hear it."""

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, check_spec
from asymnas.data.scaling import standardise_channels, value_range
from asymnas.data.splits import split, to_dataset

ROWS = 20_000  # by the splits rule 14,400 to train, 1,600 to validate and 4,000 to test
LENGTH = 128  # samples a signal
RATE = 128.0  # samples a second: a signal is one second
LATENT = 8  # numbers behind a signal: seven, of which the phase is a circle and takes two
ATTACK_S = 0.02  # time constant of the rise
NOISE = 0.05  # standard deviation of what each receiver adds to each sample
SEED = 7_128  # of the signals


@DATASETS.register("signals")
def load(spec: DataSpec) -> Dataset:
    """Makes 14,400 training, 1,600 validation and 4,000 test signals, float32 `[n, 2, 128]`.

    A resonator that is struck at the time `s` rings as g(u) = a (1 - exp(-u / 0.02 s)) exp(-u / τ)
    sin(2π (f u + r u² / 2) + φ) at u seconds from then; the first receiver hears g(t - s), the
    second g(t - s - d), each with noise of its own of standard deviation 0.05. Seven numbers are
    drawn for a signal, independently and evenly: the onset s from 0.05 to 0.25 s, the frequency f
    from 4 to 12 Hz, its drift r from -4 to 4 Hz/s, the phase φ on the circle, the delay d from 0 to
    0.1 s and, evenly on a log scale, the decay τ from 0.1 to 0.5 s and the amplitude a from 0.5 to
    2. A latent of 8 can hold them. Each channel is standardised.

    Signals are fixed, drawn by numpy's PCG64; the seed deals them out to the splits.

    Raises:
        DataError: An option that this data set has no use for.
    """
    check_spec(spec)
    parts = standardise_channels(split(_signals(), spec.seed))
    notes = (
        "made from 7 numbers a signal, with noise",
        "each channel standardised on the training split",
    )
    return to_dataset(parts, data_range=value_range(parts.train), notes=notes)


def _signals() -> NDArray[np.float64]:
    """All signals before standardising, `[ROWS, 2, LENGTH]`."""
    rng = np.random.default_rng(SEED)
    onset, frequency, drift, phase, delay, log_decay, log_amplitude = rng.uniform(
        [0.05, 4.0, -4.0, 0.0, 0.0, np.log(0.1), np.log(0.5)],
        [0.25, 12.0, 4.0, 2 * np.pi, 0.1, np.log(0.5), np.log(2.0)],
        (ROWS, 7),
    ).T[:, :, None, None]  # each [ROWS, 1, 1]
    receivers = np.arange(2)[:, None]
    since = np.arange(LENGTH) / RATE - onset - delay * receivers  # seconds, [ROWS, 2, LENGTH]
    since = np.maximum(since, 0.0)  # the attack makes it zero until then
    envelope = np.exp(log_amplitude - since / np.exp(log_decay)) * -np.expm1(-since / ATTACK_S)
    angle = 2 * np.pi * (frequency * since + drift * since**2 / 2) + phase
    return np.asarray(envelope * np.sin(angle) + NOISE * rng.standard_normal(angle.shape))
