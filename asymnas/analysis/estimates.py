"""What the inferences return: plain values, for the summary, the verdicts and the figures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from asymnas.core.sweep_config import EVEN as EVEN
from asymnas.core.sweep_config import PRIMARY as PRIMARY

Floats = NDArray[np.float64]
Law = Literal["additive", "multiplicative"]
Sizes = Literal["params", "macs"]

#: What a comparison can come to, seen from the first of the two.
Outcome = Literal["better", "worse", "equivalent", "undecided"]

#: What a sweep can come to at a budget.
ShareOutcome = Literal[
    "encoder-heavy", "decoder-heavy", "no difference that matters", "inconclusive"
]

#: Why a sweep is inconclusive at a budget.
Reason = Literal[
    "learning rates at an end",
    "failed runs",
    "failures differ by share",
    "no interval",
    "sampling error",
    "both sides better",
    "wide intervals",
]

#: What gives the best share besides the rows of the budget itself.
Method = Literal["pooled", "wide prior", "gaussian process"]

MOST_EDGE_RATES = 0.1  # of learning rates at an end of their range, for a verdict
MOST_FAILED = 0.02  # of the runs, for a verdict
MOST_MOVED = 0.05  # of a best share between methods, without a caution
LEAST_PAIRS = 6  # seeds for any verdict: the exact two-sided p of fewer is never below 0.05
ROUNDING = 1e-6  # of two ends that stand for one


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its confidence interval; `None` where the data give none.

    Args:
        estimate: The point estimate.
        low: Lower end of the interval.
        high: Upper end.
        level: Its confidence, in (0, 1).
    """

    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.95

    def overlaps(self, other: "Interval") -> bool | None:
        """Whether two intervals have a value in common; `None` where one of them has no ends."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return None
        return self.low <= other.high + ROUNDING and other.low <= self.high + ROUNDING

    def contains(self, value: float) -> bool:
        """Whether there is an interval and the value lies in it."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Band:
    """A fitted curve with its pointwise confidence band, each `[m]`.

    Args:
        x: Where it is evaluated, rising.
        y: The fit.
        low: Lower end of the band.
        high: Upper end.
    """

    x: Floats
    y: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Log loss at a decoder share less that at an even split, within structures.

    Args:
        share: The decoder share; one half for a mirrored decoder.
        family: The mean over structures, with Student's interval over structures: for the family
            of networks that these were drawn from.
        networks: The same mean with Student's interval over seeds: for these very structures.
        p: Two-sided, over structures, of no difference; `None` without an interval.
        p_holm: The same, adjusted for both primary contrasts; `None` for others.
        structures: How many have both.
        runs: Pairs of runs behind it.
        primary: Whether it was fixed beforehand.
        sampling: Standard deviation of the mean by the sampling of the validation data, contained
            in both intervals; `None` where losses of single examples are unknown.
    """

    share: float
    family: Interval
    networks: Interval
    p: float | None
    p_holm: float | None = None
    structures: int
    runs: int
    primary: bool = False
    sampling: float | None = None


@dataclass(frozen=True, kw_only=True)
class Failures:
    """Runs that failed, their retry too.

    Args:
        failed: How many.
        runs: How many ended, those among them.
        by_share: Failed runs by decoder share.
        p: Fisher's exact test of failures differing by share; `None` if there is nothing to test.
    """

    failed: int = 0
    runs: int = 0
    by_share: Mapping[float, int] = field(default_factory=dict)
    p: float | None = None


@dataclass(frozen=True, kw_only=True)
class Components:
    """Standard deviations of log loss within structures.

    Args:
        interaction: Of structure × share: what a structure makes of one share, apart from its level
            and the average curve.
        seed: Between seeds of one network.
        sampling: Of a contrast, by the sampling of the validation data; it does not shrink with
            more runs.
    """

    interaction: float
    seed: float
    sampling: float = 0.0


@dataclass(frozen=True, kw_only=True)
class BudgetShare:
    """What a sweep shows at one budget.

    In a blocked sweep, share, cost and curve are from the budget's own runs and assume no law; in
    sweeps of versions before, which have no blocks, they are by the law (`pooled`).

    Args:
        budget: Parameters (or MACs) of both sides together.
        share: The decoder share with the lowest loss, in (0, 1).
        tolerance: Relative loss above the lowest that still counts as good: 0.01 is one per cent.
        within: The shares whose fitted loss is within the tolerance of the lowest; no confidence
            interval but a property of the fit. `estimate` is `None`.
        cost_of_even_split: Loss at a share of one half over the loss at the best share, minus one:
            0.006 is 0.6 %. The interval may reach below zero.
        cross_check: The best share by a Gaussian process on the logit share, which assumes no law.
        curve: Fitted loss against decoder share.
        at_edge: Whether the best share is at the edge of the shares that were trained.
        architectures: Distinct architectures trained at this budget.
        runs: Finished runs at this budget.
        edge_rates: The part of its learning rates that are best at an end of those tried; `None`
            where that cannot be judged.
        level: Confidence of the intervals, in (0, 1).
        structures: Blocks; 0 in a sweep without.
        contrasts: Every trained share against one half, by rising share.
        mirroring: The mirrored decoder of the same encoder against the even split.
        pooled: The best share by the law fitted to all budgets.
        pooled_cost: The cost of an even split by it.
        wide_prior: The best share by the law with a prior four times wider.
        failures: Runs that failed.
        outliers: Networks far off what structure and share make likely, by share, which the curve
            leaves out.
        departs: Whether the structures' means depart from the fitted curve beyond chance.
        components: What varies within structures; `None` where it cannot be estimated.
        detectable: The smallest relative difference from an even split that a sweep of as many
            structures and seeds shows with power .8; `None` without components.
    """

    budget: int
    share: Interval
    tolerance: float
    within: Interval
    cost_of_even_split: Interval
    cross_check: Interval
    curve: Band
    at_edge: bool
    architectures: int
    runs: int
    edge_rates: float | None = None
    level: float = 0.95
    structures: int = 0
    contrasts: tuple[Contrast, ...] = ()
    mirroring: Contrast | None = None
    pooled: Interval = Interval()
    pooled_cost: Interval = Interval()
    wide_prior: Interval = Interval()
    failures: Failures = Failures()
    outliers: Mapping[float, int] = field(default_factory=dict)
    departs: bool = False
    components: Components | None = None
    detectable: float | None = None

    @property
    def primary(self) -> tuple[Contrast, ...]:
        """The contrasts that were fixed beforehand and have an interval."""
        fixed = (contrast for contrast in self.contrasts if contrast.primary)
        return tuple(contrast for contrast in fixed if contrast.family.low is not None)

    @property
    def rates_too_narrow(self) -> bool:
        """Whether too many learning rates are best at an end of their range for a verdict."""
        return self.edge_rates is not None and self.edge_rates > MOST_EDGE_RATES

    @property
    def borrowed(self) -> bool:
        """Whether only the law, by its form or other budgets' rows, excludes an even split."""
        own, pooled = self.share, self.pooled
        known = own.low is not None and pooled.low is not None
        return known and own.contains(EVEN) and not pooled.contains(EVEN)

    @property
    def disagreeing(self) -> tuple[Method, ...]:
        """The methods whose best share is another than the law's, or the law's than the rows' own.

        Two shares are others if they are more than .05 apart, or either is outside the other's
        interval.
        """
        law = self.pooled
        others: dict[Method, Interval] = {
            "pooled": self.share,
            "wide prior": self.wide_prior,
            "gaussian process": self.cross_check,
        }
        return tuple(name for name, other in others.items() if _differ(law, other))

    @property
    def outcome(self) -> ShareOutcome:
        """Which side should be the larger one, if that is shown.

        In a blocked sweep, by the primary contrasts, log loss at one third and at two thirds less
        that at one half:

        - *no difference that matters* if neither interval reaches a gain of the tolerance and the
          cost of an even split is below it, so that nothing is to be gained wherever the optimum
          lies; not where the sampling of the validation data alone moves a contrast that much;
        - *decoder-heavy* if two thirds are better than one half, by a p adjusted for both
          contrasts, and one third is not; *encoder-heavy* the reverse. An optimum beyond two thirds
          leaves them better than one half, so that no share farther out is needed;
        - *inconclusive* otherwise: an optimum between one half and two thirds can be better than
          both by more than the tolerance without either contrast showing it.

        No verdict is given where more than a tenth of the learning rates are at an end of their
        range, more than 2 % of the runs failed, or failures differ by share. `why` says which.

        Without blocks, *no difference that matters* if the interval of the cost ends below the
        tolerance; a side if the interval of the best share excludes one half and that of the cost
        lies above zero.
        """
        return self._verdict[0]

    @property
    def why(self) -> tuple[Reason, ...]:
        """Why it is inconclusive; empty if it is not."""
        return self._verdict[1]

    @property
    def _verdict(self) -> tuple[ShareOutcome, tuple[Reason, ...]]:
        if withheld := self._withheld():
            return "inconclusive", withheld
        return self._by_contrasts() if self.structures else self._by_law()

    def _withheld(self) -> tuple[Reason, ...]:
        """What forbids a verdict whatever the losses are."""
        failures, reasons = self.failures, list[Reason]()
        if self.rates_too_narrow:
            reasons.append("learning rates at an end")
        if failures.failed > MOST_FAILED * failures.runs:
            reasons.append("failed runs")
        if failures.p is not None and failures.p < 1 - self.level:
            reasons.append("failures differ by share")
        if self.structures and len(self.primary) < len(PRIMARY):
            reasons.append("no interval")
        return tuple(reasons)

    def _by_contrasts(self) -> tuple[ShareOutcome, tuple[Reason, ...]]:
        matters, cost = math.log1p(self.tolerance), self.cost_of_even_split
        gains = [-(contrast.family.low or 0.0) for contrast in self.primary]
        if max(gains) < matters and cost.high is not None and cost.high < self.tolerance:
            reach = NormalDist().inv_cdf((1 + self.level) / 2)
            if any(reach * (contrast.sampling or 0.0) > matters for contrast in self.primary):
                return "inconclusive", ("sampling error",)
            return "no difference that matters", ()
        better = {
            contrast.share > EVEN
            for contrast in self.primary
            if (contrast.family.estimate or 0.0) < 0 and (contrast.p_holm or 0.0) < 1 - self.level
        }
        if len(better) > 1:
            return "inconclusive", ("both sides better",)
        if better:
            return ("decoder-heavy" if better.pop() else "encoder-heavy"), ()
        return "inconclusive", ("wide intervals",)

    def _by_law(self) -> tuple[ShareOutcome, tuple[Reason, ...]]:
        share, cost = self.share, self.cost_of_even_split
        if share.low is None or cost.low is None or cost.high is None:
            return "inconclusive", ("no interval",)
        if cost.high < self.tolerance:
            return "no difference that matters", ()
        if not share.contains(EVEN) and cost.low > 0:
            return ("decoder-heavy" if share.low > EVEN else "encoder-heavy"), ()
        return "inconclusive", ("wide intervals",)


def _differ(one: Interval, other: Interval) -> bool:
    """Whether two best shares are too far apart to be called one."""
    if one.estimate is None or other.estimate is None:
        return False
    apart = abs(one.estimate - other.estimate) > MOST_MOVED
    outside = other.low is not None and not other.contains(one.estimate)
    return apart or outside or (one.low is not None and not one.contains(other.estimate))


@dataclass(frozen=True, kw_only=True)
class Stratum:
    """How much of a sweep finished at one budget.

    Args:
        budget: Parameters of both sides together.
        shares: Distinct decoder shares.
        architectures: Distinct architectures.
    """

    budget: int
    shares: int
    architectures: int


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of a sweep can be inferred from, whatever is fitted to it.

    Args:
        rejected: Finished runs without a positive finite loss or without sizes.
        strata: What finished at each budget, rising; empty if nothing did.
        loss_varies: Whether the losses differ at all.
        seeds_replicated: Whether an architecture has two finished seeds.
        shares_replicated: Whether a budget and share has two architectures.
    """

    rejected: int = 0
    strata: tuple[Stratum, ...] = ()
    loss_varies: bool = False
    seeds_replicated: bool = False
    shares_replicated: bool = False


@dataclass(frozen=True, kw_only=True)
class ShareInference:
    """Where the best decoder share lies, budget by budget.

    Args:
        law: The scaling law with the lower held-out error; `None` if none could be fitted.
        held_out: Root mean squared error of log loss on held-out architectures, by law.
        budgets: One entry per budget, rising; empty if nothing can be concluded.
        trend: The best share against the budget, over the swept range and `REACH` beyond each end;
            `None` with one budget.
        sizes: What share and budget are of: parameters or MACs.
        deviations: Standard deviations of log loss: `architecture` (between architectures of one
            cell, structure adjusted for) and `seed` (between seeds of one architecture).
        explained: R² of the law on log loss of the clusters held out; near 0 or below, the share
            and the budget do not explain the loss.
        explained_by_share: The same against the mean of each budget; `None` if too few.
        law_odds: Share of the resamples that choose the law; `None` without resamples.
        departs: Whether the means of the shares depart from the law beyond chance.
        outliers: Architectures far off the law, which are given little weight.
        coverage: How much of the sweep could be inferred from.
    """

    law: Law | None = None
    held_out: Mapping[str, float] = field(default_factory=dict)
    budgets: tuple[BudgetShare, ...] = ()
    trend: Band | None = None
    sizes: Sizes = "params"
    deviations: Mapping[str, float] = field(default_factory=dict)
    explained: float | None = None
    explained_by_share: float | None = None
    law_odds: float | None = None
    departs: bool = False
    outliers: int = 0
    coverage: Coverage = Coverage()


class Scored(Protocol):
    """What is compared, pair by pair."""

    @property
    def name(self) -> str:
        """Distinct among those that are compared."""

    @property
    def scores(self) -> Mapping[int, float]:
        """A loss by seed."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One architecture of a confirmation.

    Args:
        name: `best`, `runner-up 1`, `symmetric`, `mirror`, `reference`, …
        params: Trainable parameters.
        macs: MACs of encoding and decoding one example.
        decoder_share: In (0, 1).
        learning_rate: It was trained with.
        scores: Test loss by seed; a run that failed is missing.
        metrics: Other test metrics by name, each by seed.
    """

    name: str
    params: int
    macs: int
    decoder_share: float
    learning_rate: float
    scores: Mapping[int, float]
    metrics: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two contenders paired by seed.

    Args:
        first: The contender it is about.
        second: The one it is held against.
        pairs: Seeds that both have a score for.
        differences: Loss of `second` over that of `first`, minus one, by seed: positive where
            `first` is better.
        difference: Hodges-Lehmann estimate of these, with the interval that inverts the exact
            Wilcoxon test; its `level` is the exact one, 0.96875 for six pairs.
        p: Exact two-sided Wilcoxon signed-rank test; `None` where there is none.
        p_holm: The same, adjusted over all comparisons.
        effect: Matched-pairs rank-biserial correlation, from -1 to 1.
        margin: Half the width of the region of practical equivalence: 0.01 is one per cent.
        outcome: `equivalent` where the interval lies within the region; `better` or `worse` where
            the adjusted p is below the level and the interval excludes zero; `undecided` otherwise,
            and always below six pairs.
        comparisons: How many p was adjusted for.
        level: What the adjusted p must be below.
        lacking: The fewest seeds with which it could be; `None` if it could with those there are.
        left_out: Seeds without two losses that can be compared.
    """

    first: str
    second: str
    pairs: int
    differences: Mapping[int, float]
    difference: Interval
    p: float | None
    p_holm: float | None
    effect: float | None
    margin: float
    outcome: Outcome
    comparisons: int = 1
    level: float = 0.05
    lacking: int | None = None
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class SearchPair:
    """The best of a free and of a symmetric search of one seed.

    Args:
        free: Name of the free search's best.
        symmetric: Name of the symmetric search's best; the same where both found one architecture.
        difference: Mean loss of `symmetric` over that of `free`, minus one: geometric, over the
            seeds that both were retrained with.
        seeds: How many those are.
        size: Parameters of `symmetric` over those of `free`.
    """

    free: str
    symmetric: str
    difference: float
    seeds: int
    size: float


@dataclass(frozen=True, kw_only=True)
class SearchComparison:
    """What the constraint of mirrored sides costs a search, over pairs of searches.

    Args:
        pairs: One per seed of a search.
        difference: Relative difference of the symmetric searches' losses: geometric mean over the
            pairs, with Student's t interval; no ends below three pairs.
        p: Two-sided, of the same t; `None` below three pairs.
        margin: Half the width of the region of practical equivalence.
        outcome: `better` where free searches are; `undecided` always below three pairs.
    """

    pairs: tuple[SearchPair, ...]
    difference: Interval
    p: float | None
    margin: float
    outcome: Outcome
