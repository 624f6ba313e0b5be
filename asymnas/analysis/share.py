"""Where the best decoder share lies, and what an even split costs, inferred from a sweep.

In a blocked sweep every budget is judged by its own runs first: contrasts within structures, and a
curve that assumes no law. Beside them stand two scaling laws of the sides' sizes, fitted to all
budgets at once, of which the one with the lower held-out error counts, and a Gaussian process.
Sweeps of versions before have no blocks: there the law gives the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from asymnas.analysis.blocked.blocks import blocks_of
from asymnas.analysis.blocked.own_rows import OwnRows, own_rows
from asymnas.analysis.blocked.sampling import ExampleLosses
from asymnas.analysis.blocked.waves import stopping_level
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
    Blocking,
    Edges,
    Predictor,
    best_share,
    cost_of_even_split,
    curve,
    resample,
    shares_within,
    trend,
)
from asymnas.analysis.tuning import edge_rates
from asymnas.core.errors import ConfigError

#: Distinct decoder shares that a budget needs for an estimate.
LEAST_SHARES = 3

#: Architectures that a budget needs for intervals.
LEAST_ARCHITECTURES = 8

#: How far beyond the swept budgets the trend is drawn, as a factor.
REACH = 2

LEAST_RESAMPLES = 100

#: p of lack of fit below which the law is not trusted with differences of a few per cent.
DEPARTS = 0.05

#: Of the prior of the laws' unknowns, relative to the usual one, to see whether it decides.
WIDE = 4.0


def infer_share(
    table: pd.DataFrame,
    losses: ExampleLosses | None = None,
    *,
    tolerance: float = 0.01,
    level: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
    sizes: Sizes = "params",
    stopped: bool = False,
) -> ShareInference:
    """Infers the best decoder share of every budget of a sweep.

    Only completed measuring runs with a finite positive loss count. Losses are averaged over seeds
    as logs. The blocks' levels, or without blocks the structure that was drawn, are adjusted for in
    the laws. Runs that tuned learning rates show how many of the best rates lie at an end of the
    range tried.

    Args:
        table: A sweep's table with its tuning runs, rows in any order.
        losses: Validation losses of single examples of the measured runs of a blocked sweep, so
            that intervals contain their sampling; `None` if unknown.
        tolerance: Relative loss above the lowest that still counts as good, above 0.
        level: Confidence of the intervals, in (0, 1).
        resamples: Bootstrap samples, at least 100.
        seed: Fixes folds, starts and resamples.
        sizes: Whether shares and budgets are of parameters or of MACs. In MACs, a budget's entry is
            at the median total of its architectures, and by the law alone: within a structure MACs
            are not equal.
        stopped: Whether the sweep trained until its primary intervals were narrow enough: they are
            then taken wider, so that they cover as often as `level` says.

    Returns:
        What can be concluded; what cannot is left `None`. A budget with fewer than three shares has
        no entry, one with fewer than eight architectures or three structures no intervals (the ends
        of its bands are NaN). Where neither law fits the means of the shares, its cost of an even
        split has no interval.

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
        blocking = None if clusters.block is None else Blocking(clusters.budget, clusters.block)
        again = resample(data, fitted, blocks=blocking, level=level, resamples=resamples, seed=seed)
    edges = edge_rates(table)
    whole = Predictor(law, best.fits.theta, scale, again, level)
    wide = fitted_laws(data_of(clusters, WIDE)[0], seed)[law]
    sweep = _Sweep(
        clusters=clusters,
        best=best,
        law=whole,
        wide=replace(whole, theta=wide.fits.theta, resamples=None),
        departs=lack_of_fit(clusters, best, FORMS[law].unknowns) < DEPARTS,
        tolerance=tolerance,
        sizes=sizes,
        seed=seed,
    )
    own = {}
    if sizes == "params":
        taken = stopping_level(level) if stopped else level
        for blocks in blocks_of(table):
            answer = own_rows(blocks, losses, tolerance=tolerance, level=taken, seed=seed)
            if answer is not None:
                own[blocks.budget] = answer
    entries = []
    for budget in usable:
        entry = replace(_by_law(sweep, budget), edge_rates=edges.get(budget))
        entries.append(_by_own_rows(entry, own[budget]) if budget in own else entry)
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
        departs=sweep.departs,
        outliers=int(best.outliers.sum()),
        coverage=coverage,
    )


@dataclass(frozen=True, kw_only=True)
class _Sweep:
    """A fitted sweep, and how it is to be reported; `wide` is the law by a wider prior."""

    clusters: Clusters
    best: FittedLaw
    law: Predictor
    wide: Predictor
    departs: bool
    tolerance: float
    sizes: Sizes
    seed: int


def _by_law(sweep: _Sweep, budget: int) -> BudgetShare:
    """What the law shows of one budget."""
    clusters, fitted = sweep.clusters, sweep.law
    at = clusters.budget == budget
    if at.sum() < LEAST_ARCHITECTURES:
        fitted = replace(fitted, resamples=None)
    size, edges = _median_size(clusters, at), _edges(clusters.share[at])
    cost = cost_of_even_split(fitted, size, edges)
    if sweep.departs:
        cost = replace(cost, low=None, high=None)
    share = best_share(fitted, size, edges)
    return BudgetShare(
        budget=budget if sweep.sizes == "params" else round(size),
        share=share,
        tolerance=sweep.tolerance,
        within=shares_within(fitted, size, edges, sweep.tolerance),
        cost_of_even_split=cost,
        cross_check=_cross_check(sweep, at, edges),
        curve=curve(fitted, size, edges),
        at_edge=not edges[0] < expit(fitted.best_logit(size)) < edges[1],
        architectures=int(at.sum()),
        runs=int(clusters.runs[at].sum()),
        level=fitted.level,
        pooled=share,
        pooled_cost=cost,
        wide_prior=best_share(sweep.wide, size, edges),
    )


def _by_own_rows(entry: BudgetShare, own: OwnRows) -> BudgetShare:
    """The same budget with what its own runs show in the law's place."""
    return replace(
        entry,
        share=own.share,
        within=own.within,
        cost_of_even_split=own.cost_of_even_split,
        curve=own.curve,
        at_edge=own.at_edge,
        structures=own.structures,
        contrasts=own.contrasts,
        mirroring=own.mirroring,
        failures=own.failures,
        outliers=own.outliers,
        departs=own.departs,
        components=own.components,
        detectable=own.detectable,
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
