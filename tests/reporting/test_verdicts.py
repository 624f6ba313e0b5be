from dataclasses import replace

import numpy as np
import pytest

from asymnas.analysis.comparison import compare
from asymnas.analysis.estimates import (
    Band,
    BudgetShare,
    Contender,
    Coverage,
    Interval,
    SearchComparison,
    SearchPair,
    ShareInference,
    Stratum,
)
from asymnas.analysis.laws.synthetic import synthetic_sweep, truth_with_share
from asymnas.analysis.share import infer_share
from asymnas.reporting.verdicts import (
    cautions,
    comparison_reason,
    comparison_sentence,
    searches_sentences,
    share_verdict,
)

SHARES = np.linspace(0.1, 0.9, 5)
ENTRY = BudgetShare(
    budget=150_000,
    share=Interval(estimate=0.41, low=0.33, high=0.5),
    tolerance=0.01,
    within=Interval(low=0.28, high=0.55),
    cost_of_even_split=Interval(estimate=0.006, low=-0.002, high=0.014),
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
        cost_of_even_split=Interval(estimate=0.006, low=cost[0], high=cost[1]),
        **changes,
    )


def verdict(of, deviations=None):
    inference = ShareInference(law="additive", budgets=(of,), deviations=deviations or {})
    return " ".join(share_verdict(inference, "digits")).replace("\N{NO-BREAK SPACE}", " ")


def test_the_sentence_gives_figures_and_what_they_come_to():
    assert verdict(ENTRY, {"architecture": 0.08, "seed": 0.03}) == (
        "At 150k parameters on digits the best decoder share is 0.41 (95 % 0.33–0.50); by the fit, "
        "anything from 0.28 to 0.55 is within 1 %. "
        "An even split costs 0.6 % (−0.2 to 1.4 %): inconclusive; more architectures per share "
        "would narrow the interval."
    )


def test_what_would_help_is_what_is_most_of_the_noise():
    assert "more seeds of each architecture would" in verdict(
        ENTRY, {"architecture": 0.01, "seed": 0.1}
    )
    assert "more architectures and seeds per share would" in verdict(ENTRY)


def test_no_difference_that_matters_can_be_reached():
    assert verdict(entry(cost=(0.001, 0.009))).endswith(
        "An even split costs 0.6 % (0.1 to 0.9 %): no difference that matters."
    )


@pytest.mark.parametrize(
    ("cost", "size"),
    [
        ((0.02, 0.04), "an even split costs more than 1 %."),
        ((0.001, 0.04), "whether an even split costs more than 1 % is open."),
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
        (replace(ENTRY, cost_of_even_split=Interval()), "one half is not among the shares trained"),
    ],
)
def test_what_is_missing_is_said(changed, said):
    text = verdict(changed)
    assert said in text
    assert "None" not in text


def test_units_are_those_of_the_inference():
    inference = ShareInference(budgets=(replace(ENTRY, budget=12_345_678),), sizes="macs")
    assert share_verdict(inference, "digits")[0].startswith("At 12.3M MACs on digits")


def test_nothing_gives_the_reasons():
    assert share_verdict(ShareInference(), "digits") == [
        "No best decoder share can be inferred on digits.",
        "No measuring run of the sweep has finished: nothing can be concluded.",
    ]


def test_a_clear_sweep_is_called_one_sentence_a_budget():
    found = infer_share(synthetic_sweep(truth_with_share("additive", 0.8)), resamples=200)
    sentences = share_verdict(found, "digits")
    assert len(sentences) == 3
    assert all("decoder should be the larger side" in sentence for sentence in sentences)


def test_an_interval_that_ends_where_the_shares_trained_end_says_so():
    assert "(95 % 0.10–0.48; 0.10 is the lowest trained)" in verdict(entry(share=(0.1, 0.48)))
    assert "(95 % 0.33–0.90; 0.90 is the highest trained)" in verdict(entry(share=(0.33, 0.9)))
    assert "trained" not in verdict(entry())


FULL = Coverage(
    strata=(Stratum(budget=150_000, shares=9, architectures=36),),
    loss_varies=True,
    seeds_replicated=True,
    shares_replicated=True,
)


def cautioned(**facts):
    """The cautions about a sweep that is beyond doubt but for these facts."""
    given = {"law": "additive", "budgets": (ENTRY,), "coverage": FULL}
    return " ".join(cautions(ShareInference(**given | facts)))


def test_a_sweep_beyond_doubt_needs_no_caution():
    assert cautioned() == ""


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rejected": 2}, "2 finished runs without a positive finite loss"),
        ({"strata": ()}, "No measuring run of the sweep has finished"),
        (
            {"strata": (Stratum(budget=9_000, shares=2, architectures=9),)},
            "Only 2 decoder shares finished at a budget of 9,000",
        ),
        (
            {"strata": (Stratum(budget=9_000, shares=3, architectures=7),)},
            "Only 7 architectures finished at a budget of 9,000",
        ),
        ({"loss_varies": False}, "The losses do not differ"),
        ({"seeds_replicated": False}, "train several seeds"),
        ({"shares_replicated": False}, "train several architectures per share"),
    ],
)
def test_what_the_design_leaves_open_is_a_caution(changes, sentence):
    assert sentence in cautioned(coverage=replace(FULL, **changes))


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"outliers": 1}, "1 outlier more than five standard deviations off the fit"),
        ({"departs": True}, "The losses depart from the additive law"),
        ({"explained_by_share": -0.1}, "The decoder share does not explain the loss"),
        ({"law_odds": 0.72}, "(additive in 72\xa0% of the resamples)"),
    ],
)
def test_what_the_fit_leaves_open_is_a_caution(facts, sentence):
    assert sentence in cautioned(**facts)
    assert sentence not in cautioned(law_odds=0.81, explained_by_share=0.1)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"at_edge": True}, "at the edge of those trained (0.10 to 0.90)"),
        ({"cost_of_even_split": Interval()}, "no share of one half was trained"),
        ({"edge_rates": 0.97}, "97\xa0% of the best learning rates lie at an end"),
        (
            {"cross_check": Interval(estimate=0.6, low=0.55, high=0.7)},
            "the law puts the best share at 0.33 to 0.50, the Gaussian process at 0.55 to 0.70",
        ),
    ],
)
def test_what_a_budget_leaves_open_is_a_caution(changes, sentence):
    assert sentence in cautioned(budgets=(replace(ENTRY, **changes),))


def test_rates_at_the_edge_withhold_the_verdict():
    clear = entry(cost=(0.02, 0.04))
    text = verdict(replace(clear, edge_rates=0.97))
    assert "An even split costs 0.6 % (2.0 to 4.0 %): inconclusive: 97 % of the best" in text
    assert "larger side" not in text
    assert "larger side" in verdict(replace(clear, edge_rates=0.1))


def test_what_only_the_law_excludes_is_said_to_come_from_where_it_comes():
    own = replace(
        entry(share=(0.1, 0.88)), structures=6, pooled=Interval(estimate=0.16, low=0.1, high=0.29)
    )
    other = replace(own, budget=20_000)
    alone = cautioned(budgets=(own,))
    assert "the law puts the best share at 0.16 (0.10 to 0.29), this budget's own runs" in alone
    assert "only the law excludes an even split, by the form that it assumes;" in alone
    among = cautioned(budgets=(own, other))
    assert "the law fitted to all budgets puts the best share at 0.16 (0.10 to 0.29)" in among
    assert "only the law excludes an even split, by what other budgets show;" in among


def test_methods_that_agree_are_no_caution():
    near = Interval(estimate=0.55, low=0.45, high=0.7)
    assert cautioned(budgets=(replace(ENTRY, cross_check=near),)) == ""


def contender(name, scores):
    by_seed = scores if isinstance(scores, dict) else dict(enumerate(map(float, scores)))
    return Contender(
        name=name, params=9, macs=9, decoder_share=0.5, learning_rate=1e-3, scores=by_seed
    )


def against(first, second, names=("a", "b")):
    (comparison,) = compare(
        [contender(names[0], first), contender(names[1], second)], names[0], [names[1]]
    )
    return comparison


def test_a_comparison_gives_the_figures_in_the_direction_of_its_word():
    worse = 1 + np.arange(2, 10) / 1000
    names = ("best", "symmetric")
    assert comparison_sentence(against(np.ones(8), worse, names)) == (
        "The symmetric control is 0.5\xa0% worse than the best found (0.3 to 0.8\xa0%, "
        "p = .008 after Holm, 8 seeds): no difference that matters."
    )
    swapped = against(worse, np.ones(8))
    assert "is 0.5\xa0% better than" in comparison_sentence(swapped)
    assert "(0.3 to 0.8" in comparison_sentence(swapped)
    assert comparison_sentence(against({0: 1.0}, {1: 1.0})).startswith(
        "The b and the a have no seed in common: inconclusive. 0 pairs give no verdict"
    )
    assert "is by estimate as good as the a" in comparison_sentence(against([1.0] * 6, [1.0] * 6))


def test_the_reason_of_a_wide_interval_names_margin_and_level():
    wide = against([1, 1, 1, 1, 1, 1, 1], [0.9, 1.1, 1.05, 0.97, 1.02, 0.99, 1.04])
    assert comparison_reason(wide) == (
        "The interval reaches beyond ±1\xa0% and p is not below .05."
    )


def test_the_reason_says_how_many_seeds_several_comparisons_take():
    contenders = [contender("a", [1.0] * 6), *(contender(n, [1.1] * 6) for n in "bcd")]
    for comparison in compare(contenders, "a", "bcd"):
        assert comparison_reason(comparison) == (
            "With 6 pairs and 3 comparisons no adjusted p below .05 is possible: it takes at "
            "least 7 seeds."
        )


def test_seeds_left_out_are_counted_in_the_reason():
    scores = dict.fromkeys(range(6), 1.0)
    left_out = against({**scores, 6: np.nan, 7: 0.0}, {**scores, 6: 1.0, 7: 1.0, 8: 1.0})
    assert "3 seeds left out" in comparison_reason(left_out)
    few = against([1.0] * 5, [2.0] * 5)
    assert comparison_reason(few) == "5 pairs give no verdict: it takes at least 6 seeds."


def compared_searches(pairs=3, size=1.0, **changes):
    pair = SearchPair(free="best", symmetric="symmetric", difference=0.02, seeds=8, size=size)
    found = SearchComparison(
        pairs=(pair,) * pairs,
        difference=Interval(estimate=0.021, low=0.004, high=0.038),
        p=0.03,
        margin=0.01,
        outcome="better",
    )
    return replace(found, **changes)


def test_searches_in_a_sentence():
    assert searches_sentences(compared_searches()) == [
        "Over 3 pairs of searches, a symmetric search ends 2.1\xa0% worse than a free one of the "
        "same length (0.4 to 3.8\xa0%, p = .03): a difference beyond chance."
    ]
    (open_question,) = searches_sentences(
        compared_searches(
            difference=Interval(estimate=-0.005, low=-0.03, high=0.02), outcome="undecided"
        )
    )
    assert "ends 0.5\xa0% better" in open_question
    assert "inconclusive. More pairs (--searches, with --fresh)" in open_question


def test_one_pair_of_searches_is_about_its_networks_alone():
    (sentence,) = searches_sentences(
        compared_searches(1, difference=Interval(estimate=0.02), p=None, outcome="undecided")
    )
    assert "it takes 3 (--searches 3 --fresh)" in sentence
    assert "about the networks at hand" in sentence
    assert searches_sentences(compared_searches(0, difference=Interval())) == []


def test_pairs_that_are_not_of_equal_size_are_named():
    assert len(searches_sentences(compared_searches(size=0.98))) == 1
    assert "not of equal size" in searches_sentences(compared_searches(size=0.8))[1]


def test_outliers_are_named_by_share():
    far_off = replace(ENTRY, structures=6, outliers={0.8: 1, 8 / 9: 2})
    text = cautioned(budgets=(far_off,))
    assert "3 networks ended far off what structure and share make likely" in text
    assert "1 at 0.8, 2 at 0.89" in text.replace("0.80", "0.8")
    assert "poor local optimum" not in cautioned(budgets=(replace(far_off, outliers={}),))
