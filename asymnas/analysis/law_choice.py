"""Which scaling law predicts held-out architectures better."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from asymnas.analysis.clusters import Clusters, pooled_deviation
from asymnas.analysis.estimates import Floats, Law
from asymnas.analysis.law_fit import LEAST_NOISE, Batch, Data, Fits, fit, full_fit
from asymnas.analysis.laws import FORMS

FOLDS = 10
REPEATS = 4
#: Penalties tried on the structure's coefficients, in architectures' worth of evidence.
RIDGES = (1.0, 10.0, 100.0, 1_000.0)


@dataclass(frozen=True)
class Candidate:
    """A law fitted to all architectures.

    Args:
        fits: One fit.
        batch: The batch of one that it belongs to.
        errors: Mean squared error of log loss where held out, by architecture `[g]`.
        predictions: What the law without the structure says where held out `[repeats, g]`.
        adjusted: Log loss less the structure's part where held out `[repeats, g]`.
        residuals: Log loss minus fit `[g]`.
        freedom: Unknowns in use, counting the structure's by how free the ridge leaves them.
        held_out: Root mean squared error of log loss where held out.
    """

    fits: Fits
    batch: Batch
    errors: Floats
    predictions: Floats
    adjusted: Floats
    residuals: Floats
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
    between = pooled_deviation(cells.var().to_numpy(), cells.size().to_numpy())
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

    def noise_of(residuals: Floats) -> float:
        left = max(1.0, len(residuals) - _freedom(data, form.unknowns, ridge))
        spread = 1.4826 * float(np.median(np.abs(residuals * np.sqrt(data.precision))))
        return spread * float(np.sqrt(len(residuals) / left))

    fits, batch = full_fit(form, data, ridge, noise_of, seed)
    kept = np.tile(_folds(len(data.y), seed), (len(ridges), 1))
    rows = np.zeros(len(kept), dtype=int)
    tried = replace(
        batch.only(rows), weights=kept, ridge=np.repeat(ridges, len(kept) // len(ridges))
    )
    held = fit(form, data, tried, fits.repeated(len(kept)))
    law_part = form.log_loss(held.theta, data.x, data.z)
    structure_part = held.beta @ data.structure.T

    def out_of_fold(values: Floats) -> Floats:
        """From `[ridges * repeats * folds, g]` to `[ridges, repeats, g]`."""
        chosen = np.where(kept > 0, 0.0, values)
        result: Floats = chosen.reshape(len(ridges), REPEATS, -1, len(data.y)).sum(axis=2)
        return result

    squares = out_of_fold((data.y - law_part - structure_part) ** 2).mean(axis=1)
    best = int((squares * data.precision).sum(axis=1).argmin())
    if ridges[best] != ridge:
        ridge = ridges[best]
        fits, batch = full_fit(form, data, ridge, noise_of, seed)
    return Candidate(
        fits=fits,
        batch=batch,
        errors=squares[best],
        predictions=out_of_fold(law_part)[best],
        adjusted=data.y - out_of_fold(structure_part)[best],
        residuals=fits.residuals(form, data)[0],
        freedom=_freedom(data, form.unknowns, ridge),
        held_out=float(np.sqrt(np.average(squares[best], weights=data.precision))),
    )


def _folds(count: int, seed: int) -> Floats:
    """Which architectures each fold keeps, `[repeats * folds, g]` of 0 and 1."""
    rng = np.random.default_rng(seed)
    folds = min(FOLDS, count)
    numbers = [rng.permutation(np.arange(count) % folds) for _ in range(REPEATS)]
    return np.concatenate([(n != np.arange(folds)[:, None]).astype(float) for n in numbers])


def _freedom(data: Data, unknowns: int, ridge: float) -> float:
    """Effective number of parameters: Hastie, Tibshirani & Friedman (2009), eq. 3.50."""
    squares = np.linalg.svd(data.structure, compute_uv=False) ** 2
    return unknowns + float((squares / (squares + ridge)).sum())
