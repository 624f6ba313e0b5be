"""How well a fitted law accounts for a sweep, and how much is left to architectures and seeds."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import f as fisher

from asymnas.analysis.estimates import Floats
from asymnas.analysis.laws.choice import Candidate
from asymnas.analysis.laws.clusters import Clusters

#: Departures of log loss from a law that are too small to matter, root mean square over cells.
NEGLIGIBLE = 1e-3

LEAST_JUDGED = 8  # architectures for an R²


def deviations(clusters: Clusters, fitted: Candidate) -> dict[str, float]:
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


def lack_of_fit(clusters: Clusters, fitted: Candidate, unknowns: int) -> float:
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
    cells = pd.Series(fitted.residuals[~fitted.astray]).groupby(
        [clusters.budget[~fitted.astray], clusters.target[~fitted.astray].round(6)]
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


def explained(fitted: Candidate) -> float | None:
    """R² of the law on architectures held out, against their mean, structure adjusted for."""
    return _explained(fitted, np.zeros(len(fitted.residuals), dtype=np.int64))


def explained_by_share(fitted: Candidate, budget: NDArray[np.int64]) -> float | None:
    """The same, against the mean of each architecture's budget `[g]`."""
    return _explained(fitted, budget)


def _explained(fitted: Candidate, group: NDArray[np.int64]) -> float | None:
    """R² against the mean of the others in the group; `None` for too few, or all alike.

    Architectures gone astray are left out.
    """
    kept = ~fitted.astray
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
