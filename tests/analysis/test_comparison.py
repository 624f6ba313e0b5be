import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from asymnas.analysis.comparison import compare, compare_searches, least_pairs
from asymnas.analysis.estimates import Contender
from asymnas.core.errors import ConfigError

LOSSES = st.lists(st.tuples(*[st.floats(0.5, 2)] * 2), min_size=6, max_size=9)
ODD = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -1.0, 5e-324, 1e308]), st.floats(0.1, 1)
)


def contender(name: str, scores) -> Contender:
    by_seed = scores if isinstance(scores, dict) else dict(enumerate(map(float, scores)))
    return Contender(
        name=name, params=9, macs=9, decoder_share=0.5, learning_rate=1e-3, scores=by_seed
    )


def against(first, second, **settings):
    (found,) = compare([contender("a", first), contender("b", second)], "a", ["b"], **settings)
    return found


def noisy(rng, size, times=1.0, noise=0.005):
    return times * np.exp(rng.normal(0, noise, size))


def naive_holm(ps):
    order = sorted(ps)
    return [min(1.0, max((len(ps) - j) * q for j, q in enumerate(order) if q <= p)) for p in ps]


def test_a_clear_difference_is_found_and_is_positive_where_the_first_is_better():
    rng = np.random.default_rng(0)
    found = against(noisy(rng, 8), noisy(rng, 8, 1.05))
    assert found.outcome == "better"
    assert found.effect == 1
    assert found.p == found.p_holm == 2 / 2**8
    assert found.difference.estimate == pytest.approx(0.05, abs=0.01)
    assert found.difference.level == pytest.approx(0.9609375)
    assert against(noisy(rng, 8, 1.05), noisy(rng, 8)).outcome == "worse"


def test_equivalence_is_reached_even_where_a_difference_is_certain():
    base = np.ones(6)
    found = against(base, base * 1.002)
    assert found.outcome == "equivalent"
    assert found.p == 0.03125
    assert against(base, base * 1.002, margin=0.001).outcome == "better"
    same = against(base, base)
    assert (same.outcome, same.p, same.effect) == ("equivalent", 1, 0)
    assert same.difference.estimate == same.difference.low == same.difference.high == 0


def test_wide_intervals_are_undecided():
    found = against([1, 1, 1, 1, 1, 1, 1], [0.9, 1.1, 1.05, 0.97, 1.02, 0.99, 1.04])
    assert found.outcome == "undecided"
    assert found.lacking is None


@pytest.mark.parametrize("pairs", range(6))
def test_below_six_pairs_there_is_no_verdict(pairs):
    found = against([1.0] * pairs, [2.0] * pairs)
    assert (found.outcome, found.pairs) == ("undecided", pairs)
    assert (found.p, found.p_holm, found.effect) == (None, None, None)
    assert (found.difference.low, found.difference.high) == (None, None)
    assert found.lacking == 6


@pytest.mark.parametrize(
    ("comparisons", "pairs"), [(1, 6), (2, 7), (3, 7), (4, 8), (6, 8), (7, 9), (100, 12)]
)
def test_least_pairs_are_the_fewest_whose_smallest_p_holds_after_holm(comparisons, pairs):
    assert least_pairs(comparisons) == pairs
    assert comparisons * 2 / 2**pairs < 0.05
    assert pairs == 6 or comparisons * 2 / 2 ** (pairs - 1) >= 0.05


def test_several_comparisons_lack_seeds():
    shown = [contender("a", [1.0] * 6), *(contender(n, [1.1] * 6) for n in "bcd")]
    for found in compare(shown, "a", "bcd"):
        assert found.outcome == "undecided"
        assert (found.comparisons, found.lacking) == (3, 7)
    enough = [replace(c, scores={**c.scores, 6: c.scores[0]}) for c in shown]
    assert {c.outcome for c in compare(enough, "a", "bcd")} == {"better"}


def test_holm_counts_every_comparison_also_those_without_a_test():
    rng = np.random.default_rng(1)
    shown = [contender("a", noisy(rng, 9)), contender("few", [1.0] * 3)]
    shown += [contender(f"b{i}", noisy(rng, 9, 1 + i / 400)) for i in range(4)]
    found = compare(shown, "a", [c.name for c in shown[1:]])
    ps = [1.0 if c.p is None else c.p for c in found]
    adjusted = [1.0 if c.p_holm is None else c.p_holm for c in found]
    assert adjusted == pytest.approx(naive_holm(ps))


@settings(max_examples=80, deadline=None)
@given(LOSSES)
def test_who_is_named_first_changes_nothing_but_the_direction(losses):
    first, second = zip(*losses, strict=True)
    one, other = against(first, second), against(second, first)
    assert one.p == other.p
    assert one.effect == -other.effect
    assert (1 + one.difference.low) * (1 + other.difference.high) == pytest.approx(1)
    assert (1 + one.difference.estimate) * (1 + other.difference.estimate) == pytest.approx(1)
    turned = {"better": "worse", "worse": "better"}
    assert one.outcome == turned.get(other.outcome, other.outcome)


@settings(max_examples=80, deadline=None)
@given(LOSSES, st.permutations(range(9)), st.sampled_from([1e-6, 3.0, 1e5]))
def test_neither_the_order_of_seeds_nor_the_unit_of_the_loss_matters(losses, order, unit):
    first, second = zip(*losses, strict=True)
    found = against(first, second)
    seeds = [seed for seed in order if seed < len(losses)]
    again = against(
        {seed: unit * first[seed] for seed in seeds}, {seed: unit * second[seed] for seed in seeds}
    )
    assert again.p == pytest.approx(found.p)
    assert again.difference.estimate == pytest.approx(found.difference.estimate, abs=1e-9)
    assert list(again.differences) == list(found.differences)


def test_the_differences_are_relative_and_the_estimate_their_geometric_middle():
    found = against([1.0, 2.0], [1.1, 1.8])
    assert found.differences == pytest.approx({0: 0.1, 1: -0.1})
    walsh = sorted([1.1 * 1.1, 1.1 * 0.9, 0.9 * 0.9])
    assert found.difference.estimate == pytest.approx(math.sqrt(walsh[1]) - 1)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.integers(0, 9), ODD), st.dictionaries(st.integers(0, 9), ODD))
def test_no_score_is_too_odd(first, second):
    found = against(first, second)
    shared = first.keys() & second.keys()
    assert found.pairs >= sum(all(0.1 <= c[s] <= 1 for c in (first, second)) for s in shared)
    assert found.pairs <= len(shared)
    assert all(math.isfinite(d) for d in found.differences.values())


def test_seeds_that_do_not_pair_are_left_out_and_counted():
    scores = dict.fromkeys(range(6), 1.0)
    found = against({**scores, 6: math.nan, 7: 0.0}, {**scores, 6: 1.0, 7: 1.0, 8: 1.0})
    assert found.pairs == 6
    assert found.left_out == 3


def test_under_the_null_false_claims_are_rare():
    """Two contenders alike, three compared: claims of any difference in 5 % of studies at most."""
    rng = np.random.default_rng(0)
    claims = 0
    for _ in range(400):
        shown = [contender(n, noisy(rng, 8, noise=0.1)) for n in "abcd"]
        found = compare(shown, "a", "bcd")
        claims += any(c.outcome in ("better", "worse") for c in found)
    assert claims <= 0.05 * 400


def test_a_difference_as_large_as_the_margin_is_rarely_called_equivalent():
    rng = np.random.default_rng(0)
    found = [against(noisy(rng, 8), noisy(rng, 8, 1.01)).outcome for _ in range(400)]
    assert found.count("equivalent") <= 0.05 * 400


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"margin": 0.0}, "margin must be above 0"),
        ({"margin": math.nan}, "margin must be"),
        ({"level": 1.0}, "level must be"),
    ],
)
def test_settings_out_of_range_are_refused(settings, shown):
    with pytest.raises(ConfigError, match=shown):
        against([1.0], [1.0], **settings)


@pytest.mark.parametrize(
    ("first", "others", "shown"),
    [("x", ["b"], "'x'; there are: a, b"), ("a", ["a"], "each once"), ("a", ["b", "b"], "once")],
)
def test_names_must_be_known_and_distinct(first, others, shown):
    with pytest.raises(ConfigError, match=shown):
        compare([contender("a", [1.0]), contender("b", [1.0])], first, others)
    with pytest.raises(ConfigError, match="distinct"):
        compare([contender("a", [1.0])] * 2, "a", ["a"])
    with pytest.raises(ConfigError, match="comparisons must be at least 1"):
        least_pairs(0)


def test_nothing_to_compare_is_no_error():
    assert compare([], "best", []) == ()


def searched(ratios, noise=0.0, seeds=4, rng=None):
    """Pairs of contenders whose losses differ by these log ratios, seeds noisy."""
    rng = rng or np.random.default_rng(0)
    contenders, pairs = [], []
    for number, ratio in enumerate(ratios):
        free, symmetric = f"free {number}", f"symmetric {number}"
        level = np.exp(rng.normal(0, 0.3))
        contenders += [
            contender(free, level * np.exp(rng.normal(0, noise, seeds))),
            contender(symmetric, level * np.exp(ratio + rng.normal(0, noise, seeds))),
        ]
        pairs.append((free, symmetric))
    return contenders, pairs


def test_searches_are_compared_by_students_t_over_pairs():
    contenders, pairs = searched([0.02, 0.05, 0.03, 0.06])
    found = compare_searches(contenders, pairs, margin=0.001)
    reference = ttest_1samp([0.02, 0.05, 0.03, 0.06], 0)
    low, high = np.expm1(reference.confidence_interval(0.95))
    assert found.difference.estimate == pytest.approx(math.expm1(0.04))
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high))
    assert found.p == pytest.approx(reference.pvalue)
    assert found.outcome == "better"
    assert [pair.difference for pair in found.pairs] == pytest.approx(
        list(np.expm1([0.02, 0.05, 0.03, 0.06]))
    )


@pytest.mark.parametrize("pairs", [0, 1, 2])
def test_fewer_than_three_pairs_of_searches_conclude_nothing(pairs):
    found = compare_searches(*searched([0.5] * pairs))
    assert (found.difference.low, found.p, found.outcome) == (None, None, "undecided")
    assert (found.difference.estimate is None) == (pairs == 0)


def test_equal_searches_are_equivalent_and_one_architecture_counts_as_no_difference():
    one = contender("one", [1.0, 1.1, 0.9])
    found = compare_searches([one], [("one", "one")] * 3)
    assert found.outcome == "equivalent"
    assert found.difference.low == found.difference.high == 0
    assert found.p == 1


def test_a_pair_whose_runs_failed_is_left_out():
    contenders, pairs = searched([0.1] * 4)
    contenders[1] = replace(contenders[1], scores={})
    assert len(compare_searches(contenders, pairs).pairs) == 3


@pytest.mark.slow
@pytest.mark.essential
def test_intervals_over_pairs_of_searches_cover_the_truth():
    rng, held = np.random.default_rng(1), []
    for _ in range(1_000):
        ratios = rng.normal(0.03, 0.04, 4)
        found = compare_searches(*searched(ratios, 0.02, rng=rng)).difference
        held.append(found.contains(math.expm1(0.03)))
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)
