"""What the inferences return: plain values, for the summary, the verdicts and the figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Law = Literal["additive", "multiplicative"]
Sizes = Literal["params", "macs"]

#: What a comparison can come to, seen from the first of the two.
Outcome = Literal["better", "worse", "equivalent", "undecided"]

#: What a sweep can come to at a budget: the shares differ from an even split, or do not, or neither
#: is shown.
ShareOutcome = Literal["asymmetric", "equivalent", "undecided"]

EVEN = 0.5  # the decoder share of an even split
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
class BudgetShare:
    """What a sweep shows at one budget.

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
        edge_rates: The part of its architectures whose best learning rate is the lowest or the
            highest of those tried; `None` where fewer than three were.
        rates: Learning rates tried.
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
    rates: int = 0

    @property
    def rates_too_narrow(self) -> bool:
        """Whether more best rates lie at an end of their range than half, and than by chance."""
        return self.edge_rates is not None and self.edge_rates > max(1 / 2, 2 / self.rates)

    @property
    def outcome(self) -> ShareOutcome:
        """Whether an even split will do at this budget.

        `equivalent` where the interval of its cost ends below the tolerance, wherever the best
        share lies; `asymmetric` where the best share's interval excludes one half and the cost's
        lies above zero; `undecided` otherwise, and where the range of learning rates was too
        narrow: shares whose best rate lies beyond it would look worse than they are.
        """
        share, cost = self.share, self.cost_of_even_split
        if self.rates_too_narrow or share.low is None or cost.low is None or cost.high is None:
            return "undecided"
        if cost.high < self.tolerance:
            return "equivalent"
        if not share.contains(EVEN) and cost.low > 0:
            return "asymmetric"
        return "undecided"


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
