"""How well a fitted law accounts for a sweep, and how much is left to architectures and seeds."""

import numpy as np
from numpy.typing import NDArray

from asymnas.analysis.clusters import Clusters
from asymnas.analysis.estimates import Floats
from asymnas.analysis.law_choice import Candidate


def deviations(clusters: Clusters, fitted: Candidate) -> dict[str, float]:
    """Standard deviations of log loss, by source; unknown ones are missing.

    `seed` is pooled within architectures. `architecture` is what the law's residuals vary by beyond
    that; it holds the seeds' noise too where no architecture has two seeds.
    """
    found = {}
    left = len(clusters.runs) - fitted.freedom
    seed = clusters.seed_deviation
    if left >= 1:
        variance = float((fitted.residuals**2).sum() / left)
        noise = (seed or 0.0) ** 2 * float(np.mean(1 / clusters.runs))
        found["architecture"] = float(np.sqrt(max(variance - noise, 0.0)))
    if seed is not None:
        found["seed"] = seed
    return found


def explained(fitted: Candidate) -> float | None:
    """R² of the law on architectures held out, against their mean, structure adjusted for."""
    return _explained(fitted, np.zeros(fitted.adjusted.shape[1], dtype=np.int64))


def explained_by_share(fitted: Candidate, budget: NDArray[np.int64]) -> float | None:
    """The same, against the mean of each architecture's budget `[g]`."""
    return _explained(fitted, budget)


def _explained(fitted: Candidate, group: NDArray[np.int64]) -> float | None:
    """R² against the mean of the others in the group; `None` if all groups are of one or equal."""
    same = group[:, None] == group
    others: Floats = same.sum(axis=1) - 1.0
    judged = others > 0
    if not judged.any():
        return None
    values = fitted.adjusted[:, judged]
    means = (fitted.adjusted @ same[:, judged] - values) / others[judged]
    total = float(((values - means) ** 2).sum())
    if not total > 0:
        return None
    return 1 - float(((values - fitted.predictions[:, judged]) ** 2).sum()) / total
