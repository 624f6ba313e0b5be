"""What the runs of one budget show by themselves: no law, no other budget."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from asymnas.analysis.blocked.blocks import Blocks, blocks_by_horizon
from asymnas.analysis.blocked.contrasts import contrasts, mirroring
from asymnas.analysis.blocked.curves import (
    band,
    best_share,
    cost_of_even_split,
    fit_curve,
    to_targets,
    within_tolerance,
)
from asymnas.analysis.blocked.sampling import ExampleLosses, resampled
from asymnas.analysis.blocked.waves import components_of, detectable_cost
from asymnas.analysis.estimates import (
    Band,
    Components,
    Contrast,
    Failures,
    Interval,
)


@dataclass(frozen=True, kw_only=True)
class OwnRows:
    """The answer of one budget's blocks; see `BudgetShare`."""

    structures: int
    contrasts: tuple[Contrast, ...]
    mirroring: Contrast | None
    share: Interval
    cost_of_even_split: Interval
    within: Interval
    curve: Band
    at_edge: bool
    departs: bool
    failures: Failures
    components: Components | None
    detectable: float | None
    outliers: Mapping[float, int]


def own_rows(
    blocks: Blocks,
    losses: ExampleLosses | None = None,
    *,
    tolerance: float = 0.01,
    level: float = 0.95,
    seed: int = 0,
) -> OwnRows | None:
    """Contrasts, best share and costs from one budget's blocks.

    Args:
        blocks: Of one budget.
        losses: Of single examples; `None` if unknown.
        tolerance: Relative loss above the lowest that still counts as good.
        level: Confidence of the intervals.
        seed: Fixes resamples and halvings.

    Returns:
        `None` for fewer than three shares.
    """
    sampling = resampled(losses, blocks, seed=seed)
    curve = fit_curve(blocks, sampling)
    if curve is None:
        return None
    exact = to_targets(blocks, curve)
    entries = contrasts(exact, sampling, level=level)
    components = components_of(exact, entries)
    seeds = np.isfinite(blocks.log_loss[:, :-1]).sum(axis=2)
    return OwnRows(
        structures=curve.structures,
        contrasts=entries,
        mirroring=mirroring(exact, sampling, level=level),
        share=best_share(curve, level),
        cost_of_even_split=cost_of_even_split(curve, level, seed=seed),
        within=within_tolerance(curve, tolerance, level),
        curve=band(curve, level),
        at_edge=curve.side != 0,
        departs=curve.departure is not None and curve.departure < 1 - level,
        failures=blocks.failures,
        outliers=curve.outliers,
        components=components,
        detectable=None
        if components is None
        else detectable_cost(components, curve.structures, seeds[seeds > 0].mean(), level=level),
    )


def horizons(
    table: pd.DataFrame,
    losses: ExampleLosses | None = None,
    *,
    tolerance: float = 0.01,
    level: float = 0.95,
    seed: int = 0,
) -> Mapping[float, Mapping[int, OwnRows]]:
    """The answer at every horizon that some structures were trained to, by horizon and budget.

    At every horizon these structures alone count, with their first seed.

    Args:
        table: A sweep's table.
        losses: Of single examples; `None` if unknown.
        tolerance: Relative loss above the lowest that still counts as good.
        level: Confidence of the intervals.
        seed: Fixes resamples and halvings.
    """
    answers: dict[float, dict[int, OwnRows]] = {}
    for horizon, budgets in blocks_by_horizon(table).items():
        for blocks in budgets:
            answer = own_rows(blocks, losses, tolerance=tolerance, level=level, seed=seed)
            if answer is not None:
                answers.setdefault(horizon, {})[blocks.budget] = answer
    return answers
