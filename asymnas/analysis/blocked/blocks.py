"""From a sweep's table to blocks: the log loss of every structure at every share and seed.

A block is a structure resized to every decoder share, so that shares are compared within it. Its
mirrored run (the mirror of its encoder as decoder, at an even split) is one more column.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import MonteCarloMethod, fisher_exact

from asymnas.analysis.estimates import EVEN, Failures, Floats
from asymnas.analysis.rows import counting, is_blocked, is_mirrored, of_blocks, standing
from asymnas.core.columns import (
    BUDGET,
    DECODER_SHARE,
    HORIZON,
    HORIZON_CHECK,
    PHASE,
    REPLICATE,
    STATE,
    STRUCTURE,
    TARGET_SHARE,
    TRIAL,
    VAL_LOSS,
)

MIRROR = -1  # the column of the mirrored runs
DIGITS = 6  # to which target shares are compared
RANDOM_TABLES = 9_999  # for the exact test of failures


@dataclass(frozen=True)
class Blocks:
    """One budget's structures; shapes: i structures, k shares, r seeds.

    Args:
        budget: Parameters of both sides together.
        structures: Their numbers `[i]`, rising.
        targets: The decoder shares that were asked for `[k]`, rising.
        share: The decoder shares that were realised `[i, k + 1]`; NaN where nothing was trained.
        log_loss: Log validation loss `[i, k + 1, r]`, the mirrored runs last; NaN where there is
            none.
        trial: The trial of each `[i, k + 1, r]`; -1 where there is none.
        failures: Runs that failed, their retry too.
    """

    budget: int
    structures: NDArray[np.int64]
    targets: Floats
    share: Floats
    log_loss: Floats
    trial: NDArray[np.int64]
    failures: Failures

    def column(self, share: float) -> int | None:
        """The place of a target share; `None` if it is not among them."""
        near = np.flatnonzero(np.abs(self.targets - share) < 10.0**-DIGITS)
        return int(near[0]) if len(near) else None

    @property
    def even(self) -> int | None:
        """The place of the even split."""
        return self.column(EVEN)

    @property
    def cells(self) -> Floats:
        """Mean log loss over seeds `[i, k + 1]`; NaN where there is none."""
        return mean_of_known(self.log_loss, axis=2)

    def at_targets(self, slope: Floats) -> "Blocks":
        """The same with log losses moved by `[i, k + 1]`, as if shares were as asked for."""
        return replace(self, log_loss=self.log_loss - slope[:, :, None])


def mean_of_known(values: Floats, axis: int) -> Floats:
    """The mean of what is not NaN along an axis; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    result: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result


def blocks_of(table: pd.DataFrame) -> tuple[Blocks, ...]:
    """The blocks of a sweep's measured runs, by rising budget; none if it is not blocked.

    A run that a retry repeats is left out: its retry stands for it. A cell with a run whose retry
    failed too has no value: it is worse than all that ended, which no mean can express, so that
    `Failures` has to withhold the verdict.

    Args:
        table: A sweep's table, rows in any order.
    """
    return _blocks(of_blocks(table))


def blocks_by_horizon(table: pd.DataFrame) -> Mapping[float, tuple[Blocks, ...]]:
    """The blocks at every horizon of which there are runs, by rising horizon.

    At a horizon of 1 these are the measured runs with the first seed of the structures that were
    trained at other horizons too.
    """
    if not is_blocked(table) or PHASE not in table or HORIZON not in table:
        return {}
    checks = table[table[PHASE] == HORIZON_CHECK]
    usual = counting(table)
    usual = usual[usual[STRUCTURE].isin(checks[STRUCTURE]) & (usual[REPLICATE] == 0)]
    groups = {float(horizon): rows for horizon, rows in checks.groupby(HORIZON)}
    if groups and len(usual):
        groups[1.0] = usual
    return {horizon: _blocks(standing(groups[horizon])) for horizon in sorted(groups)}


def _blocks(rows: pd.DataFrame) -> tuple[Blocks, ...]:
    if rows.empty:
        return ()
    return tuple(_of_budget(int(budget), group) for budget, group in rows.groupby(BUDGET))


def _of_budget(budget: int, rows: pd.DataFrame) -> Blocks:
    mirrored = is_mirrored(rows)
    target = rows[TARGET_SHARE].astype(float).round(DIGITS).to_numpy()
    structures, block = np.unique(rows[STRUCTURE].to_numpy(dtype=np.int64), return_inverse=True)
    targets = np.unique(target[~mirrored])
    column = np.where(mirrored, len(targets), np.searchsorted(targets, target))
    seed = rows[REPLICATE].to_numpy(dtype=np.int64) if REPLICATE in rows else np.zeros(len(rows))
    seeds, place = np.unique(seed, return_inverse=True)
    loss = rows[VAL_LOSS].to_numpy(dtype=float, na_value=np.nan)
    done = (rows[STATE] == "complete").to_numpy() & np.isfinite(loss) & (loss > 0)
    failed = (rows[STATE] == "failed").to_numpy()
    shape = (len(structures), len(targets) + 1, len(seeds))
    log_loss, trial = np.full(shape, np.nan), np.full(shape, -1, dtype=np.int64)
    share = np.full(shape[:2], np.nan)
    at = block[done], column[done], place[done]
    log_loss[at] = np.log(loss[done])
    trial[at] = rows[TRIAL].to_numpy(dtype=np.int64)[done]
    share[at[:2]] = rows[DECODER_SHARE].to_numpy(dtype=float, na_value=np.nan)[done]
    lost = block[failed], column[failed]  # the seeds that did not fail would flatter the cell
    log_loss[lost], trial[lost], share[lost] = np.nan, -1, np.nan
    return Blocks(
        budget=budget,
        structures=structures,
        targets=targets,
        share=share,
        log_loss=log_loss,
        trial=trial,
        failures=_failures(targets, column, failed, done),
    )


def _failures(
    targets: Floats, column: NDArray[np.int64], failed: NDArray[np.bool_], done: NDArray[np.bool_]
) -> Failures:
    """Failures by share, and the exact test of whether they differ by it."""
    size = len(targets)
    lost = np.bincount(column[failed], minlength=size + 1)
    whole = np.bincount(column[done], minlength=size + 1)
    counts = np.array([lost[:size], whole[:size]])
    counts = counts[:, counts.sum(axis=0) > 0]
    p = None
    if counts[0].any() and counts[1].any() and counts.shape[1] > 1:
        method = MonteCarloMethod(n_resamples=RANDOM_TABLES, rng=np.random.default_rng(0))
        p = float(fisher_exact(counts, method=method).pvalue)
    return Failures(
        failed=int(lost.sum()),
        runs=int(lost.sum() + whole.sum()),
        by_share={float(s): int(n) for s, n in zip(targets, lost[:size], strict=True)},
        p=p,
    )
