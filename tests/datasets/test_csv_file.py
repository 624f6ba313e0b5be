import numpy as np
import pandas as pd
import pytest
import torch

from asymnas.config import DataSpec
from asymnas.datasets import load_dataset
from asymnas.datasets._splits import draw
from asymnas.errors import DataError

ROWS = np.random.default_rng(0).normal(20, 5, (50, 3)) * [1, 100, 0.01]


@pytest.fixture
def load(tmp_path):
    def write_and_load(text):
        path = tmp_path / "a.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_dataset(DataSpec(name=f"csv:{path}"))

    return write_and_load


def all_rows(data):
    return torch.cat([data.train, data.validation, data.test])


FRAME = pd.DataFrame(ROWS, columns=["a", "b b", "3"])


@pytest.mark.parametrize(
    "text",
    [
        FRAME.to_csv(index=False),
        FRAME.to_csv(index=False, header=False),
        FRAME.to_csv(),
        pd.DataFrame(ROWS).to_csv(),
        pd.DataFrame(ROWS).to_csv(index=False),
        "\ufeff" + FRAME.to_csv(index=False),
        FRAME.to_csv(index=False).replace(",", ", "),
        FRAME.to_csv(index=False).replace("\n", "\r\n"),
    ],
    ids=["header", "none", "index", "numbered+index", "numbered", "mark", "spaces", "windows"],
)
def test_with_or_without_header_and_index(load, text):
    data = load(text)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [36, 4, 10]
    assert data.shape == (3,)
    assert data.train.dtype == torch.float32
    found = all_rows(data)[:, 0].sort().values  # standardising keeps order and proportions
    expected = torch.tensor(np.sort(ROWS[:, 0]))
    slope = (found[-1] - found[0]) / (expected[-1] - expected[0])
    assert torch.allclose(found.double(), found[0] + slope * (expected - expected[0]), atol=1e-5)


def test_standardised_on_the_training_split_alone(load):
    data = load(FRAME.to_csv(index=False))
    assert torch.allclose(data.train.mean(0), torch.zeros(3), atol=1e-5)
    assert torch.allclose(data.train.std(0, correction=0), torch.ones(3), atol=1e-5)
    assert not torch.allclose(data.test.mean(0), torch.zeros(3), atol=1e-3)
    assert data.data_range == pytest.approx((data.train.max() - data.train.min()).item())
    assert data.notes == ("standardised on the training split",)


def test_true_and_false_are_numbers(load):
    frame = FRAME.assign(flag=np.arange(50) % 2 == 0)
    assert load(frame.to_csv(index=False)).shape == (4,)


def test_constant_columns_are_left_out_with_a_note(load):
    data = load(FRAME.assign(one=0.1, two=2).to_csv(index=False))
    assert data.shape == (3,)
    assert data.notes[0] == "constant on the training split, left out: one, two"


def test_a_column_constant_on_the_training_split_alone_is_left_out(load):
    rare = np.zeros(50)
    rare[draw(50, 0).test] = 1
    assert load(FRAME.assign(rare=rare).to_csv(index=False)).shape == (3,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as comma-separated values"),
        ("\n\n", "cannot be read as comma-separated values"),
        ("a,b\n", "has a header but no rows"),
        ("a,b\n1,2\n", r"there are 1 example\(s\).*at least 3 are needed"),
        ("1,2\n", r"there are 1 example\(s\)"),
        ("a,b\n" + "1,2\n" * 9, "every column is constant on the 7 training row"),
        ("a,b,c\n1,x,3\n2,y,4\n3,z,5\n", "not numeric: b; encode them as numbers or drop them"),
        ("1.5,red\n2.5,blue\n3.5,red\n", "not numeric: red; encode"),
        ("a,b\n1,\n2,3\n,\n", r"3 missing or infinite value\(s\) in a, b: fill or drop them"),
        ("a,b\n1,2\n3,inf\n5,6\n", r"1 missing or infinite value\(s\) in b"),
        ("a,b\n1,2,3\n4,5,6\n7,8,9\n", "more cells than its first line"),
        ("a,b\n1,2\n3,4,5,6\n7,8\n", "cannot be read as comma-separated values .*line 3"),
        ("a;b\n1;2\n3;4\n5;6\n", "not numeric: a;b .values must be separated by commas."),
        (b"\xff\xfe\x00\x01" * 9, "cannot be read as comma-separated values"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "cannot be read as comma-separated values"),
    ],
    ids=range(15),
)
def test_refusals(load, text, message):
    with pytest.raises(DataError, match=message) as caught:
        load(text)
    assert "\n" not in str(caught.value)


def test_a_long_list_of_columns_is_cut(load):
    frame = pd.DataFrame([["x"] * 9] * 4, columns=list("abcdefghi"))
    with pytest.raises(DataError, match="not numeric: a, b, c, d, e and 4 more;"):
        load(frame.to_csv(index=False))
