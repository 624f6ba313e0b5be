from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.analysis.estimates import Band, BudgetSplit, Interval, SplitInference
from asymnas.analysis.laws.optimum import infer_split
from asymnas.analysis.laws.synthetic import synthetic_sweep, truth_with_share
from asymnas.analysis.verdict import split_outcome, split_verdict

SHARES = np.linspace(0.1, 0.9, 5)
ENTRY = BudgetSplit(
    budget=150_000,
    share=Interval(estimate=0.41, low=0.33, high=0.5),
    tolerance=0.01,
    within=Interval(low=0.28, high=0.55),
    cost_of_symmetry=Interval(estimate=0.006, low=-0.002, high=0.014),
    cross_check=Interval(),
    curve=Band(x=SHARES, y=SHARES, low=SHARES, high=SHARES),
    at_edge=False,
    architectures=36,
    runs=108,
)


def entry(share=(0.33, 0.48), cost=(0.001, 0.02), **changes):
    return replace(
        ENTRY,
        share=Interval(estimate=0.41, low=share[0], high=share[1]),
        cost_of_symmetry=Interval(estimate=0.006, low=cost[0], high=cost[1]),
        **changes,
    )


def verdict(of, deviations=None):
    inference = SplitInference(law="additive", budgets=(of,), deviations=deviations or {})
    return " ".join(split_verdict(inference, "digits")).replace("\N{NO-BREAK SPACE}", " ")


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
    assert split_outcome(entry(share, cost)) == outcome


ENDS = st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)).map(sorted)
COSTS = st.tuples(st.floats(-0.05, 0.2), st.floats(-0.05, 0.2)).map(sorted)


@given(ENDS, COSTS)
def test_a_claim_needs_both_intervals_and_a_cost_that_may_matter(share, cost):
    outcome = split_outcome(entry(share, cost))
    half_is_out = share[1] < 0.5 or share[0] > 0.5
    assert (outcome == "equivalent") == (cost[1] < 0.01)
    assert (outcome == "asymmetric") == (half_is_out and cost[0] > 0 and cost[1] >= 0.01)


def test_the_sentence_gives_figures_and_what_they_come_to():
    assert verdict(ENTRY, {"architecture": 0.08, "seed": 0.03}) == (
        "At 150k parameters on digits the best decoder share is 0.41 (95 % 0.33–0.50); by the fit, "
        "anything from 0.28 to 0.55 is within 1 %. "
        "Symmetry costs 0.6 % (−0.2 to 1.4 %): cannot tell; more architectures a share would "
        "narrow this."
    )


def test_what_would_help_is_what_is_most_of_the_noise():
    assert "more seeds of each architecture would" in verdict(
        ENTRY, {"architecture": 0.01, "seed": 0.1}
    )
    assert "more architectures and seeds a share would" in verdict(ENTRY)


def test_no_difference_that_matters_can_be_reached():
    assert verdict(entry(cost=(0.001, 0.009))).endswith(
        "Symmetry costs 0.6 % (0.1 to 0.9 %): no difference that matters."
    )


@pytest.mark.parametrize(
    ("cost", "size"),
    [
        ((0.02, 0.04), "one half costs more than 1 %."),
        ((0.001, 0.04), "whether one half costs more than 1 % is open."),
    ],
)
def test_a_claim_names_the_side_and_the_size(cost, size):
    text = verdict(entry(cost=cost))
    assert "the encoder should be the larger side" in text
    assert text.endswith(size)
    larger = entry((0.6, 0.7), cost)
    mirrored = replace(larger, share=replace(larger.share, estimate=0.65))
    assert "the decoder should be the larger side" in verdict(mirrored)


def test_an_edge_is_named():
    assert "at the edge of those trained (0.10 to 0.90): the optimum may lie beyond" in verdict(
        entry(at_edge=True)
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (entry((None, None), (None, None)), "36 architectures are too few"),
        (entry(cost=(None, None)), "no scaling law fits these losses"),
        (replace(ENTRY, cost_of_symmetry=Interval()), "no share of one half lies among"),
    ],
)
def test_what_is_missing_is_said(changed, said):
    text = verdict(changed)
    assert said in text
    assert "None" not in text


def test_units_are_those_of_the_inference():
    inference = SplitInference(budgets=(replace(ENTRY, budget=12_345_678),), sizes="macs")
    assert split_verdict(inference, "digits")[0].startswith("At 12.3M MACs on digits")


def test_nothing_gives_the_reasons():
    empty = SplitInference(cautions=("No measuring run has finished.",))
    assert split_verdict(empty, "digits") == [
        "No best decoder share can be told on digits.",
        "No measuring run has finished.",
    ]


def test_a_clear_sweep_is_called_one_sentence_a_budget():
    found = infer_split(synthetic_sweep(truth_with_share("additive", 0.8)), resamples=200)
    sentences = split_verdict(found, "digits")
    assert len(sentences) == 3
    assert all("decoder should be the larger side" in sentence for sentence in sentences)


def test_an_interval_that_ends_where_the_shares_trained_end_says_so():
    assert "(95 % 0.10–0.48; 0.10 is the lowest trained)" in verdict(entry(share=(0.1, 0.48)))
    assert "(95 % 0.33–0.90; 0.90 is the highest trained)" in verdict(entry(share=(0.33, 0.9)))
    assert "trained" not in verdict(entry())
