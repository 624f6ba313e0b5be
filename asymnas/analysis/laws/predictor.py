"""What a fitted law and its resamples give at one budget, and between and beyond the budgets.

A thousand resamples of the fitted law give the intervals. A resample is a bootstrap sample of
architectures, each with all its seeds, or of a blocked sweep's structures, each with all its shares
and seeds: resampling within them as well would count that noise twice (Davison & Hinkley 1997,
Bootstrap Methods and their Application, §3.8). It re-decides what the full sample decided: which
law holds, by the held-out errors of the architectures it drew, and where the law's weak prior lies,
so that what the data do not identify is as uncertain as the prior says (Newton & Raftery 1994,
doi:10.1111/j.2517-6161.1994.tb01956.x; Oliver, He & Reynolds 1996).

Shares are looked for among those that were trained and nowhere else. A decoder share s is handled
as its logit, log(s / (1 - s)).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t as student

from asymnas.analysis.estimates import EVEN, Band, Floats, Interval, Law
from asymnas.analysis.laws.choice import FittedLaw
from asymnas.analysis.laws.fit import Batch, Data, fit
from asymnas.analysis.laws.forms import FORMS, log_sizes

CURVE_POINTS = 101
TREND_POINTS = 41
FINE_POINTS = 2_001  # where the ends of the shares within tolerance are read off

Edges = tuple[float, float]


@dataclass(frozen=True)
class Blocking:
    """What architectures belong together in a blocked sweep.

    Args:
        budget: Of each architecture `[g]`.
        structure: The number of its block `[g]`.
    """

    budget: NDArray[np.int64]
    structure: NDArray[np.int64]


@dataclass(frozen=True)
class Resamples:
    """Fits to resampled architectures.

    Args:
        theta: The law's unknowns `[b, k]`, by law; laws that no resample chose are missing.
        tail: The quantile to take for a lower end; its complement for an upper end.
    """

    theta: Mapping[Law, Floats]
    tail: float

    def best_logit(self, size: Floats) -> Floats:
        """The logit of the best decoder share `[b, m]` at log relative sizes `[m]`."""
        parts = [FORMS[law].best_logit(theta, size) for law, theta in self.theta.items()]
        return np.concatenate(parts)

    def log_loss(self, x: Floats, z: Floats) -> Floats:
        """Log loss `[b, m]` at log relative sizes of encoder and decoder, `[m]` or `[b, m]`."""
        shape = np.broadcast_shapes((self.count, 1), x.shape)
        x, z, parts, start = np.broadcast_to(x, shape), np.broadcast_to(z, shape), [], 0
        for law, theta in self.theta.items():
            rows = slice(start, start + len(theta))
            parts.append(FORMS[law].log_loss(theta, x[rows], z[rows]))
            start += len(theta)
        return np.concatenate(parts)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(len(theta) for theta in self.theta.values())

    def share_of(self, law: Law) -> float:
        """The share of the resamples that chose a law, in [0, 1]."""
        return len(self.theta.get(law, ())) / self.count

    def ends(self, draws: Floats) -> tuple[Floats, Floats]:
        """Lower and upper ends `[m]` of the intervals of what was resampled `[b, m]`."""
        low, high = np.quantile(draws, [self.tail, 1 - self.tail], axis=0)
        return low, high


def resample(
    data: Data,
    fitted: Mapping[Law, FittedLaw],
    *,
    blocks: Blocking | None,
    level: float,
    resamples: int,
    seed: int,
) -> Resamples:
    """Bootstrap over architectures, or over the structures of each budget; each chooses its law.

    The ends of an interval are taken a little further out than its level says, which makes up for
    residuals being smaller than errors and for the normal law standing in for Student's (the
    expanded percentile interval; Hesterberg 2015, doi:10.1080/00031305.2015.1089789).

    Args:
        data: What the laws were fitted to.
        fitted: Each law's fit to it.
        blocks: Which architectures are resampled as a whole; `None` if each is one of its own.
        level: Confidence of the intervals, in (0, 1).
        resamples: How many.
        seed: Fixes them.
    """
    rng = np.random.default_rng(seed)
    count = len(data.y)
    weights, units, strata = _weights(count, blocks, resamples, rng)
    prior = rng.standard_normal((resamples, max(form.unknowns for form in FORMS.values())))
    errors = [weights @ (data.precision * candidate.errors) for candidate in fitted.values()]
    choice = np.array(errors).argmin(axis=0)
    theta: dict[Law, Floats] = {}
    for number, (law, candidate) in enumerate(fitted.items()):
        rows = np.flatnonzero(choice == number)
        if not len(rows):
            continue
        form, batch = FORMS[law], candidate.batch
        own = Batch(
            weights=weights[rows],
            centre=batch.centre + batch.spread * prior[rows, : form.unknowns],
            spread=batch.spread,
            ridge=np.repeat(batch.ridge, len(rows)),
            noise=batch.noise,
        )
        theta[law] = fit(form, data, own, candidate.fits.repeated(len(rows))).theta
    left = count - max(fitted[law].freedom for law in theta) if blocks is None else units - strata
    left = max(1.0, left)
    reach = float(student.ppf((1 + level) / 2, left) * np.sqrt(units / left))
    return Resamples(theta=theta, tail=NormalDist().cdf(-reach))


def _weights(
    count: int, blocks: Blocking | None, resamples: int, rng: np.random.Generator
) -> tuple[Floats, int, int]:
    """How often each architecture counts `[b, g]`, of how many units, in how many strata."""
    if blocks is None:
        even = np.full(count, 1 / count)
        return rng.multinomial(count, even, size=resamples).astype(float), count, 1
    weights, units = np.zeros((resamples, count)), 0
    budgets = np.unique(blocks.budget)
    for budget in budgets:
        rows = np.flatnonzero(blocks.budget == budget)
        structures, place = np.unique(blocks.structure[rows], return_inverse=True)
        size = len(structures)
        weights[:, rows] = rng.multinomial(size, np.full(size, 1 / size), size=resamples)[:, place]
        units += size
    return weights, units, len(budgets)


@dataclass(frozen=True)
class Predictor:
    """The chosen law with its resamples, as a function of share and size.

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


def best_share(fitted: Predictor, size: float, edges: Edges) -> Interval:
    """The best share between the edges at a total size."""
    estimate = _between(expit(fitted.best_logit(size)), edges)
    if fitted.resamples is None:
        return Interval(estimate=estimate, level=fitted.level)
    draws = fitted.resamples.best_logit(np.array([fitted.log_size(size)]))
    low, high = (_between(expit(end[0]), edges) for end in fitted.resamples.ends(draws))
    return Interval(
        estimate=estimate, low=min(low, estimate), high=max(high, estimate), level=fitted.level
    )


def shares_within(fitted: Predictor, size: float, edges: Edges, tolerance: float) -> Interval:
    """The shares between the edges whose fitted loss is within the tolerance of the lowest."""
    grid = np.linspace(edges[0], edges[1], FINE_POINTS)
    losses = fitted.loss(grid, size)
    within = grid[losses <= losses.min() * (1 + tolerance)]
    return Interval(low=float(within[0]), high=float(within[-1]), level=fitted.level)


def cost_of_even_split(fitted: Predictor, size: float, edges: Edges) -> Interval:
    """The loss at one half over that at the best share, minus one.

    The lower end compares each resample's loss at one half with its loss at the best share of all
    data, which can be negative. The upper end also allows for the best share being uncertain: it
    compares with each resample's own best share too. Without that the interval would shrink to
    nothing wherever the estimated share happens to be one half.
    """
    if not edges[0] <= EVEN <= edges[1]:
        return Interval(level=fitted.level)
    best = _between(expit(fitted.best_logit(size)), edges)
    half, lowest = fitted.loss(np.array([EVEN, best]), size)
    estimate = max(float(half / lowest - 1), 0.0)
    if (resamples := fitted.resamples) is None:
        return Interval(estimate=estimate, level=fitted.level)
    total = fitted.log_size(size)
    own = np.clip(resamples.best_logit(np.array([total])), *logit(edges))
    fixed = np.tile(logit([EVEN, best]), (len(own), 1))
    logs = resamples.log_loss(*log_sizes(np.hstack([fixed, own]), total))
    costs = np.expm1(logs[:, :1] - logs[:, 1:])
    low, high = resamples.ends(costs)
    return Interval(
        estimate=estimate,
        low=min(float(low[0]), estimate),
        high=max(float(high.max()), estimate),
        level=fitted.level,
    )


def curve(fitted: Predictor, size: float, edges: Edges) -> Band:
    """Fitted loss against decoder share; the ends are NaN without resamples."""
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


def trend(fitted: Predictor, sizes: tuple[float, float], edges: Edges) -> Band | None:
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
