"""What could fool an answer: whether ranks or gaps go with the decoder share.

`agreement` compares the losses at each rung with the final ones, third by third of the decoder
share; `generalisation` the loss on held-out splits with that on training examples.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import kendalltau, norm, ttest_1samp

from asymnas.analysis.comparison import signed_rank
from asymnas.analysis.estimates import Floats, Interval
from asymnas.analysis.rows import clusters, drawn, measured
from asymnas.core.columns import (
    BUDGET,
    CURVE,
    DECODER_SHARE,
    NEVER_PRUNED,
    STATE,
    TEST_LOSS,
    TRAIN_LOSS,
    VAL_LOSS,
)

ALL = "all"
BINS = ("below 1/3", "1/3 to 2/3", "2/3 and above")
EDGES = (0.0, 1 / 3, 2 / 3, np.nextafter(1.0, 2.0))

# Rank correlation and shifts of rank
LEAST = 10  # pairs of values; the interval's variance holds for ten and more
VARIANCE = 0.437  # of Fisher's z of tau, times n - 4
SHIFT_CONFIDENCE = 1 - 0.05 / len(BINS)  # Bonferroni: a claim is made if any bin's excludes zero

# Gaps between splits
SPLITS = {"validation": VAL_LOSS, "test": TEST_LOSS}


def share_bins(rows: pd.DataFrame) -> pd.Series:
    """The third that each row's decoder share lies in, one of `BINS`; missing for no share."""
    shares = rows[DECODER_SHARE].astype(float)
    return pd.cut(shares, EDGES, right=False, labels=BINS).astype(object)


def rank_correlation(
    one: ArrayLike, other: ArrayLike, independent: int | None = None, confidence: float = 0.95
) -> Interval:
    """Kendall's τ-b, from -1 to 1, with its interval by Fisher's z.

    For the interval τ counts as one discordant pair away from ±1 at least, or perfect agreement of
    ten trials would look certain.

    Args:
        one: `[n]`, finite.
        other: `[n]`, finite.
        independent: How many of the n are independent, where runs share an architecture.
        confidence: Of the interval, in (0, 1).

    Returns:
        No estimate with fewer than ten independent values, or if either is constant.

    Source:
        Kendall (1938), doi:10.1093/biomet/30.1-2.81; interval: Fieller, Hartley & Pearson (1957),
        doi:10.1093/biomet/44.3-4.470.
    """
    first, second = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    count = len(first) if independent is None else independent
    if count < LEAST or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Interval(level=confidence)
    tau = float(kendalltau(first, second).statistic)
    most = 1 - 4 / (count * (count - 1))
    z = np.arctanh(np.clip(tau, -most, most))
    reach = norm.ppf((1 + confidence) / 2) * np.sqrt(VARIANCE / (count - 4))
    low, high = np.tanh([z - reach, z + reach])
    return Interval(
        estimate=tau, low=min(float(low), tau), high=max(float(high), tau), level=confidence
    )


@dataclass(frozen=True, kw_only=True)
class RungAgreement:
    """One rung against the end, over all shares or one third of them.

    Args:
        examples: The rung, in training examples seen.
        shares: `all` or one of `asymnas.analysis.checks.BINS`.
        trials: How many are compared.
        tau: Kendall's τ between the losses at the rung and the final ones, 95 %.
        shift: Mean rank at the rung less that at the end, as a share of all ranks, from -1 to 1:
            above zero these shares look worse at the rung than they end, so that pruning there
            hits them. Simultaneously for the three bins 95 %; without estimate for `all`.
    """

    examples: int
    shares: str
    trials: int
    tau: Interval
    shift: Interval


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How the rungs agree with the end.

    Args:
        rungs: Rung by rung, rising, `all` before the bins; empty if there is nothing to compare.
        horizon: The last rung, whose losses are the final ones.
        never_pruned: Whether only trials exempt from pruning are compared, because others were
            pruned.
        trials: How many reached the end.
    """

    rungs: tuple[RungAgreement, ...] = ()
    horizon: int = 0
    never_pruned: bool = False
    trials: int = 0


def agreement(table: pd.DataFrame) -> Agreement:
    """Compares the losses at each rung with the final ones.

    Where trials were pruned, those that reached the end did so because a rung favoured them: only
    the trials exempt from pruning, drawn before anything was known, are compared. Losses are taken
    relative to the median of their budget, for budgets would agree in any case. Intervals count
    architectures, not seeds.

    Args:
        table: A trial table, in any order.

    Returns:
        Fewer than ten architectures give no intervals.
    """
    rows = drawn(measured(table))
    if rows.empty:
        return Agreement()
    pruned = bool((rows[STATE] == "pruned").any())
    rows = rows[rows[STATE] == "complete"]
    if pruned:
        rows = rows[rows[NEVER_PRUNED].astype(bool)]
    losses = _losses(rows)
    if losses.shape[1] == 0:
        return Agreement(never_pruned=pruned)
    horizon = int(losses.columns[-1])
    losses = losses[losses[horizon].notna()]
    rows = rows.loc[losses.index]
    if BUDGET in rows:
        losses = losses / losses.groupby(rows[BUDGET], dropna=False).transform("median")
    rungs = [entry for rung in losses.columns[:-1] for entry in _at(rung, losses, rows)]
    return Agreement(rungs=tuple(rungs), horizon=horizon, never_pruned=pruned, trials=len(rows))


def _losses(rows: pd.DataFrame) -> pd.DataFrame:
    """Losses `[trials, rungs]`, rungs rising, missing or infinite ones as NaN."""
    curves = [{int(seen): float(loss) for seen, loss in curve} for curve in rows[CURVE]]
    losses = pd.DataFrame(curves, index=rows.index, dtype=float)
    losses = losses.where(np.isfinite(losses)).dropna(axis="columns", how="all")
    return losses[sorted(losses.columns)]


def _at(rung: int, losses: pd.DataFrame, rows: pd.DataFrame) -> list[RungAgreement]:
    """One rung over all shares and each third."""
    there = losses[rung].notna()
    early, final = losses.loc[there, rung], losses.loc[there].iloc[:, -1]
    shift = early.rank(pct=True) - final.rank(pct=True)
    labels, owners = share_bins(rows[there]), clusters(rows[there])
    entries = []
    for name in (ALL, *BINS):
        kept = (labels == name) if name != ALL else pd.Series(True, index=labels.index)
        tau = rank_correlation(early[kept], final[kept], owners[kept].nunique())
        shifts = shift[kept].groupby(owners[kept]).mean().to_numpy()
        entries.append(
            RungAgreement(
                examples=int(rung),
                shares=name,
                trials=int(kept.sum()),
                tau=tau,
                shift=Interval(level=SHIFT_CONFIDENCE) if name == ALL else _mean(shifts),
            )
        )
    return entries


def _mean(values: Floats) -> Interval:
    """A mean with Student's interval."""
    if len(values) < LEAST:
        return Interval(level=SHIFT_CONFIDENCE)
    if np.ptp(values) == 0:
        return Interval(estimate=values[0], low=values[0], high=values[0], level=SHIFT_CONFIDENCE)
    ends = ttest_1samp(values, 0).confidence_interval(SHIFT_CONFIDENCE)
    return Interval(
        estimate=float(values.mean()),
        low=float(ends.low),
        high=float(ends.high),
        level=SHIFT_CONFIDENCE,
    )


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The relative gap to the training loss on one split.

    Args:
        split: `validation` or `test`.
        by_share: Loss on the split over that on training examples, less one: 0.05 is five per
            cent. Over `all` shares and each third, the Hodges-Lehmann estimate with the interval
            that inverts the exact signed-rank test.
        architectures: How many are behind each, by the same names.
        correlation: Kendall's τ of the gap with the decoder share, 95 %.
        p: Of no correlation, two-sided; `None` without an estimate.
    """

    split: str
    by_share: Mapping[str, Interval]
    architectures: Mapping[str, int]
    correlation: Interval
    p: float | None


def generalisation(table: pd.DataFrame) -> tuple[Gap, ...]:
    """The gap on the validation split and, where the test split was read, on that.

    An architecture's gap is the mean over its seeds. In a search the trials are those that a
    sampler chose and pruning spared; there the gaps describe, and in a sweep they infer.

    Args:
        table: A trial table, in any order.

    Returns:
        A gap per split for which there are losses, validation first.
    """
    rows = measured(table)
    if rows.empty or TRAIN_LOSS not in rows:
        return ()
    rows = rows[rows[STATE] == "complete"]
    gaps_by_split = []
    for split, column in SPLITS.items():
        if column not in rows:
            continue
        train, held_out = rows[TRAIN_LOSS].astype(float), rows[column].astype(float)
        gaps = (held_out / train.where(train > 0) - 1).rename("gap")
        kept = np.isfinite(gaps) & rows[DECODER_SHARE].notna()
        if kept.any():
            gaps_by_split.append(_gap(split, gaps[kept], rows[kept]))
    return tuple(gaps_by_split)


def _gap(split: str, gaps: pd.Series, rows: pd.DataFrame) -> Gap:
    owners = clusters(rows)
    gap = gaps.groupby(owners).mean()
    share = rows[DECODER_SHARE].astype(float).groupby(owners).mean()
    third = share_bins(share.to_frame())
    groups = {ALL: gap, **{name: gap[third == name] for name in BINS}}
    correlation = rank_correlation(share, gap)
    known = correlation.estimate is not None
    return Gap(
        split=split,
        by_share={name: _location(group.to_numpy()) for name, group in groups.items()},
        architectures={name: len(group) for name, group in groups.items()},
        correlation=correlation,
        p=float(kendalltau(share, gap).pvalue) if known else None,
    )


def _location(gaps: Floats) -> Interval:
    return signed_rank(gaps).location if len(gaps) else Interval()
