from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.analysis.estimates import Band, BudgetShare, Interval

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
