"""Log loss against the decoder share within the structures of one budget, assuming no law.

Every structure has its own intercept, and the average structure a polynomial in the logit of the
share, nil at an even split. Leaving out one structure at a time gives each structure's part in it
(jackknife pseudo-values): of complete blocks that is the structure's own least-squares fit, and the
interval of any value of the curve is Student's t over structures. Incomplete blocks need nothing
else.

Now and then a run settles in a poor local optimum and ends at twice the loss of its neighbours. A
mean over structures and a polynomial through all shares would follow it, so that such runs are left
out of the curve and counted (`outlying_cells`); contrasts, of two shares each, keep them.

Source:
    Tukey's jackknife with Student's t: Miller (1974), doi:10.1093/biomet/61.1.1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import f as fisher

from asymnas.analysis.blocked.blocks import Blocks, mean_of_known
from asymnas.analysis.blocked.means import LEAST_STRUCTURES, Mean
from asymnas.analysis.blocked.sampling import Resampled
from asymnas.analysis.estimates import EVEN, Band, Floats, Interval

#: Of the polynomial, where there are shares enough: two fewer than there are shares. Simulated:
#: lower ones are biased, higher ones widen the intervals.
LARGEST_DEGREE = 4
OUTLYING = 6.0  # robust standard deviations off what structure and share make likely
GROSS = math.log(1.5)  # what is closer is no outlier, however little the others vary
POLISHES = 8
EXACT = 1e-9
TESTED_DEGREES = 2  # above the polynomial's own, for lack of fit
LEAST_SHARES = 3
POINTS = 801  # at which a curve is searched
BAND_POINTS = 101
HALVINGS = 100
UNIT = 2.0  # logits that count as one, so that powers stay of order one


@dataclass(frozen=True)
class Curve:
    """Log loss at a share less that at an even split; shapes: i structures, p powers.

    Args:
        parts: The polynomial's coefficients by structure `[i, p]`; their mean is the curve's.
        common: Covariance of the mean by the sampling of examples, as far as all structures share
            it `[p, p]`.
        groups: Independent groups of examples; 0 where sampling is unknown.
        intercept: Mean log loss of the structures at an even split.
        edges: The lowest and the highest share trained.
        departure: p of the departure of the structures' means from the polynomial; `None` where it
            cannot be judged.
        outliers: Runs that are left out, by target share.
    """

    parts: Floats
    common: Floats
    groups: int
    intercept: float
    edges: tuple[float, float]
    departure: float | None
    outliers: Mapping[float, int] = field(default_factory=dict)

    @property
    def structures(self) -> int:
        """How many there are."""
        return len(self.parts)

    @cached_property
    def shares(self) -> Floats:
        """Where the curve is searched `[m]`, rising, evenly spaced in logits."""
        ends = logit(self.edges)
        inside: Floats = expit(np.linspace(ends[0], ends[1], POINTS))
        inside[[0, -1]] = self.edges
        return inside

    @cached_property
    def powers(self) -> Floats:
        """The polynomial's terms there `[m, p]`."""
        return powers(self.shares, self.parts.shape[1])

    def mean(self, terms: Floats) -> Mean:
        """A mean over structures of linear combinations of the coefficients `[m, p]`."""
        return Mean(
            estimate=terms @ self.parts.mean(axis=0),
            between=_quadratic(terms, _covariance(self.parts)),
            common=np.maximum(_quadratic(terms, self.common), 0.0),
            structures=self.structures,
            groups=self.groups,
        )

    @cached_property
    def values(self) -> Floats:
        """Log loss at the searched shares less that at an even split `[m]`."""
        result: Floats = self.powers @ self.parts.mean(axis=0)
        return result

    @property
    def lowest(self) -> int:
        """The place of the best share among those searched."""
        return int(self.values.argmin())

    @property
    def side(self) -> int:
        """-1 if the best share is the lowest trained, 1 if it is the highest, 0 otherwise."""
        return (self.lowest == len(self.shares) - 1) - (self.lowest == 0)


def powers(share: Floats, degree: int) -> Floats:
    """The polynomial's terms at shares `[...]`: `[..., p]`, all nil at an even split."""
    x = logit(share) / UNIT
    return np.stack([x**power for power in range(1, degree + 1)], axis=-1)


def _slopes(share: Floats, degree: int) -> Floats:
    """Their derivatives by the logit, but for a factor."""
    x = logit(share) / UNIT
    return np.stack([power * x ** (power - 1) for power in range(1, degree + 1)], axis=-1)


def fit_curve(blocks: Blocks, sampling: Resampled | None) -> Curve | None:
    """Fits the average structure's curve.

    Args:
        blocks: Of one budget.
        sampling: Their examples resampled; `None` if unknown.

    Returns:
        `None` for fewer than three shares or no structure with two of them.
    """
    values, outlying = blocks.cells[:, :-1], outlying_cells(blocks.cells[:, :-1])
    values = np.where(outlying, np.nan, values)
    several = np.isfinite(values).sum(axis=1) > 1
    values, share = values[several], blocks.share[several, :-1]
    known = np.isfinite(values)
    trained = blocks.targets[known.any(axis=0)]
    if len(trained) < LEAST_SHARES:
        return None
    degree = int(np.clip(len(trained) - 2, 2, LARGEST_DEGREE))
    parts = _parts(share, values, degree)
    common, groups = np.zeros((degree, degree)), 0
    if sampling is not None and len(parts) > 1:
        moved = mean_of_known(sampling.moves[:, several, :-1], axis=3)
        moves = _parts(share, np.where(known, moved, np.nan), degree)
        own = np.mean([_covariance(move) for move in moves], axis=0)  # is in the spread already
        common, groups = np.cov(moves.mean(axis=1), rowvar=False) - own, sampling.groups
    fitted = np.where(known, powers(np.where(known, share, EVEN), degree) @ parts.mean(axis=0), 0)
    return Curve(
        parts=parts,
        common=common,
        groups=groups,
        intercept=float(mean_of_known(values - fitted, axis=1).mean()),
        edges=(float(trained[0]), float(trained[-1])),
        departure=_departure(share, values, degree, len(trained)),
        outliers={
            float(target): int(count)
            for target, count in zip(blocks.targets, outlying.sum(axis=0), strict=True)
            if count
        },
    )


def outlying_cells(values: Floats) -> NDArray[np.bool_]:
    """Log losses that lie far off what their structure and their share make likely.

    Args:
        values: By structure and share `[i, k]`, NaN where there is none.

    Returns:
        Whether the residual of a median polish is more than six robust standard deviations and a
        factor of 1.5, `[i, k]`; nothing below three structures or shares.

    Source:
        Median polish: Tukey (1977), Exploratory Data Analysis, ch. 11. The robust standard
        deviation is 1.4826 times the median of the residuals' sizes, those that are nil by
        construction left out.
    """
    known = np.isfinite(values)
    if min(known.any(axis=1).sum(), known.any(axis=0).sum()) < LEAST_SHARES:
        return np.zeros(values.shape, dtype=bool)
    left = np.where(known, values, np.nan)
    rows, columns = known.any(axis=1), known.any(axis=0)
    for _ in range(POLISHES):
        left[rows] -= np.nanmedian(left[rows], axis=1, keepdims=True)
        left[:, columns] -= np.nanmedian(left[:, columns], axis=0)
    sizes = np.abs(np.where(known, left, 0.0))
    polished = sizes > EXACT  # a median leaves nil of itself, whatever the spread
    spread = 1.4826 * float(np.median(sizes[polished])) if polished.any() else np.inf
    result: NDArray[np.bool_] = sizes > max(OUTLYING * spread, GROSS)
    return result


def to_targets(blocks: Blocks, curve: Curve | None) -> Blocks:
    """The blocks as if every share had been realised exactly, by the slope of the curve.

    Widths are whole numbers, so that a share is met to .03 only. What that moves the log loss by is
    taken from the curve of the same runs: a small part of a contrast, known well.
    """
    if curve is None or blocks.even is None:
        return blocks
    asked = np.append(blocks.targets, EVEN)
    realised = np.where(np.isfinite(blocks.share), blocks.share, asked)
    degree = curve.parts.shape[1]
    terms = powers(realised, degree) - powers(asked, degree)
    return blocks.at_targets(terms @ curve.parts.mean(axis=0))


def best_share(curve: Curve, level: float) -> Interval:
    """The share of the lowest log loss, between the lowest and the highest share trained.

    Its interval inverts tests: it holds every share at which the slope may be nil (at an edge: may
    point outward) and whose loss may be the lowest. Where the loss is flat that is all shares.
    """
    place, estimate = curve.lowest, float(curve.shares[curve.lowest])
    if curve.structures < LEAST_STRUCTURES:
        return Interval(estimate=estimate, level=level)
    slope = curve.mean(_slopes(curve.shares, curve.parts.shape[1]))
    reach = slope.reach(level)
    rises, falls = slope.estimate > reach, slope.estimate < -reach
    stationary = ~(rises | falls)
    stationary[0] |= rises[0]
    stationary[-1] |= falls[-1]
    above = curve.mean(curve.powers - curve.powers[place])
    kept = np.flatnonzero(stationary & (above.estimate <= above.reach(level)))
    ends = np.append(kept, place)
    return Interval(
        estimate=estimate,
        low=float(curve.shares[ends.min()]),
        high=float(curve.shares[ends.max()]),
        level=level,
    )


def cost_of_even_split(curve: Curve, level: float, *, seed: int = 0) -> Interval:
    """Loss at an even split over the loss at the best share, minus one, by cross-fitting.

    Half of the structures choose the share, the others say what an even split costs against it, and
    the reverse; a structure's cost is its mean over many random halvings. A share that was chosen
    by the very losses that judge it would look better than it is.

    The estimate and the lower end are Student's t over these costs: the share that other structures
    choose is at most as good as the best one, so that the lower end does not claim too much. The
    upper end allows for the best share being uncertain: it is the highest of the one-sided limits
    of what an even split costs against any share in the best share's interval.
    """
    if curve.structures < 2 or not curve.edges[0] <= EVEN <= curve.edges[1]:
        return Interval(level=level)
    costs, against = _crossed(curve, seed), curve.mean(-curve.powers)
    crossed = replace(
        against,
        estimate=float(costs.mean()),
        between=float(costs.var(ddof=1)) / len(costs),
        common=float(against.common[curve.lowest]),
    )
    estimate = float(np.expm1(crossed.estimate))
    if curve.structures < LEAST_STRUCTURES:
        return Interval(estimate=estimate, level=level)
    low = float(np.expm1(crossed.estimate - crossed.reach(level)))
    best = best_share(curve, level)
    candidates = [best.contains(float(share)) for share in curve.shares]
    limits = (against.estimate + against.reach(2 * level - 1))[candidates]
    high = float(np.expm1(limits.max()))
    return Interval(estimate=estimate, low=low, high=max(high, estimate), level=level)


def _crossed(curve: Curve, seed: int) -> Floats:
    """What an even split costs each structure against the share that others choose `[i]`."""
    rng, count = np.random.default_rng(seed), curve.structures
    halves = rng.permuted(np.tile(np.arange(count) < count // 2, (HALVINGS, 1)), axis=1)
    choosing = np.concatenate([halves, ~halves])
    curves = choosing @ curve.parts / choosing.sum(axis=1, keepdims=True) @ curve.powers.T
    costs = -curve.powers[curves.argmin(axis=1)] @ curve.parts.T  # [halves, i]
    judging = ~choosing
    result: Floats = (costs * judging).sum(axis=0) / judging.sum(axis=0)
    return result


def within_tolerance(curve: Curve, tolerance: float, level: float) -> Interval:
    """The shares whose loss is within the tolerance of the lowest; a property of the fit."""
    good = curve.shares[curve.values <= curve.values.min() + np.log1p(tolerance)]
    return Interval(low=float(good[0]), high=float(good[-1]), level=level)


def band(curve: Curve, level: float) -> Band:
    """The average structure's loss against the share, from edge to edge.

    The ends are those of the loss relative to an even split: the structures' own level is no part
    of them. They are NaN for fewer than three structures.
    """
    shares = np.linspace(*curve.edges, BAND_POINTS)
    mean = curve.mean(powers(shares, curve.parts.shape[1]))
    enough = curve.structures >= LEAST_STRUCTURES
    reach = mean.reach(level) if enough else np.full(BAND_POINTS, np.nan)
    middle = curve.intercept + mean.estimate
    return Band(x=shares, y=np.exp(middle), low=np.exp(middle - reach), high=np.exp(middle + reach))


def _parts(share: Floats, values: Floats, degree: int) -> Floats:
    """Each structure's part in the average curve's coefficients.

    Args:
        share: Decoder shares `[i, k]`.
        values: Log losses `[..., i, k]`, NaN where there is none.
        degree: Of the polynomial.

    Returns:
        Jackknife pseudo-values `[..., i, p]`.
    """
    known = np.isfinite(values.reshape(-1, *share.shape)[0])
    counts = known.sum(axis=1)[:, None]
    terms = np.where(known[:, :, None], powers(np.where(known, share, EVEN), degree), 0.0)
    terms = np.where(known[:, :, None], terms - (terms.sum(axis=1) / counts)[:, None], 0.0)
    squares = terms.transpose(0, 2, 1) @ terms  # [i, p, p]
    products = np.einsum("ikp,...ik->...ip", terms, np.where(known, values, 0.0))
    count = len(share)
    whole = products.sum(axis=-2) @ _inverse(squares.sum(axis=0))
    if count == 1:
        return np.asarray(whole[..., None, :])
    others = products.sum(axis=-2)[..., None, :] - products
    left = np.einsum("...ip,ipq->...iq", others, _inverse(squares.sum(axis=0) - squares))
    result: Floats = count * whole[..., None, :] - (count - 1) * left
    return result


def _inverse(squares: Floats) -> Floats:
    """The inverse of symmetric matrices `[..., p, p]`; directions without data count as nil."""
    return np.asarray(np.linalg.pinv(squares, rcond=1e-10, hermitian=True), dtype=np.float64)


def _departure(share: Floats, values: Floats, degree: int, trained: int) -> float | None:
    """p of the two next powers being nil, by Hotelling's T² over structures."""
    more = min(TESTED_DEGREES, trained - 1 - degree)
    count = len(values)
    if more < 1 or count <= more:
        return None
    extra = _parts(share, values, degree + more)[:, degree:]
    covariance = _covariance(extra)
    squared = float(extra.mean(axis=0) @ _inverse(covariance) @ extra.mean(axis=0))
    return float(fisher.sf(squared * (count - more) / (more * (count - 1)), more, count - more))


def _covariance(parts: Floats) -> Floats:
    """Covariance of the mean of the rows `[i, p]`."""
    if len(parts) < 2:
        return np.zeros((parts.shape[1],) * 2)
    off = parts - parts.mean(axis=0)
    covariance: Floats = off.T @ off / (len(parts) - 1) / len(parts)
    return covariance


def _quadratic(terms: Floats, covariance: Floats) -> Floats:
    """Variances of linear combinations `[m, p]`."""
    result: Floats = np.einsum("mp,pq,mq->m", terms, covariance, terms)
    return result
