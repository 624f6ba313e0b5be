import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.datasets._splits import draw, split
from asymnas.errors import DataError


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
    with_test = split(pool, 0, test=shipped)
    assert np.array_equal(with_test.test, shipped)
    assert sorted([*with_test.train, *with_test.validation]) == list(range(100))
    assert len(with_test.validation) == 10
    with_validation = split(pool, 0, validation=shipped)
    assert np.array_equal(with_validation.validation, shipped)
    assert len(with_validation.test) == 20
    both = split(pool, 0, validation=shipped, test=shipped)
    assert np.array_equal(both.train, pool)
