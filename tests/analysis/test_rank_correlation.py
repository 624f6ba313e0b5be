import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.analysis.checks import rank_correlation

PAIRS = st.lists(
    st.tuples(st.floats(-9, 9), st.floats(-9, 9)),
    min_size=10,
    max_size=20,
    unique_by=(lambda p: p[0], lambda p: p[1]),
)


@given(PAIRS)
def test_tau_counts_concordant_less_discordant_pairs(pairs):
    signs = [
        np.sign(a[0] - b[0]) * np.sign(a[1] - b[1]) for a, b in itertools.combinations(pairs, 2)
    ]
    found = rank_correlation(*zip(*pairs, strict=True))
    assert found.estimate == pytest.approx(np.mean(signs))
    assert -1 <= found.low <= found.estimate <= found.high <= 1


def test_the_interval_covers():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(500):
        one, noise = rng.normal(size=(2, 20))
        held += rank_correlation(one, one + noise).contains(0.5)  # correlation 1/√2: τ 1/2
    assert 0.92 <= held / 500 <= 0.98


def test_perfect_agreement_is_not_certain():
    found = rank_correlation(range(12), range(12))
    assert found.estimate == found.high == pytest.approx(1)
    assert found.low < 0.95


def test_shared_architectures_widen_the_interval():
    one, noise = np.random.default_rng(0).normal(size=(2, 40))
    wide, narrow = (rank_correlation(one, one + noise, n) for n in (10, 40))
    assert wide.estimate == narrow.estimate
    assert wide.low < narrow.low
    assert wide.high > narrow.high


@pytest.mark.parametrize(
    ("one", "other", "independent"),
    [(range(9), range(9), None), (range(20), range(20), 9), ([1] * 20, range(20), None)],
)
def test_few_or_constant_values_have_no_correlation(one, other, independent):
    assert rank_correlation(one, other, independent).estimate is None
