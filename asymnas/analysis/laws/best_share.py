"""Where the best decoder share lies, inferred from a sweep.

Two scaling laws of the sides' sizes are fitted to the architectures of a sweep, the one with the
lower held-out error gives the estimates, and a bootstrap over architectures gives the intervals. A
Gaussian process that assumes no law looks at each budget again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from asymnas.analysis.estimates import Band, BudgetShare, Floats, Interval, ShareInference, Sizes
from asymnas.analysis.laws.choice import (
    FittedLaw,
    data_of,
    deviations,
    explained,
    explained_by_share,
    fitted_laws,
    lack_of_fit,
)
from asymnas.analysis.laws.clusters import COLUMNS_OF, Clusters, clusters_of, coverage_of
from asymnas.analysis.laws.forms import FORMS
from asymnas.analysis.laws.gaussian_process import gaussian_process_share
from asymnas.analysis.laws.predictor import (
    Edges,
    Predictor,
    best_share,
    cost_of_even_split,
    curve,
    resample,
    shares_within,
    trend,
)
from asymnas.analysis.tuning import edge_rates, rates_tried
from asymnas.core.errors import ConfigError

#: Distinct decoder shares that a budget needs for an estimate.
LEAST_SHARES = 3

#: Architectures that a budget needs for intervals.
LEAST_ARCHITECTURES = 8

#: How far beyond the swept budgets the trend is drawn, as a factor.
REACH = 2

LEAST_RESAMPLES = 100

#: p of lack of fit below which the law is not trusted with differences of a few per cent.
DEPARTS = 0.001


def infer_share(
    table: pd.DataFrame,
    *,
    tolerance: float = 0.01,
    level: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
    sizes: Sizes = "params",
) -> ShareInference:
    """Infers the best decoder share of every budget of a sweep.

    Only completed measuring runs with a finite positive loss count. Losses are averaged over seeds
    as logs. Structure that was drawn is adjusted for linearly in log loss; the fitted curves are
    of average structure. Runs that tuned learning rates show how many of the best rates lie at an
    end of the range tried.

    Args:
        table: A sweep's table with its tuning runs, rows in any order.
        tolerance: Relative loss above the lowest that still counts as good, above 0.
        level: Confidence of the intervals, in (0, 1).
        resamples: Bootstrap samples, at least 100.
        seed: Fixes folds, starts and resamples.
        sizes: Whether shares and budgets are of parameters or of MACs. In MACs, a budget's entry is
            at the median total of its architectures.

    Returns:
        What can be concluded; what cannot is left `None`. A budget with fewer than three shares has
        no entry, one with fewer than eight architectures no intervals (the ends of its bands are
        NaN). Where neither law fits the means of the shares, the cost of an even split has no
        interval.

    Raises:
        ConfigError: An argument is out of its range, or the table is no sweep's.
    """
    _check(tolerance, level, resamples, sizes)
    clusters = clusters_of(table, sizes)
    coverage = coverage_of(clusters)
    usable = [s.budget for s in coverage.strata if s.shares >= LEAST_SHARES]
    if not usable or not coverage.loss_varies:
        return ShareInference(sizes=sizes, coverage=coverage)
    data, scale = data_of(clusters)
    fitted = fitted_laws(data, seed)
    law = min(fitted, key=lambda name: fitted[name].held_out)
    best, again = fitted[law], None
    if any((clusters.budget == budget).sum() >= LEAST_ARCHITECTURES for budget in usable):
        again = resample(data, fitted, level=level, resamples=resamples, seed=seed)
    edges, rates = edge_rates(table), len(rates_tried(table))
    whole = Predictor(law, best.fits.theta, scale, again, level)
    departs = lack_of_fit(clusters, best, FORMS[law].unknowns) < DEPARTS
    sweep = _Sweep(clusters, best, whole, departs, tolerance, sizes, seed)
    entries = [
        replace(_entry(sweep, budget), edge_rates=edges.get(budget), rates=rates)
        for budget in usable
    ]
    entries.sort(key=lambda entry: entry.budget)
    return ShareInference(
        law=law,
        held_out={name: candidate.held_out for name, candidate in fitted.items()},
        budgets=tuple(entries),
        trend=_trend(whole, clusters, usable),
        sizes=sizes,
        deviations=deviations(clusters, best),
        explained=explained(best),
        explained_by_share=explained_by_share(best, clusters.budget),
        law_odds=None if again is None else again.share_of(law),
        departs=departs,
        outliers=int(best.outliers.sum()),
        coverage=coverage,
    )


@dataclass(frozen=True)
class _Sweep:
    """A fitted sweep, and how it is to be reported."""

    clusters: Clusters
    best: FittedLaw
    law: Predictor
    departs: bool
    tolerance: float
    sizes: Sizes
    seed: int


def _entry(sweep: _Sweep, budget: int) -> BudgetShare:
    """What is said of one budget."""
    clusters, fitted = sweep.clusters, sweep.law
    at = clusters.budget == budget
    if at.sum() < LEAST_ARCHITECTURES:
        fitted = replace(fitted, resamples=None)
    size, edges = _median_size(clusters, at), _edges(clusters.share[at])
    cost = cost_of_even_split(fitted, size, edges)
    return BudgetShare(
        budget=budget if sweep.sizes == "params" else round(size),
        share=best_share(fitted, size, edges),
        tolerance=sweep.tolerance,
        within=shares_within(fitted, size, edges, sweep.tolerance),
        cost_of_even_split=replace(cost, low=None, high=None) if sweep.departs else cost,
        cross_check=_cross_check(sweep, at, edges),
        curve=curve(fitted, size, edges),
        at_edge=not edges[0] < expit(fitted.best_logit(size)) < edges[1],
        architectures=int(at.sum()),
        runs=int(clusters.runs[at].sum()),
    )


def _cross_check(sweep: _Sweep, at: NDArray[np.bool_], edges: Edges) -> Interval:
    """A Gaussian process's best share, of the architectures at a budget that are not outliers."""
    kept = at & ~sweep.best.outliers
    if kept.sum() < LEAST_ARCHITECTURES:
        return Interval(level=sweep.law.level)
    return gaussian_process_share(
        sweep.clusters.share[kept],
        sweep.best.without_structure[kept],
        edges,
        level=sweep.law.level,
        seed=sweep.seed,
    )


def _trend(fitted: Predictor, clusters: Clusters, budgets: Sequence[int]) -> Band | None:
    """The best share from below the smallest budget to beyond the largest, if there are two."""
    if len(budgets) < 2:
        return None
    totals = [_median_size(clusters, clusters.budget == budget) for budget in budgets]
    edges = _edges(clusters.share[np.isin(clusters.budget, budgets)])
    return trend(fitted, (min(totals) / REACH, max(totals) * REACH), edges)


def _median_size(clusters: Clusters, at: NDArray[np.bool_]) -> float:
    return float(np.median((clusters.encoder + clusters.decoder)[at]))


def _edges(share: Floats) -> Edges:
    return float(share.min()), float(share.max())


def _check(tolerance: float, level: float, resamples: int, sizes: Sizes) -> None:
    if not tolerance > 0:
        raise ConfigError(f"tolerance must be above 0 but is {tolerance}")
    if not 0 < level < 1:
        raise ConfigError(f"level must lie between 0 and 1 but is {level}")
    if resamples < LEAST_RESAMPLES:
        raise ConfigError(f"resamples must be at least {LEAST_RESAMPLES} but is {resamples}")
    if sizes not in COLUMNS_OF:
        raise ConfigError(f"sizes must be one of {', '.join(COLUMNS_OF)} but is {sizes!r}")
