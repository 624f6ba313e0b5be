"""What the inferences return: plain values, for the summary, the verdict and the figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Law = Literal["additive", "multiplicative"]
Sizes = Literal["params", "macs"]

#: What budgets count, in words.
COUNTED: dict[Sizes, str] = {"params": "parameters", "macs": "MACs"}

#: What a comparison can come to, seen from the first of the two.
Outcome = Literal["better", "worse", "equivalent", "undecided"]


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
class BudgetSplit:
    """What a sweep says of one budget.

    Args:
        budget: Parameters (or MACs) of both sides together.
        share: The decoder share with the lowest loss, in (0, 1).
        tolerance: Relative loss above the lowest that still counts as good: 0.01 is one per cent.
        within: The shares whose fitted loss is within the tolerance of the lowest; no confidence
            interval but a property of the fit. `estimate` is `None`.
        cost_of_symmetry: Loss at a share of one half over the loss at the best share, minus one:
            0.006 is 0.6 %. The interval may reach below zero.
        cross_check: The best share by a Gaussian process on the logit share, which knows no law.
        curve: Fitted loss against decoder share.
        at_edge: Whether the best share is at the edge of the shares that were trained.
        architectures: Distinct architectures trained at this budget.
        runs: Finished runs at this budget.
    """

    budget: int
    share: Interval
    tolerance: float
    within: Interval
    cost_of_symmetry: Interval
    cross_check: Interval
    curve: Band
    at_edge: bool
    architectures: int
    runs: int


@dataclass(frozen=True, kw_only=True)
class SplitInference:
    """Where the best share lies, budget by budget.

    Args:
        law: The scaling law with the lower held-out error; `None` if none could be fitted.
        held_out: Root mean squared error of log loss on held-out architectures, by law.
        budgets: One entry a budget, rising; empty if nothing can be concluded.
        trend: The best share against the budget, over the swept range and `REACH` beyond each end;
            `None` with one budget.
        sizes: What share and budget are of: parameters or MACs.
        deviations: Standard deviations of log loss: `architecture` (between architectures of one
            cell, structure adjusted for) and `seed` (between seeds of one architecture).
        cautions: What cannot be concluded, and why, one sentence each.
        explained: R² of the law on log loss of the clusters held out; near 0 or below, the share
            and the budget do not explain the loss.
    """

    law: Law | None = None
    held_out: Mapping[str, float] = field(default_factory=dict)
    budgets: tuple[BudgetSplit, ...] = ()
    trend: Band | None = None
    sizes: Sizes = "params"
    deviations: Mapping[str, float] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()
    explained: float | None = None


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
            the adjusted p is below 0.05 and the interval excludes zero; `undecided` otherwise,
            and always below six pairs.
        reason: The outcome in a sentence.
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
    reason: str
