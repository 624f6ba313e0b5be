"""Kendall's rank correlation with a confidence interval."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import kendalltau, norm

from asymnas.analysis.estimates import Interval

LEAST = 10  # pairs of values; the interval's variance was found for ten and more
VARIANCE = 0.437  # of Fisher's z of tau, times n - 4


def rank_correlation(
    one: ArrayLike, other: ArrayLike, independent: int | None = None, confidence: float = 0.95
) -> Interval:
    """Kendall's τ-b, from -1 to 1, with its interval by Fisher's z.

    For the interval τ counts as one discordant pair away from ±1 at least, or perfect agreement of
    ten trials would look certain.

    Args:
        one: `[n]`, finite.
        other: `[n]`, finite.
        independent: How many of the n are independent, where runs share an architecture.
        confidence: Of the interval, in (0, 1).

    Returns:
        No estimate with fewer than ten independent values, or if either is constant.

    Source:
        Kendall (1938), doi:10.1093/biomet/30.1-2.81; interval: Fieller, Hartley & Pearson (1957),
        doi:10.1093/biomet/44.3-4.470.
    """
    first, second = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    count = len(first) if independent is None else independent
    if count < LEAST or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Interval(level=confidence)
    tau = float(kendalltau(first, second).statistic)
    most = 1 - 4 / (count * (count - 1))
    z = np.arctanh(np.clip(tau, -most, most))
    reach = norm.ppf((1 + confidence) / 2) * np.sqrt(VARIANCE / (count - 4))
    low, high = np.tanh([z - reach, z + reach])
    return Interval(
        estimate=tau, low=min(float(low), tau), high=max(float(high), tau), level=confidence
    )
