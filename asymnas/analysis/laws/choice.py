"""The two scaling laws fitted to a sweep: which predicts better, and how well it accounts for it.

Both laws are fitted to all architectures; the one with the lower error on architectures held out
gives the estimates. `lack_of_fit` shows whether it holds, `explained` how much it predicts, and
`deviations` what is left to architectures and seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import f as fisher

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
from asymnas.analysis.laws.forms import FORMS, Form

FOLDS = 10
REPEATS = 4
#: Penalties tried on the structure's coefficients, in architectures' worth of evidence.
RIDGES = (1.0, 10.0, 100.0, 1_000.0)

LEAST_RIDGE = 1e-4  # of the levels of blocks: below it they are as good as free

#: Residuals beyond this many standard deviations mark outliers; held-out errors
#: beyond it count as this large.
OUTLYING = 5.0

#: Departures of log loss from a law that are too small to matter, root mean square over cells.
NEGLIGIBLE = 1e-3

LEAST_JUDGED = 8  # architectures for an R²


@dataclass(frozen=True)
class FittedLaw:
    """A law fitted to all architectures.

    Args:
        fits: One fit.
        batch: The batch of one that it belongs to.
        errors: Mean squared error of log loss where held out, by architecture `[g]`, those of
            architectures gone outliers cut.
        predictions: What the law without the structure says where held out `[repeats, g]`.
        adjusted: Log loss less the structure's part where held out `[repeats, g]`.
        residuals: Log loss minus fit `[g]`.
        without_structure: Log loss less the structure's part `[g]`.
        outliers: Architectures with a residual of more than five standard deviations `[g]`.
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
    outliers: NDArray[np.bool_]
    freedom: float
    held_out: float


def data_of(clusters: Clusters, prior_width: float = 1.0) -> tuple[Data, float]:
    """What laws are fitted to, and the size that its log sizes are relative to.

    Args:
        clusters: The architectures of a sweep.
        prior_width: Of the prior of the laws' unknowns, relative to the usual one.
    """
    scale = float(np.exp(np.log(clusters.encoder * clusters.decoder).mean() / 2))
    seeds = clusters.seed_deviation or 0.0
    data = Data(
        x=np.log(clusters.encoder / scale),
        z=np.log(clusters.decoder / scale),
        y=clusters.log_loss,
        structure=clusters.structure,
        precision=_precision(clusters),
        least_noise=max(LEAST_NOISE, seeds / float(np.sqrt(clusters.runs.mean()))),
        ridges=RIDGES if clusters.block is None else (_block_ridge(clusters),),
        prior_width=prior_width,
    )
    return data, scale


def _block_ridge(clusters: Clusters) -> float:
    """The penalty on the blocks' levels: variance within blocks over that between them.

    Levels are random effects: those of one budget scatter about the law, so that a law still has
    to explain what the budget does. Within blocks, shares count whatever the levels are.
    """
    cells = pd.DataFrame({"y": clusters.log_loss, "block": clusters.block})
    cells["share"] = [*zip(clusters.budget, clusters.target.round(6), strict=True)]
    levels = cells.groupby("block")["y"].transform("mean")
    shares = (cells["y"] - levels).groupby(cells["share"]).transform("mean")
    freedom = len(cells) - cells["block"].nunique() - cells["share"].nunique()
    within = float(((cells["y"] - levels - shares) ** 2).sum()) / max(freedom, 1)
    by_budget = levels.groupby([clusters.budget, cells["block"]]).first()
    between = float(by_budget.groupby(level=0).var().mean())
    if not (within > 0 and between > 0):
        return LEAST_RIDGE
    return float(np.clip(within / between, LEAST_RIDGE, 1.0))


def _precision(clusters: Clusters) -> Floats:
    """How much each architecture's mean tells, relative to the average one `[g]`.

    Architectures differ whatever their seeds, so two seeds tell less than twice as much as one.
    Within blocks all count alike.
    """
    if clusters.block is not None:
        return np.ones(len(clusters.runs))
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


def fitted_laws(data: Data, seed: int) -> dict[Law, FittedLaw]:
    """Every law, fitted with the ridge that predicts held-out architectures best."""
    return {law: _fitted_law(law, data, seed) for law in FORMS}


def _fitted_law(law: Law, data: Data, seed: int) -> FittedLaw:
    form = FORMS[law]
    ridges = data.ridges if data.structure.shape[1] else data.ridges[:1]
    ridge = ridges[len(ridges) // 2]
    fits, batch = _fitted(form, data, ridge, seed)
    law_part, structure_part = _held_out(form, data, fits, batch, ridges, seed)
    largest = OUTLYING * batch.noise
    errors = np.clip(data.y - law_part - structure_part, -largest, largest)
    squares = (errors**2).mean(axis=1)
    best = int((squares * data.precision).sum(axis=1).argmin())
    if ridges[best] != ridge:
        fits, batch = _fitted(form, data, ridges[best], seed)
    residuals = fits.residuals(form, data)[0]
    return FittedLaw(
        fits=fits,
        batch=batch,
        errors=squares[best],
        predictions=law_part[best],
        adjusted=data.y - structure_part[best],
        residuals=residuals,
        without_structure=data.y - data.structure @ fits.beta[0],
        outliers=np.abs(residuals) > OUTLYING * batch.noise,
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


def deviations(clusters: Clusters, fitted: FittedLaw) -> dict[str, float]:
    """Standard deviations of log loss, by source; unknown ones are missing.

    `seed` is between seeds of an architecture. `architecture` is what the law's residuals vary by
    beyond that; it holds the seeds' noise too where no architecture has two seeds.
    """
    seed, noise = clusters.seed_deviation, fitted.batch.noise
    if len(clusters.runs) - fitted.freedom < 1:
        return {} if seed is None else {"seed": seed}
    of_means = (seed or 0.0) ** 2 * float(np.mean(1 / clusters.runs))
    found = {"architecture": float(np.sqrt(max(noise**2 - of_means, 0.0)))}
    return found if seed is None else found | {"seed": seed}


def lack_of_fit(clusters: Clusters, fitted: FittedLaw, unknowns: int) -> float:
    """How likely the law departs as much from the cells' means by chance alone.

    A cell is a budget and share; its architectures tell by how much means vary by chance.

    Args:
        clusters: The architectures.
        fitted: A law fitted to them.
        unknowns: Of the law.

    Returns:
        p of the F test; 1 if no cell has two architectures or the departure is negligible.

    Source:
        Draper & Smith (1998), Applied Regression Analysis, §2.1.
    """
    cells = pd.Series(fitted.residuals[~fitted.outliers]).groupby(
        [clusters.budget[~fitted.outliers], clusters.target[~fitted.outliers].round(6)]
    )
    means, sizes = cells.mean().to_numpy(), cells.size().to_numpy()
    between, within = float((sizes * means**2).sum()), float((cells.var() * (sizes - 1)).sum())
    left = len(means) - unknowns
    freedom = sizes.sum() - len(means) - (fitted.freedom - unknowns)
    if left < 1 or freedom < 1 or np.sqrt(np.mean(means**2)) < NEGLIGIBLE:
        return 1.0
    if not within > 0:
        return 0.0
    return float(fisher.sf(between / left / (within / freedom), left, freedom))


def explained(fitted: FittedLaw) -> float | None:
    """R² of the law on architectures held out, against their mean, structure adjusted for."""
    return _explained(fitted, np.zeros(len(fitted.residuals), dtype=np.int64))


def explained_by_share(fitted: FittedLaw, budget: NDArray[np.int64]) -> float | None:
    """The same, against the mean of each architecture's budget `[g]`."""
    return _explained(fitted, budget)


def _explained(fitted: FittedLaw, group: NDArray[np.int64]) -> float | None:
    """R² against the mean of the others in the group; `None` for too few, or all alike.

    Architectures gone outliers are left out.
    """
    kept = ~fitted.outliers
    values, predictions = fitted.adjusted[:, kept], fitted.predictions[:, kept]
    same = (group[kept][:, None] == group[kept]).astype(float)
    others: Floats = same.sum(axis=1) - 1
    judged = others > 0
    if judged.sum() < LEAST_JUDGED:
        return None
    means = (values @ same - values)[:, judged] / others[judged]
    total = float(((values[:, judged] - means) ** 2).sum())
    if not total > 0:
        return None
    return 1 - float(((values - predictions)[:, judged] ** 2).sum()) / total
