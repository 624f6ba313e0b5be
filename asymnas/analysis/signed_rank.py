"""The exact Wilcoxon signed-rank test: p, effect size, estimate and interval from one distribution.

Under the null hypothesis every sign is a fair coin, so the positive ranks sum to what a random
subset of the ranks sums to. Convolution gives that distribution exactly for any number of values,
with ties and zeros too, where SciPy offers an approximation or an enumeration of 2ⁿ signs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from asymnas.analysis.estimates import Floats, Interval


@dataclass(frozen=True)
class SignedRank:
    """What the test says of values that are symmetric about zero if nothing is going on.

    Args:
        location: Hodges-Lehmann estimate, the median of the Walsh averages, with the interval that
            inverts the test; no ends where there are too few values for its confidence.
        p: Exact and two-sided; 1 if all values are zero.
        effect: Matched-pairs rank-biserial correlation: positive less negative ranks over all
            ranks, from -1 to 1. Zeros are ranked and count for neither (Pratt).
    """

    location: Interval
    p: float
    effect: float


def signed_rank(values: Floats, level: float = 0.05) -> SignedRank:
    """Tests whether values, at least one and all finite, lie symmetrically about zero.

    Args:
        values: `[n]`, in any order; equal ones count as tied.
        level: 1 less the least confidence of the interval, in (0, 1). The interval's own `level`
            is the exact confidence attained: 0.96875 for six values and 0.05.

    Source:
        Wilcoxon (1945), doi:10.2307/3001968; zeros: Pratt (1959),
        doi:10.1080/01621459.1959.10501526; estimate and interval: Hollander, Wolfe & Chicken
        (2014), Nonparametric Statistical Methods, 3.2 and 3.3; effect: Kerby (2014),
        doi:10.2466/11.IT.3.1.
    """
    doubled = np.rint(2 * rankdata(np.abs(values))).astype(int)  # midranks are halves
    positive, negative = int(doubled[values > 0].sum()), int(doubled[values < 0].sum())
    chances = _subset_sums(doubled[values != 0].tolist())
    tail = float(chances[: min(positive, negative) + 1].sum())
    return SignedRank(
        location=_location(values, level),
        p=min(1.0, 2 * tail),
        effect=(positive - negative) / int(doubled.sum()),
    )


def _subset_sums(ranks: Sequence[int]) -> Floats:
    """The probability of each sum, from 0 up, of ranks that are in or out by a fair coin."""
    chances = np.ones(1)
    for rank in ranks:
        out_or_in = np.zeros(rank + 1)
        out_or_in[[0, rank]] = 0.5
        chances = np.convolve(chances, out_or_in)
    return chances


def _location(values: Floats, level: float) -> Interval:
    first, second = np.triu_indices(len(values))
    walsh = np.sort(values[first] / 2 + values[second] / 2)  # halved first: a sum could overflow
    estimate = float(np.median(walsh))
    missed = 2 * np.cumsum(_subset_sums(range(1, len(values) + 1)))
    cut = int(np.sum(missed <= level))  # Walsh averages beyond the interval on each side, plus one
    if cut == 0:
        return Interval(estimate=estimate, level=1 - level)
    return Interval(
        estimate=estimate,
        low=float(walsh[cut - 1]),
        high=float(walsh[-cut]),
        level=1 - float(missed[cut - 1]),
    )
