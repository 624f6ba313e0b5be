"""How much worse the loss is on examples that were not trained on, by decoder share."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from asymnas.analysis.estimates import Floats, Interval
from asymnas.analysis.rank_correlation import LEAST, rank_correlation
from asymnas.analysis.rows import clusters, measured
from asymnas.analysis.share_bins import ALL, BINS, share_bins
from asymnas.analysis.signed_rank import signed_rank
from asymnas.table import DECODER_SHARE, STATE, TEST_LOSS, TRAIN_LOSS, VAL_LOSS
from asymnas.wording import NBSP, plural, tenths

SPLITS = {"validation": VAL_LOSS, "test": TEST_LOSS}


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
        A gap a split for which there are losses, validation first.
    """
    rows = measured(table)
    if rows.empty or TRAIN_LOSS not in rows:
        return ()
    rows = rows[rows[STATE] == "complete"]
    found = []
    for split, column in SPLITS.items():
        if column not in rows:
            continue
        train, held_out = rows[TRAIN_LOSS].astype(float), rows[column].astype(float)
        gaps = (held_out / train.where(train > 0) - 1).rename("gap")
        kept = np.isfinite(gaps) & rows[DECODER_SHARE].notna()
        if kept.any():
            found.append(_gap(split, gaps[kept], rows[kept]))
    return tuple(found)


def generalisation_reading(found: tuple[Gap, ...]) -> str:
    """One sentence a split; empty if there is none."""
    return " ".join(_sentence(gap) for gap in found)


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


def _sentence(gap: Gap) -> str:
    size = gap.by_share[ALL].estimate or 0.0
    text = (
        f"The loss on the {gap.split} split is {tenths(abs(size))}{NBSP}% "
        f"{'above' if size >= 0 else 'below'} that on training examples "
        f"({plural(gap.architectures[ALL], 'architecture')})"
    )
    tau = gap.correlation
    if tau.estimate is None or gap.p is None:
        return f"{text}; {LEAST} are the least to tell whether that goes with the decoder share."
    figures = f"(Kendall's τ {tau.estimate:.2f}, {tau.low:.2f} to {tau.high:.2f})".replace("-", "−")
    if gap.p >= 0.05:
        return f"{text}; it is not shown to go with the decoder share {figures}."
    way = "grows" if tau.estimate > 0 else "shrinks"
    return f"{text}; it {way} with the decoder share {figures}."
