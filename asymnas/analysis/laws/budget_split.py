"""What a fitted law and its resamples say of one budget, and of the budgets between and beyond.

Shares are looked for among those that were trained and nowhere else. A decoder share s is handled
as its logit, log(s / (1 - s)).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from asymnas.analysis.estimates import Band, Floats, Interval, Law
from asymnas.analysis.laws.bootstrap import Resamples
from asymnas.analysis.laws.laws import FORMS, log_sizes

CURVE_POINTS = 101
TREND_POINTS = 41
FINE_POINTS = 2_001  # where the ends of the shares within tolerance are read off

Edges = tuple[float, float]


@dataclass(frozen=True)
class FittedLaw:
    """A law fitted to a sweep.

    Args:
        law: Which.
        theta: Its unknowns `[1, k]`.
        scale: The size that its log sizes are relative to.
        resamples: Fits to resampled architectures; `None` if there were too few.
        level: Confidence of the intervals.
    """

    law: Law
    theta: Floats
    scale: float
    resamples: Resamples | None
    level: float

    def log_size(self, size: float) -> float:
        """Log of a total size, relative to the scale."""
        return float(np.log(size / self.scale))

    def best_logit(self, size: float) -> float:
        """The logit share of the lowest loss at a total size, wherever it lies."""
        return float(FORMS[self.law].best_logit(self.theta, np.array([self.log_size(size)]))[0, 0])

    def loss(self, share: Floats, size: float) -> Floats:
        """Fitted loss `[m]` at decoder shares `[m]` and a total size."""
        x, z = log_sizes(logit(share), self.log_size(size))
        result: Floats = np.exp(FORMS[self.law].log_loss(self.theta, x, z)[0])
        return result


def best_share(fitted: FittedLaw, size: float, edges: Edges) -> Interval:
    """The best share between the edges at a total size."""
    estimate = _between(expit(fitted.best_logit(size)), edges)
    if fitted.resamples is None:
        return Interval(estimate=estimate, level=fitted.level)
    draws = fitted.resamples.best_logit(np.array([fitted.log_size(size)]))
    low, high = (_between(expit(end[0]), edges) for end in fitted.resamples.ends(draws))
    return Interval(
        estimate=estimate, low=min(low, estimate), high=max(high, estimate), level=fitted.level
    )


def shares_within(fitted: FittedLaw, size: float, edges: Edges, tolerance: float) -> Interval:
    """The shares between the edges whose fitted loss is within the tolerance of the lowest."""
    grid = np.linspace(edges[0], edges[1], FINE_POINTS)
    losses = fitted.loss(grid, size)
    within = grid[losses <= losses.min() * (1 + tolerance)]
    return Interval(low=float(within[0]), high=float(within[-1]), level=fitted.level)


def cost_of_even_split(fitted: FittedLaw, size: float, edges: Edges) -> Interval:
    """The loss at one half over that at the best share, minus one.

    The lower end compares each resample's loss at one half with its loss at the best share of all
    data, which can be negative. The upper end also allows for the best share being uncertain: it
    compares with each resample's own best share too. Without that the interval would shrink to
    nothing wherever the estimated share happens to be one half.
    """
    if not edges[0] <= 0.5 <= edges[1]:
        return Interval(level=fitted.level)
    best = _between(expit(fitted.best_logit(size)), edges)
    half, lowest = fitted.loss(np.array([0.5, best]), size)
    estimate = max(float(half / lowest - 1), 0.0)
    if (resamples := fitted.resamples) is None:
        return Interval(estimate=estimate, level=fitted.level)
    total = fitted.log_size(size)
    own = np.clip(resamples.best_logit(np.array([total])), *logit(edges))
    fixed = np.tile(logit([0.5, best]), (len(own), 1))
    logs = resamples.log_loss(*log_sizes(np.hstack([fixed, own]), total))
    costs = np.expm1(logs[:, :1] - logs[:, 1:])
    low, high = resamples.ends(costs)
    return Interval(
        estimate=estimate,
        low=min(float(low[0]), estimate),
        high=max(float(high.max()), estimate),
        level=fitted.level,
    )


def curve(fitted: FittedLaw, size: float, edges: Edges) -> Band:
    """Fitted loss against decoder share; the ends are NaN if there is nothing to tell them by."""
    shares = np.linspace(edges[0], edges[1], CURVE_POINTS)
    fit = fitted.loss(shares, size)
    low = high = np.full(CURVE_POINTS, np.nan)
    if fitted.resamples is not None:
        sizes = log_sizes(logit(shares), fitted.log_size(size))
        low, high = (
            np.exp(end) for end in fitted.resamples.ends(fitted.resamples.log_loss(*sizes))
        )
        low, high = np.minimum(low, fit), np.maximum(high, fit)
    return Band(x=shares, y=fit, low=low, high=high)


def trend(fitted: FittedLaw, sizes: tuple[float, float], edges: Edges) -> Band | None:
    """The best share against the total size, from the first of two sizes to the second.

    Returns:
        `None` without resamples.
    """
    if fitted.resamples is None:
        return None
    totals = np.geomspace(sizes[0], sizes[1], TREND_POINTS)
    logs = np.log(totals / fitted.scale)
    logits = FORMS[fitted.law].best_logit(fitted.theta, logs)[0]
    ends = fitted.resamples.ends(fitted.resamples.best_logit(logs))
    best, low, high = (np.clip(expit(line), *edges) for line in (logits, *ends))
    return Band(x=totals, y=best, low=np.minimum(low, best), high=np.maximum(high, best))


def _between(share: float, edges: Edges) -> float:
    return float(min(max(share, edges[0]), edges[1]))
