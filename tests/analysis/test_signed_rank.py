import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, wilcoxon

from asymnas.analysis.comparison import signed_rank

NUMBERS = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=8)


def naive_p(values: np.ndarray) -> float:
    """Both tails of the positive rank sum over every assignment of signs."""
    ranks = np.where(values == 0, 0, rankdata(np.abs(values)))
    sums = np.array([np.dot(s, ranks) for s in itertools.product((0, 1), repeat=len(values))])
    observed = ranks[values > 0].sum()
    return min(1.0, 2 * min((sums <= observed).mean(), (sums >= observed).mean()))


@settings(max_examples=60, deadline=None)
@given(NUMBERS)
def test_p_is_that_of_all_sign_flips_with_ties_and_zeros_too(values):
    assert signed_rank(np.array(values)).p == pytest.approx(naive_p(np.array(values)))


@pytest.mark.parametrize("count", [6, 9, 20, 60])
def test_p_is_that_of_scipy_without_ties(count):
    values = np.random.default_rng(count).normal(0.3, 1, count)
    assert signed_rank(values).p == pytest.approx(wilcoxon(values, method="exact").pvalue)


@pytest.mark.parametrize(
    ("count", "ends", "confidence"),
    [(6, (1, 21), 0.96875), (8, (4, 33), 0.9609375), (10, (9, 47), 0.951171875)],
)
def test_the_interval_is_that_of_the_published_tables(count, ends, confidence):
    """Hollander & Wolfe, table A.4: order statistics of the Walsh averages and exact confidence."""
    values = np.random.default_rng(0).normal(size=count)
    walsh = sorted((a + b) / 2 for a, b in itertools.combinations_with_replacement(values, 2))
    found = signed_rank(values).location
    assert found.low == pytest.approx(walsh[ends[0] - 1])
    assert found.high == pytest.approx(walsh[ends[1] - 1])
    assert found.level == pytest.approx(confidence)
    assert found.estimate == pytest.approx(np.median(walsh))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=6, max_size=12, unique_by=abs), st.floats(-1, 1))
def test_the_interval_holds_what_the_test_does_not_reject(values, shift):
    """Only with distinct Walsh averages: ties are where the two may part."""
    shifted = np.array(values) - shift
    if len(set(np.abs(shifted))) < len(shifted) or (shifted == 0).any():
        return
    found = signed_rank(shifted)
    assert (found.p > 0.05) == found.location.contains(0)


def test_five_values_have_an_estimate_but_no_interval():
    found = signed_rank(np.arange(1.0, 6.0))
    assert (found.location.low, found.location.high) == (None, None)
    assert found.location.estimate == 3
    assert found.p == 0.0625


@pytest.mark.parametrize(
    ("values", "effect"), [([1, 2, 3], 1), ([-1, -2, -3], -1), ([1, -2, 3], 1 / 3), ([0, 0], 0)]
)
def test_the_effect_is_positive_less_negative_ranks(values, effect):
    assert signed_rank(np.array(values, dtype=float)).effect == pytest.approx(effect)


@given(NUMBERS, st.randoms())
def test_neither_order_nor_scale_matters_and_signs_mirror(values, random):
    found = signed_rank(np.array(values))
    random.shuffle(values)
    again = signed_rank(-4 * np.array(values))
    assert again.p == found.p
    assert again.effect == -found.effect
    assert again.location.estimate == -4 * found.location.estimate


def test_the_exact_confidence_is_kept():
    rng = np.random.default_rng(0)
    held = [signed_rank(rng.laplace(size=7)).location.contains(0) for _ in range(1_000)]
    assert np.mean(held) > 0.95
