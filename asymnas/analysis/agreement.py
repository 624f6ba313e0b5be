"""Whether the losses at a rung foretell the final ones, and for every decoder share alike."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp

from asymnas.analysis.estimates import Floats, Interval
from asymnas.analysis.rank_correlation import LEAST, rank_correlation
from asymnas.analysis.rows import clusters, measured
from asymnas.analysis.share_bins import ALL, BINS, share_bins
from asymnas.table import BUDGET, CURVE, QUOTA, STATE
from asymnas.wording import NBSP, plural

SHIFT_CONFIDENCE = 1 - 0.05 / len(BINS)  # Bonferroni: a claim is made if any bin's excludes zero


@dataclass(frozen=True, kw_only=True)
class RungAgreement:
    """One rung against the end, over all shares or one third of them.

    Args:
        examples: The rung, in training examples seen.
        shares: `all` or one of `asymnas.analysis.share_bins.BINS`.
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
        quota: Whether only the trials exempt from pruning are judged, because others were pruned.
        trials: How many reached the end.
    """

    rungs: tuple[RungAgreement, ...] = ()
    horizon: int = 0
    quota: bool = False
    trials: int = 0


def agreement(table: pd.DataFrame) -> Agreement:
    """Compares the losses at each rung with the final ones.

    Where trials were pruned, those that reached the end did so because a rung liked them: only the
    quota, drawn before anything was known, is judged. Losses are taken relative to the median of
    their budget, for budgets would agree in any case. Intervals count architectures, not seeds.

    Args:
        table: A trial table, in any order.

    Returns:
        Fewer than ten architectures give no intervals.
    """
    rows = measured(table)
    if rows.empty:
        return Agreement()
    pruned = bool((rows[STATE] == "pruned").any())
    rows = rows[rows[STATE] == "complete"]
    if pruned:
        rows = rows[rows[QUOTA].astype(bool)]
    losses = _losses(rows)
    if losses.shape[1] == 0:
        return Agreement(quota=pruned)
    horizon = int(losses.columns[-1])
    losses = losses[losses[horizon].notna()]
    rows = rows.loc[losses.index]
    if BUDGET in rows:
        losses = losses / losses.groupby(rows[BUDGET], dropna=False).transform("median")
    found = [entry for rung in losses.columns[:-1] for entry in _at(rung, losses, rows)]
    return Agreement(rungs=tuple(found), horizon=horizon, quota=pruned, trials=len(rows))


def agreement_reading(found: Agreement) -> str:
    """The first rung, where most is pruned, in a sentence; empty if there is nothing to say."""
    if not found.rungs:
        return ""
    first = found.rungs[0]
    who = plural(first.trials, "quota trial" if found.quota else "trial")
    if first.tau.estimate is None:
        return (
            f"Whether losses after {first.examples:,} examples foretell the final ones cannot be "
            f"told from {who}: {LEAST} architectures are the least."
        )
    span = f"{first.tau.low:.2f} to {first.tau.high:.2f}"
    text = (
        f"Losses after {first.examples:,} examples against those after {found.horizon:,}, {who}: "
        f"Kendall's rank correlation τ is {first.tau.estimate:.2f} ({span})"
    )
    bins = [entry for entry in found.rungs if entry.examples == first.examples][1:]
    judged = [entry for entry in bins if entry.shift.low is not None]
    hit = [entry for entry in judged if (entry.shift.low or 0) > 0]
    if hit:
        worst = max(hit, key=lambda entry: entry.shift.estimate or 0)
        return (
            f"{text}; decoder shares {worst.shares} look worse there than they end, by "
            f"{100 * (worst.shift.estimate or 0):.0f}{NBSP}% of the ranks, so pruning there "
            "would hit them."
        )
    if len(judged) < len(BINS):
        return f"{text}; too few to tell whether that depends on the decoder share."
    return f"{text}; no third of the decoder shares is shown to look worse there than it ends."


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
    found = []
    for name in (ALL, *BINS):
        kept = (labels == name) if name != ALL else pd.Series(True, index=labels.index)
        tau = rank_correlation(early[kept], final[kept], owners[kept].nunique())
        shifts = shift[kept].groupby(owners[kept]).mean().to_numpy()
        found.append(
            RungAgreement(
                examples=int(rung),
                shares=name,
                trials=int(kept.sum()),
                tau=tau,
                shift=Interval(level=SHIFT_CONFIDENCE) if name == ALL else _mean(shifts),
            )
        )
    return found


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
