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
from asymnas.data.splits import HELD_OUT, Splits, draw_groups


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1 + 2 * HELD_OUT, max_size=60),
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
    assert drawn.notes == ("split by group: 72 groups to train on, 8 to validate, 20 to test",)


def test_groups_are_drawn_for_the_splits_that_are_not_shipped():
    groups = np.repeat(np.arange(100), 3)
    drawn = draw_groups(groups, 0, test=False)
    assert [len(part) // 3 for part in drawn] == [90, 10, 0]
    assert drawn.notes == ("split by group: 90 groups to train on, 10 to validate",)
    kept = draw_groups(groups, 0, validation=False, test=False)
    assert kept.train.tolist() == list(range(300))
    assert kept.notes == ()
    with pytest.raises(DataError, match=r"2 group\(s\) of examples but at least 3"):
        draw_groups(np.arange(40) % 2, 0, test=False)


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
    assert "split by group: 6 groups to train on, 2 to validate, 2 to test" in data.notes
    plain = load_dataset(DataSpec(name=patients))
    assert plain.groups is None
    assert normal_groups(plain, "validation") is None


@pytest.fixture
def archive(tmp_path: Path):
    def load(**arrays):
        np.savez(tmp_path / "patches.npz", **arrays)
        return load_dataset(DataSpec(name=f"npz:{tmp_path / 'patches.npz'}"))

    return load


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 4))


def test_an_array_of_an_archive_names_the_groups(archive):
    photographs = np.repeat([f"photo {number}" for number in range(10)], 6)
    data = archive(x=noise(60), groups=photographs, y=np.arange(60) % 3)
    names = [set(ids.tolist()) for ids in data.groups]
    assert [len(own) for own in names] == [6, 2, 2]
    assert sum(map(len, names)) == len(set.union(*names))
    assert [len(part) for part in data.labels] == [36, 12, 12]
    assert "split by group: 6 groups to train on, 2 to validate, 2 to test" in data.notes
    numbered = archive(x=noise(60), group=np.repeat(np.arange(10), 6)[:, None])
    assert [ids.tolist() for ids in numbered.groups] == [ids.tolist() for ids in data.groups]


def test_groups_of_shipped_splits_are_numbered_over_all_of_them(archive):
    data = archive(
        x_train=noise(8),
        groups_train=list("aabbccdd"),
        x_test=noise(4, 1),
        groups_test=list("efef"),
    )
    assert data.groups.test.tolist() == [4, 5, 4, 5]
    assert len(data.groups.train.unique()) == 2
    assert len(data.groups.validation.unique()) == 2
    assert "split by group: 2 groups to train on, 2 to validate" in data.notes


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"groups": np.arange(59)}, "array groups of .* must have one entry for each of the 60"),
        ({"groups": np.arange(60) / 7}, "must be text in every split, or whole numbers"),
        ({"groups": np.full(60, np.nan)}, "must be text in every split, or whole numbers"),
        ({"groups": np.zeros((60, 2), int)}, "must be text in every split, or whole numbers"),
        ({"groups": np.zeros(60, int)}, "at least 2"),
        ({"groups": np.arange(60) % 4}, r"there are 4 group\(s\) of examples but at least 5"),
        ({"groups": np.arange(60), "group": np.arange(60)}, "several train group arrays"),
        (
            {"groups": np.arange(60) % 9, "x_test": noise(5, 1)},
            "names the groups of train but not of test: name those of every split, or none",
        ),
        (
            {"groups": list("abcde") * 12, "x_test": noise(5, 1), "groups_test": np.arange(5)},
            "must be text in every split, or whole numbers in every split",
        ),
        (
            {"groups": np.arange(60), "x_test": noise(5, 1), "groups_test": np.arange(5)},
            "a group of examples is in two splits",
        ),
    ],
)
def test_groups_of_an_archive_that_do_not_fit(archive, arrays, message):
    with pytest.raises(DataError, match=message):
        archive(x=noise(60), **arrays)


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
