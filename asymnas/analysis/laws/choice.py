"""Which scaling law predicts held-out architectures better."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asymnas.analysis.estimates import Floats, Law
from asymnas.analysis.laws.clusters import Clusters, typical_deviation
from asymnas.analysis.laws.fit import (
    LEAST_NOISE,
    Batch,
    Data,
    Fits,
    fit,
    full_fit,
    robust_deviation,
)
from asymnas.analysis.laws.laws import FORMS, Form

FOLDS = 10
REPEATS = 4
#: Penalties tried on the structure's coefficients, in architectures' worth of evidence.
RIDGES = (1.0, 10.0, 100.0, 1_000.0)

#: Residuals beyond this many standard deviations mark architectures gone astray; held-out errors
#: beyond it count as this large.
ASTRAY = 5.0


@dataclass(frozen=True)
class Candidate:
    """A law fitted to all architectures.

    Args:
        fits: One fit.
        batch: The batch of one that it belongs to.
        errors: Mean squared error of log loss where held out, by architecture `[g]`, those of
            architectures gone astray cut.
        predictions: What the law without the structure says where held out `[repeats, g]`.
        adjusted: Log loss less the structure's part where held out `[repeats, g]`.
        residuals: Log loss minus fit `[g]`.
        without_structure: Log loss less the structure's part `[g]`.
        astray: Architectures with a residual of more than five standard deviations `[g]`.
        freedom: Unknowns in use, counting the structure's by how free the ridge leaves them.
        held_out: Root mean squared error of log loss where held out.
    """

    fits: Fits
    batch: Batch
    errors: Floats
    predictions: Floats
    adjusted: Floats
    residuals: Floats
    without_structure: Floats
    astray: NDArray[np.bool_]
    freedom: float
    held_out: float


def data_of(clusters: Clusters) -> tuple[Data, float]:
    """What laws are fitted to, and the size that its log sizes are relative to."""
    scale = float(np.exp(np.log(clusters.encoder * clusters.decoder).mean() / 2))
    seeds = clusters.seed_deviation or 0.0
    data = Data(
        x=np.log(clusters.encoder / scale),
        z=np.log(clusters.decoder / scale),
        y=clusters.log_loss,
        structure=clusters.structure,
        precision=_precision(clusters),
        least_noise=max(LEAST_NOISE, seeds / float(np.sqrt(clusters.runs.mean()))),
    )
    return data, scale


def _precision(clusters: Clusters) -> Floats:
    """How much each architecture's mean tells, relative to the average one `[g]`.

    Architectures differ whatever their seeds, so two seeds tell less than twice as much as one.
    """
    cells = pd.Series(clusters.log_loss).groupby([clusters.budget, clusters.target])
    between = typical_deviation(cells.var().to_numpy(), cells.size().to_numpy())
    if between is None or clusters.seed_deviation is None:
        return np.ones(len(clusters.runs))
    seeds = clusters.seed_deviation**2 / clusters.runs
    variance = max(between**2 - seeds.mean(), 0.0) + seeds
    if not (variance > 0).all():
        return np.ones(len(clusters.runs))
    precision: Floats = 1 / variance / np.mean(1 / variance)
    return precision


def candidates(data: Data, seed: int) -> dict[Law, Candidate]:
    """Every law, fitted with the ridge that predicts held-out architectures best."""
    return {law: _candidate(law, data, seed) for law in FORMS}


def _candidate(law: Law, data: Data, seed: int) -> Candidate:
    form = FORMS[law]
    ridges = RIDGES if data.structure.shape[1] else RIDGES[:1]
    ridge = ridges[len(ridges) // 2]
    fits, batch = _fitted(form, data, ridge, seed)
    law_part, structure_part = _held_out(form, data, fits, batch, ridges, seed)
    largest = ASTRAY * batch.noise
    errors = np.clip(data.y - law_part - structure_part, -largest, largest)
    squares = (errors**2).mean(axis=1)
    best = int((squares * data.precision).sum(axis=1).argmin())
    if ridges[best] != ridge:
        fits, batch = _fitted(form, data, ridges[best], seed)
    residuals = fits.residuals(form, data)[0]
    return Candidate(
        fits=fits,
        batch=batch,
        errors=squares[best],
        predictions=law_part[best],
        adjusted=data.y - structure_part[best],
        residuals=residuals,
        without_structure=data.y - data.structure @ fits.beta[0],
        astray=np.abs(residuals) > ASTRAY * batch.noise,
        freedom=_freedom(data, form.unknowns, ridges[best]),
        held_out=float(np.sqrt(np.average(squares[best], weights=data.precision))),
    )


def _fitted(form: Form, data: Data, ridge: float, seed: int) -> tuple[Fits, Batch]:
    """The fit to all architectures, and the batch of one that it belongs to."""
    used = _freedom(data, form.unknowns, ridge)

    def noise_of(residuals: Floats) -> float:
        return robust_deviation(residuals * np.sqrt(data.precision), used)

    return full_fit(form, data, ridge, noise_of, seed)


def _held_out(
    form: Form, data: Data, fits: Fits, batch: Batch, ridges: Sequence[float], seed: int
) -> tuple[Floats, Floats]:
    """What law and structure say of held-out architectures, both `[ridges, repeats, g]`."""
    rng, count = np.random.default_rng(seed), len(data.y)
    folds = min(FOLDS, count)
    numbers = [rng.permutation(np.arange(count) % folds) for _ in range(REPEATS)]
    kept = np.array([n != np.arange(folds)[:, None] for n in numbers])  # [repeats, folds, g]
    weights = np.tile(kept.astype(float), (len(ridges), 1, 1)).reshape(-1, count)
    same = batch.only(np.zeros(len(weights), dtype=np.intp))
    tried = replace(same, weights=weights, ridge=np.repeat(ridges, REPEATS * folds))
    held = fit(form, data, tried, fits.repeated(len(weights)))

    def out_of_fold(values: Floats) -> Floats:
        by_fold = values.reshape(len(ridges), REPEATS, folds, count)
        chosen: Floats = np.where(kept, 0.0, by_fold).sum(axis=2)
        return chosen

    law_part = form.log_loss(held.theta, data.x, data.z)
    return out_of_fold(law_part), out_of_fold(held.beta @ data.structure.T)


def _freedom(data: Data, unknowns: int, ridge: float) -> float:
    """Effective number of parameters: Hastie, Tibshirani & Friedman (2009), eq. 3.50."""
    squares = np.linalg.svd(data.structure, compute_uv=False) ** 2
    return unknowns + float((squares / (squares + ridge)).sum())
