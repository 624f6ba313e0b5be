"""Several studies' estimates as one: a random-effects mean and its prediction interval."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.stats import t as student

from asymnas.analysis.estimates import Interval


@dataclass(frozen=True)
class Pooled:
    """A mean over studies that differ by more than their errors.

    Args:
        mean: The mean of the population that the studies are drawn from, 95 %.
        prediction: Where the next study's true value lies, 95 %; without ends below three studies.
        between: Standard deviation of the true values between studies.
    """

    mean: Interval
    prediction: Interval
    between: float


def pooled(estimates: Sequence[float], errors: Sequence[float], level: float = 0.95) -> Pooled:
    """Pools the estimates of independent studies.

    The variance between studies is Paule and Mandel's (1982), at which the weighted squares are
    what they are expected to be; the mean's interval is Student's t over studies, k - 1 degrees
    of freedom; the prediction interval that of Higgins et al. (2009), k - 2 degrees.

    Args:
        estimates: One per study, at least two.
        errors: Their standard errors, above zero.
        level: Of both intervals.

    Raises:
        ValueError: If there are fewer than two, or an error is not above zero.
    """
    y, variance = np.asarray(estimates, float), np.asarray(errors, float) ** 2
    count = len(y)
    if count < 2 or len(variance) != count or not (variance > 0).all():
        raise ValueError("pooling takes two or more estimates, each with an error above zero")

    def excess(between: float) -> float:
        weights = 1 / (variance + between)
        mean = float(weights @ y / weights.sum())
        return float(weights @ (y - mean) ** 2) - (count - 1)

    most = float(np.ptp(y)) ** 2 * count + float(variance.max())
    between = brentq(excess, 0, most, xtol=1e-14) if excess(0) > 0 else 0.0
    weights = 1 / (variance + between)
    mean, error = float(weights @ y / weights.sum()), 1 / sqrt(weights.sum())
    half = error * student.ppf((1 + level) / 2, count - 1)
    wide = sqrt(between + error**2)
    prediction = Interval(estimate=mean, level=level)
    if count > 2:
        reach = wide * student.ppf((1 + level) / 2, count - 2)
        prediction = replace(prediction, low=mean - reach, high=mean + reach)
    return Pooled(
        mean=Interval(estimate=mean, low=mean - half, high=mean + half, level=level),
        prediction=prediction,
        between=sqrt(between),
    )
