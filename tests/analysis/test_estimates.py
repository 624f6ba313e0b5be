from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.analysis.estimates import Band, BudgetShare, Contrast, Failures, Interval

ENDS = np.array([0.1, 0.9])


def entry(share=(0.33, 0.48), cost=(0.001, 0.02)):
    return BudgetShare(
        budget=150_000,
        share=Interval(estimate=0.41, low=share[0], high=share[1]),
        tolerance=0.01,
        within=Interval(low=0.28, high=0.55),
        cost_of_even_split=Interval(estimate=0.006, low=cost[0], high=cost[1]),
        cross_check=Interval(),
        curve=Band(x=ENDS, y=ENDS, low=ENDS, high=ENDS),
        at_edge=False,
        architectures=36,
        runs=108,
    )


@pytest.mark.parametrize(
    ("share", "cost", "outcome"),
    [
        ((0.33, 0.48), (0.001, 0.02), "encoder-heavy"),
        ((0.52, 0.68), (0.02, 0.04), "decoder-heavy"),
        ((0.33, 0.52), (0.001, 0.02), "inconclusive"),
        ((0.33, 0.48), (-0.001, 0.02), "inconclusive"),
        ((0.33, 0.52), (-0.001, 0.009), "no difference that matters"),
        ((0.33, 0.48), (0.001, 0.009), "no difference that matters"),
        ((0.33, 0.52), (-0.001, 0.01), "inconclusive"),
        ((None, None), (None, None), "inconclusive"),
        ((0.33, 0.48), (None, None), "inconclusive"),
    ],
)
def test_the_outcome_follows_the_intervals(share, cost, outcome):
    assert entry(share, cost).outcome == outcome


SHARES = st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)).map(sorted)
COSTS = st.tuples(st.floats(-0.05, 0.2), st.floats(-0.05, 0.2)).map(sorted)


@given(SHARES, COSTS)
def test_a_claim_needs_both_intervals_and_a_cost_that_may_matter(share, cost):
    outcome = entry(share, cost).outcome
    half_is_out = share[1] < 0.5 or share[0] > 0.5
    assert (outcome == "no difference that matters") == (cost[1] < 0.01)
    assert outcome.endswith("heavy") == (half_is_out and cost[0] > 0 and cost[1] >= 0.01)


@pytest.mark.parametrize(("edge", "narrow"), [(None, False), (0.1, False), (0.11, True)])
def test_more_than_a_tenth_of_the_rates_at_an_end_withhold_the_outcome(edge, narrow):
    clear = replace(entry(cost=(0.02, 0.04)), edge_rates=edge)
    assert clear.rates_too_narrow == narrow
    assert clear.outcome == ("inconclusive" if narrow else "encoder-heavy")
    assert clear.why == (("learning rates at an end",) if narrow else ())


def contrast(share, estimate, half, sampling=None):
    """A primary contrast; its p is below the level where its interval excludes zero."""
    return Contrast(
        share=share,
        family=Interval(estimate=estimate, low=estimate - half, high=estimate + half),
        networks=Interval(),
        p=0.01,
        p_holm=0.02 if abs(estimate) > half else 0.6,
        structures=6,
        runs=12,
        primary=True,
        sampling=sampling,
    )


def blocked(below, above, cost=(0.0, 0.05), sampling=None, **changes):
    """A blocked budget with its contrasts at one and two thirds, each an estimate and a half."""
    contrasts = (contrast(1 / 3, *below, sampling), contrast(2 / 3, *above, sampling))
    return replace(entry(cost=cost), structures=6, contrasts=contrasts, **changes)


HIGHER, LOWER, NIL = (0.05, 0.02), (-0.05, 0.02), (0.0, 0.02)


@pytest.mark.parametrize(
    ("below", "above", "outcome", "why"),
    [
        (HIGHER, LOWER, "decoder-heavy", ()),
        (NIL, LOWER, "decoder-heavy", ()),
        (LOWER, NIL, "encoder-heavy", ()),
        (LOWER, LOWER, "inconclusive", ("both sides better",)),
        (HIGHER, HIGHER, "inconclusive", ("wide intervals",)),
        (NIL, NIL, "inconclusive", ("wide intervals",)),
    ],
)
def test_the_primary_contrasts_give_the_side(below, above, outcome, why):
    result = blocked(below, above)
    assert (result.outcome, result.why) == (outcome, why)


@pytest.mark.parametrize(
    ("below", "cost", "outcome"),
    [
        ((0.001, 0.005), (-0.004, 0.009), "no difference that matters"),
        ((-0.005, 0.004), (-0.004, 0.009), "no difference that matters"),
        ((0.001, 0.012), (-0.004, 0.009), "inconclusive"),
        ((0.001, 0.005), (-0.004, 0.011), "inconclusive"),
        ((0.001, 0.005), (None, None), "inconclusive"),
    ],
)
def test_no_difference_needs_contrasts_and_cost_below_the_tolerance(below, cost, outcome):
    assert blocked(below, (0.002, 0.004), cost).outcome == outcome


def test_no_difference_is_not_said_below_the_sampling_error():
    given = ((0.001, 0.005), (0.002, 0.004), (-0.004, 0.009))
    assert blocked(*given, sampling=0.004).outcome == "no difference that matters"
    coarse = blocked(*given, sampling=0.006)
    assert (coarse.outcome, coarse.why) == ("inconclusive", ("sampling error",))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"edge_rates": 0.2}, "learning rates at an end"),
        ({"failures": Failures(failed=3, runs=100)}, "failed runs"),
        ({"failures": Failures(failed=2, runs=100, p=0.01)}, "failures differ by share"),
        ({"contrasts": ()}, "no interval"),
    ],
)
def test_a_verdict_is_withheld_whatever_the_losses_are(changes, why):
    result = replace(blocked(HIGHER, LOWER), **changes)
    assert (result.outcome, result.why) == ("inconclusive", (why,))
    harmless = {"edge_rates": 0.1, "failures": Failures(failed=2, runs=100, p=0.3)}
    assert replace(blocked(HIGHER, LOWER), **harmless).outcome == "decoder-heavy"


def test_an_answer_is_borrowed_where_only_the_law_excludes_an_even_split():
    law = Interval(estimate=0.16, low=0.1, high=0.29)
    own = replace(entry(share=(0.1, 0.88)), pooled=law)
    assert own.borrowed
    assert not replace(own, share=Interval(estimate=0.2, low=0.1, high=0.4)).borrowed
    assert not replace(own, pooled=own.share).borrowed


def test_methods_disagree_when_a_point_moves_or_leaves_the_other_interval():
    law = Interval(estimate=0.41, low=0.33, high=0.48)
    agreed = replace(entry(), pooled=law)
    assert agreed.disagreeing == ()
    near = Interval(estimate=0.44, low=0.43, high=0.5)  # the law's point is outside
    assert replace(agreed, cross_check=near).disagreeing == ("gaussian process",)
    assert replace(agreed, wide_prior=Interval(estimate=0.47)).disagreeing == ("wide prior",)
    assert replace(agreed, wide_prior=Interval(estimate=0.45)).disagreeing == ()
    moved = Interval(estimate=0.5, low=0.2, high=0.7)
    assert replace(agreed, share=moved).disagreeing == ("pooled",)
