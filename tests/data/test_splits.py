import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.core.errors import DataError
from asymnas.data.splits import TEST_CAP, VALIDATION_CAP, deal, draw, draw_splits


@given(
    n=st.integers(3, 3000),
    seed=st.integers(0, 2**32),
    validation=st.booleans(),
    test=st.booleans(),
)
def test_every_index_is_in_exactly_one_split(n, seed, validation, test):
    drawn = draw(n, seed, validation=validation, test=test)
    assert sorted(np.concatenate(drawn)) == list(range(n))
    assert len(drawn.train) >= 1
    assert (len(drawn.validation) > 0, len(drawn.test) > 0) == (validation, test)
    again = draw(n, seed, validation=validation, test=test)
    assert all(np.array_equal(one, same) for one, same in zip(drawn, again, strict=True))


@pytest.mark.parametrize(
    ("n", "train", "validation", "test"),
    [(3, 1, 1, 1), (100, 72, 8, 20), (1797, 1295, 143, 359), (200_000, 184_000, 6000, 10_000)],
)
def test_a_fifth_then_a_tenth_up_to_the_caps(n, train, validation, test):
    assert tuple(len(part) for part in draw(n, 0)) == (train, validation, test)


def test_the_draw_of_a_seed_never_changes():
    assert draw(20, 0).test.tolist() == [4, 19, 6, 2]
    assert draw(20, 0).validation.tolist() == [13]


def test_too_few_examples():
    with pytest.raises(DataError, match=r"there are 2 example\(s\).*at least 3 are needed"):
        draw(2, 0)
    with pytest.raises(DataError, match="at least 2 are needed"):
        draw(1, 0, test=False)


def test_shipped_splits_are_kept_and_nothing_else_leaves_the_training_data():
    pool, shipped = np.arange(100), np.arange(100, 110)
    with_test = draw_splits(pool, 0, test=shipped)
    assert np.array_equal(with_test.test, shipped)
    assert sorted([*with_test.train, *with_test.validation]) == list(range(100))
    assert len(with_test.validation) == 10
    with_validation = draw_splits(pool, 0, validation=shipped)
    assert np.array_equal(with_validation.validation, shipped)
    assert len(with_validation.test) == 20
    both = draw_splits(pool, 0, validation=shipped, test=shipped)
    assert np.array_equal(both.train, pool)


@given(
    n=st.integers(5, 300),
    m=st.integers(2, 300),
    seed=st.integers(0, 2**32),
    validation=st.booleans(),
    test=st.booleans(),
)
def test_anomalies_are_dealt_to_what_is_drawn_and_nothing_else(n, m, seed, validation, test):
    anomalous = np.random.default_rng(seed).permutation(n + m) < m
    dealt = deal(anomalous, seed, validation=validation, test=test)
    usual = [part[~anomalous[part]] for part in dealt]
    odd = [part[anomalous[part]] for part in dealt]
    drawn = draw(n, seed, validation=validation, test=test)
    assert [len(part) for part in usual] == [len(part) for part in drawn]
    share = {(True, True): [m // 2, m - m // 2], (True, False): [m, 0], (False, True): [0, m]}
    assert [len(part) for part in odd] == [0, *share.get((validation, test), [0, 0])]
    assert len(np.unique(np.concatenate(dealt))) == sum(map(len, dealt))
    for part, first in zip(dealt, usual, strict=True):  # anomalies stand behind
        assert np.array_equal(part[: len(first)], first)


def test_anomalies_are_capped():
    dealt = deal(np.arange(50_000) >= 100, 0)
    assert [len(part) for part in dealt] == [72, 8 + VALIDATION_CAP, 20 + TEST_CAP]


def test_what_belongs_to_the_examples_is_split_alike():
    anomalous = np.arange(50) % 5 == 0
    one, same = (
        draw_splits(values, 3, anomalous=anomalous) for values in (np.arange(50), np.arange(50))
    )
    assert all(np.array_equal(*pair) for pair in zip(one, same, strict=True))
    assert not anomalous[one.train].any()
    shipped = np.arange(50, 60)
    both = draw_splits(np.arange(50), 3, validation=shipped, test=shipped, anomalous=anomalous)
    assert sorted(both.train) == np.flatnonzero(~anomalous).tolist()


def test_too_few_anomalies():
    with pytest.raises(DataError, match="there are 1 anomalies but each of the 2 held-out splits"):
        deal(np.arange(9) == 0, 0)
