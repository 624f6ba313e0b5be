"""Which of two architectures, or of two ways to search, is better, and whether it matters.

`compare` pairs contenders by seed, with the exact signed-rank test (`signed_rank`) adjusted for the
number of comparisons (`holm`); `least_pairs` is how many seeds a verdict takes. `compare_searches`
pairs searches by seed, with Student's t over the pairs.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.stats import rankdata
from scipy.stats import t as student

from asymnas.analysis.estimates import (
    LEAST_PAIRS,
    Comparison,
    Contender,
    Floats,
    Interval,
    Outcome,
    Scored,
    SearchComparison,
    SearchPair,
)
from asymnas.core.errors import ConfigError

DECIMALS = 12  # of a log ratio that count; equal ratios tie in spite of rounding errors
LEAST_SEARCHES = 3  # pairs of searches, for their spread to be known at all
FARTHEST = 600.0  # of a log ratio from zero; beyond, a loss is no loss any more


def holm(ps: Sequence[float]) -> list[float]:
    """The p values adjusted for their number, in their order.

    Source:
        Holm (1979), Scandinavian Journal of Statistics 6(2), 65-70.
    """
    adjusted, largest = [1.0] * len(ps), 0.0
    for place, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        largest = max(largest, min(1.0, (len(ps) - place) * ps[i]))
        adjusted[i] = largest
    return adjusted


def least_p(pairs: int) -> float:
    """The smallest p that the exact two-sided signed-rank test can give: 2 to the 1 - pairs."""
    return float(2.0 ** (1 - pairs))


def least_pairs(comparisons: int, level: float = 0.05) -> int:
    """The fewest pairs with which an adjusted p can fall below a level.

    Holm multiplies the smallest p by the number of comparisons: at 0.05, 6 pairs do for one
    comparison, 7 for two or three, 8 for four to six.

    Args:
        comparisons: How many are adjusted for, at least 1.
        level: In (0, 1).

    Returns:
        At least 6.

    Raises:
        ConfigError: A value out of its range.
    """
    if comparisons < 1:
        raise ConfigError(f"comparisons must be at least 1 but got {comparisons}")
    check_fraction("level", level)
    pairs = LEAST_PAIRS
    while comparisons * least_p(pairs) >= level:
        pairs += 1
    return pairs


def check_fraction(name: str, value: float) -> None:
    """Checks that a setting is above 0 and below 1.

    Raises:
        ConfigError: It is not.
    """
    if not 0 < value < 1:
        raise ConfigError(f"{name} must be above 0 and below 1 but got {value}")


@dataclass(frozen=True)
class SignedRank:
    """The signed-rank test of values that are symmetric about zero under the null hypothesis.

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


def compare(
    contenders: Sequence[Scored],
    first: str,
    against: Sequence[str],
    *,
    margin: float = 0.01,
    level: float = 0.05,
) -> tuple[Comparison, ...]:
    """Holds one contender against others, paired by seed.

    Two losses are compared by the logarithm of their ratio: a relative difference is skewed (a
    quarter more in one direction is a fifth less in the other), and then the verdict would depend
    on which of the two is named first. Estimate and interval are brought back to relative
    differences, so a Walsh average of two of these is geometric. Equivalent means that neither
    loss exceeds the other by more than the margin.

    Seeds count where both losses are finite and positive; `left_out` counts the others.
    Equivalence rests on the interval alone, which is not adjusted for several comparisons.

    Args:
        contenders: Of distinct names.
        first: Name of the one that the comparisons are about.
        against: Names of the others, in the order of the result; with none there is no comparison.
        margin: Half the width of the region of practical equivalence, in (0, 1).
        level: What an adjusted p must be below, and 1 less the least confidence, in (0, 1).

    Raises:
        ConfigError: An unknown or repeated name, or a value out of its range.

    Source:
        Holm (1979), Scandinavian Journal of Statistics 6(2), 65-70; equivalence: Wellek (2010),
        Testing Statistical Hypotheses of Equivalence and Noninferiority; the tests' sources are
        in `asymnas.analysis.comparison`.
    """
    check_fraction("margin", margin)
    check_fraction("level", level)
    if not against:
        return ()
    named = _by_name(contenders, first, against)
    pairings = {name: _pair(named[first], named[name], level) for name in against}
    adjusted = holm([pairing.p for pairing in pairings.values()])
    reachable = holm([pairing.least_p for pairing in pairings.values()])
    compared = []
    for (name, pairing), p, least in zip(pairings.items(), adjusted, reachable, strict=True):
        compared.append(
            Comparison(
                first=first,
                second=name,
                pairs=len(pairing.ratios),
                differences={seed: math.expm1(ratio) for seed, ratio in pairing.ratios.items()},
                difference=pairing.location,
                p=pairing.test.p if pairing.test else None,
                p_holm=p if pairing.test else None,
                effect=pairing.test.effect if pairing.test else None,
                margin=margin,
                outcome=_outcome(pairing.location, p, margin, level),
                comparisons=len(against),
                level=level,
                lacking=least_pairs(len(against), level) if least >= level else None,
                left_out=pairing.left_out,
            )
        )
    return tuple(compared)


def compare_searches(
    contenders: Sequence[Contender],
    pairs: Sequence[tuple[str, str]],
    *,
    margin: float = 0.01,
    level: float = 0.05,
) -> SearchComparison:
    """What the constraint of mirrored sides costs a search.

    A pair is a free and a symmetric search of equal length, with one seed and on the same splits;
    each gives its best architecture, which is retrained. The loss of an architecture is the
    geometric mean over the seeds that both were retrained with, so what varies between pairs is the
    luck of the searches and what retraining leaves of its own.

    Args:
        contenders: Retrained architectures.
        pairs: Names of the free and of the symmetric search's best; pairs without a seed in common
            are left out.
        margin: Half the width of the region of practical equivalence, in (0, 1).
        level: What p must be below, and 1 less the confidence, in (0, 1).

    Raises:
        ConfigError: A value out of its range.
    """
    check_fraction("margin", margin)
    check_fraction("level", level)
    named = {contender.name: contender for contender in contenders}
    kept, ratios = [], []
    for free, symmetric in pairs:
        one, other = named[free], named[symmetric]
        of_seeds = list(_pair(one, other, level).ratios.values())
        if not of_seeds:
            continue
        ratios.append(float(np.mean(of_seeds)))
        kept.append(
            SearchPair(
                free=free,
                symmetric=symmetric,
                difference=math.expm1(ratios[-1]),
                seeds=len(of_seeds),
                size=other.params / one.params,
            )
        )
    difference, p = _over_pairs(np.array(ratios), level)
    return SearchComparison(
        pairs=tuple(kept),
        difference=difference,
        p=p,
        margin=margin,
        outcome=_outcome(difference, 1.0 if p is None else p, margin, level),
    )


def _over_pairs(ratios: Floats, level: float) -> tuple[Interval, float | None]:
    """Mean of log ratios as a relative difference, with its interval and p by Student's t."""
    n = len(ratios)
    if n == 0:
        return Interval(level=1 - level), None
    mean = float(ratios.mean())
    if n < LEAST_SEARCHES:
        return Interval(estimate=math.expm1(mean), level=1 - level), None
    error = float(ratios.std(ddof=1)) / math.sqrt(n)
    half = float(student.ppf(1 - level / 2, n - 1)) * error
    interval = Interval(
        estimate=math.expm1(mean),
        low=math.expm1(mean - half),
        high=math.expm1(mean + half),
        level=1 - level,
    )
    if error == 0:
        return interval, 1.0 if mean == 0 else 0.0
    return interval, float(2 * student.sf(abs(mean) / error, n - 1))


@dataclass(frozen=True)
class _Pairing:
    """Two contenders' log ratios by seed, second over first, and their test."""

    ratios: Mapping[int, float]
    left_out: int
    location: Interval
    test: SignedRank | None

    @property
    def p(self) -> float:
        return self.test.p if self.test else 1.0  # untested, it still is one of the comparisons

    @property
    def least_p(self) -> float:
        return least_p(len(self.ratios)) if self.test else 1.0


def _pair(first: Scored, second: Scored, level: float) -> _Pairing:
    ratios = {}
    seeds = sorted(first.scores.keys() | second.scores.keys())
    for seed in seeds:
        one, other = (float(c.scores.get(seed, math.nan)) for c in (first, second))
        if 0 < one < math.inf and 0 < other < math.inf:
            ratio = round(math.log(other) - math.log(one), DECIMALS)
            if abs(ratio) < FARTHEST:
                ratios[seed] = ratio
    left_out, values = len(seeds) - len(ratios), np.array(list(ratios.values()))
    if not ratios:
        return _Pairing(ratios, left_out, Interval(level=1 - level), None)
    test = signed_rank(values, level)
    if len(ratios) >= LEAST_PAIRS:
        return _Pairing(ratios, left_out, _relative(test.location), test)
    estimate = math.expm1(cast(float, test.location.estimate))
    return _Pairing(ratios, left_out, Interval(estimate=estimate, level=1 - level), None)


def _relative(location: Interval) -> Interval:
    """The location of log ratios as a relative difference."""
    ends = {name: getattr(location, name) for name in ("estimate", "low", "high")}
    relative = {name: None if end is None else math.expm1(end) for name, end in ends.items()}
    return Interval(**relative, level=location.level)


def _outcome(difference: Interval, p_holm: float, margin: float, level: float) -> Outcome:
    if difference.low is None or difference.high is None:
        return "undecided"
    if 1 / (1 + margin) - 1 <= difference.low and difference.high <= margin:
        return "equivalent"
    if p_holm >= level or difference.contains(0):
        return "undecided"
    return "better" if difference.low > 0 else "worse"


def _by_name(contenders: Sequence[Scored], first: str, against: Sequence[str]) -> dict[str, Scored]:
    named = {contender.name: contender for contender in contenders}
    if len(named) < len(contenders):
        raise ConfigError(
            f"contenders must have distinct names but got: {', '.join(c.name for c in contenders)}"
        )
    compared = [first, *against]
    if unknown := [name for name in compared if name not in named]:
        raise ConfigError(f"no contender is called {unknown[0]!r}; there are: {', '.join(named)}")
    if len(set(compared)) < len(compared):
        raise ConfigError(f"against must name others than {first!r}, each once, but got {against}")
    return named
