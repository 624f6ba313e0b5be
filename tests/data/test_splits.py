import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.core.errors import DataError
from asymnas.data.base import to_dataset
from asymnas.data.splits import TEST_CAP, VALIDATION_CAP, draw


@given(
    n=st.integers(3, 3000),
    seed=st.integers(0, 2**32),
    validation=st.booleans(),
    test=st.booleans(),
)
def test_every_index_is_in_exactly_one_split(n, seed, validation, test):
    drawn = draw(n, seed, validation=validation, test=test)
    assert sorted(np.concatenate([*drawn])) == list(range(n))
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
    stratified = draw(20, 0, labels=np.arange(20) % 2, validation=False)
    assert stratified.test.tolist() == [7, 4, 8, 17]


def test_too_few_examples():
    with pytest.raises(DataError, match=r"there are 2 example\(s\).*at least 3 are needed"):
        draw(2, 0)
    with pytest.raises(DataError, match="at least 2 are needed"):
        draw(1, 0, test=False)


def test_shipped_splits_are_kept_and_nothing_else_leaves_the_training_data():
    pool, shipped = np.arange(100), np.arange(100, 110)
    with_test = draw(100, 0, test=False).take(pool, test=shipped)
    assert np.array_equal(with_test.test, shipped)
    assert sorted([*with_test.train, *with_test.validation]) == list(range(100))
    assert len(with_test.validation) == 10
    with_validation = draw(100, 0, validation=False).take(pool, validation=shipped)
    assert np.array_equal(with_validation.validation, shipped)
    assert len(with_validation.test) == 20
    both = draw(100, 0, validation=False, test=False).take(pool, validation=shipped, test=shipped)
    assert np.array_equal(both.train, pool)


LABELLINGS = st.lists(st.integers(3, 60), min_size=1, max_size=8)  # examples per class


@given(counts=LABELLINGS, seed=st.integers(0, 2**32), validation=st.booleans(), test=st.booleans())
def test_every_split_has_the_classes_in_their_proportions(counts, seed, validation, test):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    n = len(labels)
    drawn = draw(n, seed, validation=validation, test=test, labels=labels)
    sizes = [len(part) for part in draw(n, seed, validation=validation, test=test)]
    assert sorted(np.concatenate([*drawn])) == list(range(n))
    assert [len(part) for part in drawn] == sizes
    again = draw(n, seed, validation=validation, test=test, labels=labels)
    assert all(np.array_equal(one, same) for one, same in zip(drawn, again, strict=True))
    if any(0 < size < len(counts) for size in sizes):
        assert drawn.notes[0].startswith("splits not stratified by label: the ")
        return
    assert drawn.notes == ()
    for part in drawn:
        of_class = np.bincount(labels[part], minlength=len(counts))
        assert np.abs(of_class - len(part) * np.array(counts) / n).max() < 2


def test_a_class_of_too_few_examples_and_splits_smaller_than_the_classes_are_noted():
    plain = draw(60, 5)
    rare = draw(60, 5, labels=np.arange(60) // 58)
    many = draw(60, 5, labels=np.arange(60) // 6)
    for drawn in (rare, many):
        assert all(np.array_equal(*pair) for pair in zip(drawn, plain, strict=True))
    assert rare.notes == ("splits not stratified by label: class 1 has 2 example(s) for 3 splits",)
    assert many.notes == (
        "splits not stratified by label: the validation split has 4 example(s) for 10 classes",
    )
    assert draw(60, 5, validation=False, labels=np.arange(60) // 58).notes == ()


def test_notes_go_with_what_is_taken_and_changed():
    rows = draw(60, 5, labels=np.arange(60) // 58)
    assert rows.take(np.arange(60)).map(np.sqrt).notes == rows.notes
    assert to_dataset(rows.take(np.ones((60, 2), np.float32)), notes=["first"]).notes == (
        "first",
        *rows.notes,
    )


@given(
    n=st.integers(5, 300),
    m=st.integers(2, 300),
    seed=st.integers(0, 2**32),
    validation=st.booleans(),
    test=st.booleans(),
)
def test_anomalies_go_to_what_is_drawn_and_nothing_else(n, m, seed, validation, test):
    anomalous = np.random.default_rng(seed).permutation(n + m) < m
    drawn = draw(n + m, seed, validation=validation, test=test, anomalous=anomalous)
    normal = [part[~anomalous[part]] for part in drawn]
    anomalies = [part[anomalous[part]] for part in drawn]
    plain = draw(n, seed, validation=validation, test=test)
    assert [len(part) for part in normal] == [len(part) for part in plain]
    parts = {(True, True): [m // 2, m - m // 2], (True, False): [m, 0], (False, True): [0, m]}
    assert [len(part) for part in anomalies] == [0, *parts.get((validation, test), [0, 0])]
    assert len(np.unique(np.concatenate([*drawn]))) == sum(map(len, drawn))
    for part, first in zip(drawn, normal, strict=True):  # anomalies stand behind
        assert np.array_equal(part[: len(first)], first)


def test_anomalies_are_capped():
    drawn = draw(50_000, 0, anomalous=np.arange(50_000) >= 100)
    assert [len(part) for part in drawn] == [72, 8 + VALIDATION_CAP, 20 + TEST_CAP]


def test_the_others_are_stratified_where_there_are_anomalies():
    labels, anomalous = np.arange(400) % 4, np.arange(400) % 4 == 3
    drawn = draw(400, 0, labels=labels, anomalous=anomalous)
    counts = [np.bincount(labels[part], minlength=4).tolist() for part in drawn]
    assert counts == [[72, 72, 72, 0], [8, 8, 8, 50], [20, 20, 20, 50]]
    assert drawn.notes == ()


def test_too_few_anomalies():
    with pytest.raises(DataError, match="there are 1 anomalies but each of the 2 held-out splits"):
        draw(9, 0, anomalous=np.arange(9) == 0)
