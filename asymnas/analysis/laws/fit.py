"""Fitting a scaling law to many weightings of the same architectures at once.

The law and a linear adjustment for structure are fitted jointly to mean log loss by
Levenberg-Marquardt with Huber weights. Fits of a batch (starts, folds, resamples) share the data
and differ in weights and prior, so that a thousand of them take about as long as ten one by one.

Shapes: b fits, g architectures, k unknowns of the law, c columns of structure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from asymnas.analysis.estimates import Floats
from asymnas.analysis.laws.forms import Form

HUBER = 1.345  # standard deviations: 95 % efficient for normal noise
CUT = 2.0  # standard deviations at which residuals are cut when the noise is estimated
CUT_ROUNDS = 20
STARTS = 24
KEPT_STARTS = 4  # after the first round
ROUNDS = 6  # of fitting and estimating the noise from the fit
STEADY = 0.02  # relative change of the noise at which the rounds end
ITERATIONS = 80
CONVERGED = 1e-7  # decrease of the objective, relative to it, at which a fit has converged
RESTARTS = 20  # of the best fit
SETTLED = 1e-9  # decrease of its objective, relative to it, at which they end
LARGEST_STEP = 2.0  # of an unknown, which are all logs
LARGEST_PART = 32 * 2**20  # bytes of the slopes that are held at once; twice that with weights
LEAST_NOISE = 1e-5  # of log loss: below it, data count as free of noise


@dataclass(frozen=True)
class Data:
    """What a law is fitted to, one entry an architecture.

    Args:
        x: Log relative size of the encoder `[g]`.
        z: Log relative size of the decoder `[g]`.
        y: Mean log loss over seeds `[g]`.
        structure: Centred columns of structure `[g, c]`; `c` may be 0.
        precision: Of `y`, relative to the average architecture's `[g]`.
        least_noise: What noise of `y` the seeds alone explain.
        ridges: Penalties on the structure's coefficients to choose from, in entries' worth of
            evidence.
        prior_width: Of the prior of the law's unknowns, relative to the usual one.
    """

    x: Floats
    z: Floats
    y: Floats
    structure: Floats
    precision: Floats
    least_noise: float = LEAST_NOISE
    ridges: tuple[float, ...] = (1.0,)
    prior_width: float = 1.0


@dataclass(frozen=True)
class Batch:
    """What each fit of a batch is held to.

    Args:
        weights: How often each architecture counts `[b, g]`.
        centre: Prior centre of the law's unknowns `[b, k]`.
        spread: Their prior standard deviation `[k]`.
        ridge: Prior precision of the structure's coefficients, in units of 1 / noise² `[b]`.
        noise: Standard deviation of log loss about the fit.
    """

    weights: Floats
    centre: Floats
    spread: Floats
    ridge: Floats
    noise: float

    def only(self, rows: NDArray[np.intp]) -> "Batch":
        """Some of its fits."""
        return Batch(
            self.weights[rows], self.centre[rows], self.spread, self.ridge[rows], self.noise
        )


@dataclass(frozen=True)
class Fits:
    """A batch of fits.

    Args:
        theta: The law's unknowns `[b, k]`.
        beta: The structure's coefficients `[b, c]`.
        objective: What is minimised: Huber loss, prior and ridge penalty `[b]`.
    """

    theta: Floats
    beta: Floats
    objective: Floats

    def residuals(self, form: Form, data: Data) -> Floats:
        """Log loss minus fit `[b, g]`."""
        law = form.log_loss(self.theta, data.x, data.z)
        result: Floats = data.y - law - self.beta @ data.structure.T
        return result

    def repeated(self, count: int) -> "Fits":
        """The first fit, as a start for `count` others."""
        pick = np.zeros(count, dtype=int)
        return Fits(self.theta[pick], self.beta[pick], self.objective[pick])


def fit(form: Form, data: Data, batch: Batch, start: Fits) -> Fits:
    """Fits every row of a batch from its own start, to convergence.

    Source:
        Marquardt (1963), doi:10.1137/0111030; Huber & Ronchetti (2009), Robust Statistics, ch. 7.
    """
    unknowns = np.concatenate([start.theta, start.beta], axis=1)
    value, residuals = _objective(form, data, batch, unknowns)
    damping = np.full(len(unknowns), 1e-3)
    active = np.arange(len(unknowns))
    for _ in range(ITERATIONS):
        some = batch.only(active)
        step = _step(form, data, some, unknowns[active], residuals[active], damping[active])
        moved = unknowns[active] + step
        new_value, new_residuals = _objective(form, data, some, moved)
        gain = value[active] - new_value
        better = gain >= 0
        took = active[better]
        unknowns[took], residuals[took] = moved[better], new_residuals[better]
        value[took] = new_value[better]
        damping[active] *= np.where(better, 1 / 8, 6)
        done = better & (gain <= CONVERGED * np.abs(value[active]))
        active = active[~(done | (damping[active] > 1e9))]
        if not len(active):
            break
    return Fits(unknowns[:, : form.unknowns], unknowns[:, form.unknowns :], value)


def full_fit(
    form: Form, data: Data, ridge: float, noise_of: Callable[[Floats], float], seed: int
) -> tuple[Fits, Batch]:
    """The best fit of many starts, with the noise estimated along the way.

    Args:
        form: The law.
        data: What it is fitted to.
        ridge: See `Batch`.
        noise_of: Standard deviation from the residuals of a fit `[g]`.
        seed: Fixes the starts, drawn from the prior.

    Returns:
        One fit, and the batch of one that it belongs to.
    """
    rng = np.random.default_rng(seed)
    centre, spread = form.prior(float(np.median(data.y)))
    theta = centre + spread * rng.standard_normal((STARTS, form.unknowns))
    theta[0], spread = centre, spread * data.prior_width
    best = Fits(theta, np.zeros((STARTS, data.structure.shape[1])), np.zeros(STARTS))
    noise = max(float(np.std(data.y)), data.least_noise)
    for _ in range(ROUNDS):
        count = len(best.theta)
        batch = Batch(
            weights=np.ones((count, len(data.y))),
            centre=np.tile(centre, (count, 1)),
            spread=spread,
            ridge=np.full(count, ridge),
            noise=noise,
        )
        fits = fit(form, data, batch, best)
        order = np.argsort(fits.objective, kind="stable")[:KEPT_STARTS]
        best = Fits(fits.theta[order], fits.beta[order], fits.objective[order])
        last = noise
        noise = max(noise_of(best.residuals(form, data)[0]), data.least_noise)
        if abs(noise / last - 1) < STEADY:
            break
    one, alone = best.repeated(1), batch.only(order[:1])
    for _ in range(
        RESTARTS
    ):  # along a flat valley, such as to no irreducible loss, steps are short
        before, one = one, fit(form, data, alone, one)
        if before.objective[0] - one.objective[0] <= SETTLED * abs(one.objective[0]):
            break
    return one, alone


def robust_deviation(residuals: Floats, used: float) -> float:
    """Standard deviation that a few large residuals `[g]` hardly move.

    Args:
        residuals: About zero.
        used: Parameters that were fitted to get them.

    Source:
        Huber's proposal 2, from the median absolute deviation; Huber & Ronchetti (2009), §6.4.
    """
    left = max(1.0, len(residuals) - used)
    normal = NormalDist()
    inside = 2 * normal.cdf(CUT) - 1
    expected = inside - 2 * CUT * normal.pdf(CUT) + CUT**2 * (1 - inside)
    deviation = float(np.median(np.abs(residuals))) / normal.inv_cdf(0.75)
    deviation *= float(np.sqrt(len(residuals) / left))
    for _ in range(CUT_ROUNDS):
        cut = np.minimum(np.abs(residuals), CUT * deviation)
        deviation = float(np.sqrt((cut**2).sum() / (left * expected)))
    return deviation


def _objective(form: Form, data: Data, batch: Batch, unknowns: Floats) -> tuple[Floats, Floats]:
    """What is minimised `[b]`, and the residuals `[b, g]`."""
    theta, beta = unknowns[:, : form.unknowns], unknowns[:, form.unknowns :]
    residuals = Fits(theta, beta, np.empty(0)).residuals(form, data)
    size = np.abs(residuals) / batch.noise
    inner = np.minimum(size, HUBER)
    huber = (batch.weights * data.precision * inner * (size - inner / 2)).sum(axis=1)
    prior = (((theta - batch.centre) / batch.spread) ** 2).sum(axis=1) / 2
    penalty = batch.ridge * (beta**2).sum(axis=1) / (2 * batch.noise**2)
    return huber + prior + penalty, residuals


def _step(
    form: Form, data: Data, batch: Batch, unknowns: Floats, residuals: Floats, damping: Floats
) -> Floats:
    """The damped Gauss-Newton step `[b, k + c]`, a part of the batch at a time.

    The slopes of a whole batch would take gigabytes at a thousand resamples of many architectures.
    """
    fits, size = unknowns.shape
    part = max(1, LARGEST_PART // (8 * size * len(data.y)))
    steps = []
    for start in range(0, fits, part):
        rows = np.arange(start, min(start + part, fits))
        given = unknowns[rows], residuals[rows], damping[rows]
        steps.append(_step_of_part(form, data, batch.only(rows), *given))
    return np.concatenate(steps)


def _step_of_part(
    form: Form, data: Data, batch: Batch, unknowns: Floats, residuals: Floats, damping: Floats
) -> Floats:
    """The step of as many fits as memory holds the slopes of."""
    k, (fits, size) = form.unknowns, unknowns.shape
    slopes = np.empty((fits, size, len(data.y)))
    form.write_slopes(unknowns[:, :k], data.x, data.z, slopes[:, :k])
    slopes[:, k:] = data.structure.T
    pull = HUBER * batch.noise / np.maximum(np.abs(residuals), HUBER * batch.noise)
    weighted = slopes * (batch.weights * data.precision * pull / batch.noise**2)[:, None]
    hessian = weighted @ slopes.transpose(0, 2, 1)
    prior = np.empty((fits, size))
    prior[:, :k], prior[:, k:] = 1 / batch.spread**2, batch.ridge[:, None] / batch.noise**2
    off_centre = unknowns.copy()
    off_centre[:, :k] -= batch.centre
    descent = (weighted @ residuals[:, :, None])[:, :, 0] - prior * off_centre
    diagonal = np.arange(size)
    hessian[:, diagonal, diagonal] += prior
    hessian[:, diagonal, diagonal] *= 1 + damping[:, None]
    solved = np.linalg.solve(hessian, descent[:, :, None])[:, :, 0]
    step = np.asarray(solved, dtype=np.float64)
    np.clip(step[:, :k], -LARGEST_STEP, LARGEST_STEP, out=step[:, :k])
    return step
