"""Examples that belong together: in one split, and resampled as one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import hold_out, load_dataset, normal, normal_groups, to_dataset
from asymnas.data.fingerprint import changes, fingerprint
from asymnas.data.splits import LEAST_GROUPS, Splits, draw_groups


@given(
    sizes=st.lists(st.integers(1, 9), min_size=LEAST_GROUPS, max_size=60),
    seed=st.integers(0, 2**32),
)
def test_no_group_is_in_two_splits_and_every_example_in_one(sizes, seed):
    groups = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    drawn = draw_groups(groups, seed)
    assert sorted(np.concatenate([*drawn])) == list(range(len(groups)))
    names = [set(groups[rows]) for rows in drawn]
    assert sum(map(len, names)) == len(set.union(*names)) == len(sizes)
    assert len(names[0]) >= 1
    assert min(len(names[1]), len(names[2])) >= 2  # one alone has no spread
    again = draw_groups(groups, seed)
    assert all(np.array_equal(one, same) for one, same in zip(drawn, again, strict=True))


def test_groups_are_drawn_by_the_fractions_of_examples():
    drawn = draw_groups(np.repeat(np.arange(100), 3), 0)
    assert [len(part) // 3 for part in drawn] == [72, 8, 20]
    assert drawn.notes == (
        "split by group: 72 / 8 / 20 groups to train on, to validate and to test",
    )


def test_too_few_groups_are_an_error():
    with pytest.raises(DataError, match="of examples but at least 5"):
        draw_groups(np.arange(40) % 4, 0)


@pytest.fixture
def patients(tmp_path: Path) -> str:
    """Forty rows of ten patients, one in five anomalous."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=["a", "b", "c"])
    frame["patient"] = [f"p{number % 10}" for number in range(40)]
    frame["ill"] = (np.arange(40) // 10 == 2) & (np.arange(40) % 2 == 0)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return f"csv:{tmp_path / 'rows.csv'}"


def test_a_column_of_a_table_names_the_groups(patients):
    data = load_dataset(DataSpec(name=f"{patients}?group=patient"))
    assert data.shape == (4,)  # a, b, c and ill
    names = [set(ids.tolist()) for ids in data.groups]
    assert [len(own) for own in names] == [6, 2, 2]
    assert not names[1] & names[2]
    assert len(data.train) == 24
    assert any(note.startswith("split by group: 6 / 2 / 2 groups") for note in data.notes)
    plain = load_dataset(DataSpec(name=patients))
    assert plain.groups is None
    assert normal_groups(plain, "validation") is None


def test_anomalies_of_patients_to_train_on_are_left_out(patients):
    data = load_dataset(DataSpec(name=f"{patients}?group=patient&anomaly=ill", seed=1))
    assert not data.anomalies.train.any()
    held_out = sum(int(part.sum()) for part in data.anomalies)
    assert len(data.train) + len(data.validation) + len(data.test) == 40 - (5 - held_out)
    groups = normal_groups(data, "validation")
    assert len(groups) == len(normal(data, "validation"))


def test_patches_of_a_region_are_a_group():
    photos = load_dataset(DataSpec(name="photos"))
    counts = [ids.unique(return_counts=True)[1] for ids in photos.groups]
    assert all((count == counts[0][0]).all() for count in counts)
    assert sum(map(len, counts)) == 96  # of two photographs, 48 regions each


def dataset(groups: list[list[int]]):
    parts = Splits(*(np.random.default_rng(0).normal(size=(len(g), 2)) for g in groups))
    parts = parts.map(lambda part: part.astype(np.float32))
    return to_dataset(parts, groups=Splits(*map(np.array, groups)))


def test_a_group_in_two_splits_is_an_error():
    with pytest.raises(DataError, match="a group of examples is in two splits"):
        dataset([[0, 0, 1], [1, 2], [3, 4]])


def test_a_fingerprint_knows_of_groups_and_of_times_before_them():
    before, after = (fingerprint(dataset([[0, 0, 1], [2, 2, last], [4, 5]])) for last in (2, 3))
    assert changes(before, after) == ["the groups of the validation split changed"]
    for split in ("train", "validation", "test"):
        del before[split]["groups"]
    assert changes(before, after) == []


def test_a_class_that_is_held_out_takes_its_groups_along():
    photos = dataset([[0, 0, 1, 1], [2, 2], [3, 4]])
    labels = Splits(np.array([0, 1, 0, 1]), np.array([0, 1]), np.array([1, 0]))
    labelled = to_dataset(
        Splits(*(part.numpy() for part in (photos.train, photos.validation, photos.test))),
        labels=labels,
        groups=Splits(*(part.numpy() for part in photos.groups)),
    )
    rest = hold_out(labelled, "made", {"anomaly": "1"})
    assert torch.equal(rest.groups.train, torch.tensor([0, 1]))
    assert normal_groups(rest, "validation").tolist() == [2]
