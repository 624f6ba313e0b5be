"""Log loss at a share less that at an even split, within structures.

The contrasts at one third and two thirds are primary: they were fixed before the first run, and
their p are adjusted for each other (Holm 1979). All others are secondary, pointwise.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import t as student

from asymnas.analysis.blocked.blocks import MIRROR, Blocks, mean_of_known
from asymnas.analysis.blocked.means import mean_over_structures
from asymnas.analysis.blocked.sampling import Resampled
from asymnas.analysis.comparison import holm
from asymnas.analysis.estimates import EVEN, PRIMARY, Contrast, Floats, Interval


def contrasts(
    blocks: Blocks, sampling: Resampled | None, *, level: float, primary_level: float | None = None
) -> tuple[Contrast, ...]:
    """Every trained share against an even split, by rising share; none without an even split.

    Args:
        blocks: Of one budget, log losses at the shares that were asked for.
        sampling: Their examples resampled; `None` if unknown.
        level: Confidence of the intervals.
        primary_level: Of those of the primary contrasts, where a sweep may stop at their width.
    """
    first = [blocks.column(share) for share in PRIMARY]
    entries = []
    for column, share in enumerate(blocks.targets):
        primary = column in first
        confidence = primary_level if primary and primary_level else level
        entry = contrast(blocks, column, sampling, confidence)
        if column != blocks.even and entry is not None:
            entries.append(replace(entry, share=float(share), primary=primary))
    return _adjusted(entries)


def mirroring(blocks: Blocks, sampling: Resampled | None, *, level: float) -> Contrast | None:
    """Log loss of the mirrored run less that of the block's own even split."""
    return contrast(blocks, MIRROR, sampling, level)


def contrast(
    blocks: Blocks, column: int, sampling: Resampled | None, level: float
) -> Contrast | None:
    """One column of the blocks against the even split.

    A structure's contrast is the mean over the seeds that both cells have. Student's t over
    structures is for the family of networks that they were drawn from, over seeds for these very
    structures; seeds are counted as independent between structures.

    Returns:
        `None` if no structure has both cells.
    """
    if blocks.even is None:
        return None
    pairs = blocks.log_loss[:, column] - blocks.log_loss[:, blocks.even]  # [i, r]
    known = np.isfinite(pairs).any(axis=1)
    if not known.any():
        return None
    pairs, moves, groups = pairs[known], None, 0
    if sampling is not None:
        moved = sampling.moves[:, known, column] - sampling.moves[:, known, blocks.even]
        moves, groups = mean_of_known(moved, axis=2), sampling.groups
    by_structure = mean_of_known(pairs, axis=1)
    mean = mean_over_structures(by_structure, moves, groups)
    deviation = None if moves is None else float(np.std(moves.mean(axis=1)))
    return Contrast(
        share=EVEN,
        family=mean.interval(level),
        networks=_over_seeds(pairs, deviation or 0.0, level),
        p=mean.p(),
        structures=len(pairs),
        runs=int(np.isfinite(pairs).sum()),
        sampling=deviation,
    )


def _over_seeds(pairs: Floats, sampling: float, level: float) -> Interval:
    """The mean contrast of these structures, by what their seeds vary."""
    counts = np.isfinite(pairs).sum(axis=1)
    means = mean_of_known(pairs, axis=1)
    freedom = int((counts - 1).sum())
    estimate = float(means.mean())
    if freedom < 1:
        return Interval(estimate=estimate, level=level)
    squares = float(np.nansum((pairs - means[:, None]) ** 2))
    variance = squares / freedom * float((1 / counts).sum()) / len(counts) ** 2
    reach = float(student.ppf((1 + level) / 2, freedom)) * float(np.sqrt(variance + sampling**2))
    return Interval(estimate=estimate, low=estimate - reach, high=estimate + reach, level=level)


def _adjusted(entries: Sequence[Contrast]) -> tuple[Contrast, ...]:
    """The same with the p of the primary contrasts adjusted for each other."""
    tested = [entry.p for entry in entries if entry.primary and entry.p is not None]
    adjusted = iter(holm(tested))
    return tuple(
        replace(entry, p_holm=next(adjusted)) if entry.primary and entry.p is not None else entry
        for entry in entries
    )
