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
        ((0.33, 0.48), (0.001, 0.02), "asymmetric"),
        ((0.33, 0.48), (0.02, 0.04), "asymmetric"),
        ((0.33, 0.52), (0.001, 0.02), "undecided"),
        ((0.33, 0.48), (-0.001, 0.02), "undecided"),
        ((0.33, 0.52), (-0.001, 0.009), "equivalent"),
        ((0.33, 0.48), (0.001, 0.009), "equivalent"),
        ((0.33, 0.52), (-0.001, 0.01), "undecided"),
        ((None, None), (None, None), "undecided"),
        ((0.33, 0.48), (None, None), "undecided"),
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
    assert (outcome == "equivalent") == (cost[1] < 0.01)
    assert (outcome == "asymmetric") == (half_is_out and cost[0] > 0 and cost[1] >= 0.01)


@pytest.mark.parametrize(
    ("edge", "rates", "narrow"),
    [(None, 2, False), (0.66, 3, False), (0.7, 3, True), (0.5, 8, False), (0.51, 8, True)],
)
def test_more_rates_at_an_end_than_half_and_than_by_chance_withhold_the_outcome(
    edge, rates, narrow
):
    clear = replace(entry(cost=(0.02, 0.04)), edge_rates=edge, rates=rates)
    assert clear.rates_too_narrow == narrow
    assert clear.outcome == ("undecided" if narrow else "asymmetric")
