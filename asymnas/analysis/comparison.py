"""Which of two architectures is better, seed by seed, and whether the difference matters."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from asymnas.analysis.comparison_wording import comparison_sentence, reason
from asymnas.analysis.estimates import Comparison, Contender, Interval, Outcome
from asymnas.analysis.multiplicity import LEAST_PAIRS, check_fraction, holm, least_p, least_pairs
from asymnas.analysis.signed_rank import SignedRank, signed_rank
from asymnas.errors import ConfigError

__all__ = ["compare", "comparison_sentence", "least_pairs"]

DECIMALS = 12  # of a log ratio that count; equal ratios tie in spite of rounding errors
FARTHEST = 600.0  # of a log ratio from zero; beyond, a loss is no loss any more


def compare(
    contenders: Sequence[Contender],
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

    Seeds count where both losses are finite and positive; `reason` tells of those left out.
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
        in `asymnas.analysis.signed_rank`.
    """
    check_fraction("margin", margin)
    check_fraction("level", level)
    if not against:
        return ()
    named = _by_name(contenders, first, against)
    pairings = {name: _pair(named[first], named[name], level) for name in against}
    adjusted = holm([pairing.p for pairing in pairings.values()])
    reachable = holm([pairing.least_p for pairing in pairings.values()])
    found = []
    for (name, pairing), p, least in zip(pairings.items(), adjusted, reachable, strict=True):
        compared = Comparison(
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
            reason="",
        )
        lacking = least_pairs(len(against), level) if least >= level else None
        told = reason(compared, len(against), level, lacking=lacking, left_out=pairing.left_out)
        found.append(replace(compared, reason=told))
    return tuple(found)


@dataclass(frozen=True)
class _Pairing:
    """Two contenders' log ratios by seed, second over first, and what the test says of them."""

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


def _pair(first: Contender, second: Contender, level: float) -> _Pairing:
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


def _by_name(
    contenders: Sequence[Contender], first: str, against: Sequence[str]
) -> dict[str, Contender]:
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
