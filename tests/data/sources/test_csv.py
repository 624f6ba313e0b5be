import numpy as np
import pandas as pd
import pytest
import torch

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.splits import draw

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
        ("", r"a\.csv is empty: write a line of column names"),
        ("\n\n", r"a\.csv is empty: write a line of column names"),
        ("a,b\n", "has a header but no rows"),
        ("a,b\n1,2\n", r"there are 1 example\(s\).*at least 3 are needed"),
        ("1,2\n", r"there are 1 example\(s\)"),
        ("a,b\n" + "1,2\n" * 9, "every column is constant on the 7 training row"),
        ("a,b\nx y,so\ny z,to\nz z,do\nu v,go\n", r"to learn from, only free text \(a, b\): add"),
        ("a,b\n,1\n,1\n,1\n,1\n", "every column is constant"),
        ("a,b\n1,2\n3,inf\n-inf,inf\n", r"a\.csv: 1 infinite value\(s\) in a: fill or drop"),
        ("a,b,a\n1,2,3\n4,5,6\n7,8,9\n", "columns that are called alike: a; rename them"),
        ("a,b\n1,2\n2,<5\n3,4\n1,1\n", "column b holds numbers but also '<5': make it a number"),
        ("a,b\n1,2,3\n4,5,6\n7,8,9\n", "2 cell.s. separated by commas in its first line but 3 in"),
        (
            "a,b\n1,2\n3,4,5,6\n7,8\n",
            "2 cell.s. separated by commas in its first .* but 4 in line 3",
        ),
        (b"\xff\xfe\x00\x01" * 9, "is not encoded as UTF-8 .*: save it as UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not encoded as UTF-8"),
    ],
    ids=range(15),
)
def test_refusals(load, text, message):
    with pytest.raises(DataError, match=message) as caught:
        load(text)
    assert "\n" not in str(caught.value)


def test_a_long_list_of_columns_is_cut(load):
    frame = pd.DataFrame([[f"{i} {j}" for i in range(9)] for j in range(9)], columns=[*"abcdefghi"])
    with pytest.raises(DataError, match=r"only free text \(a, b, c, d, e and 4 more\): add"):
        load(frame.to_csv(index=False))


@pytest.fixture
def load_named(tmp_path):
    def write_and_load(frame, options):
        frame.to_csv(tmp_path / "a.csv", index=False)
        return load_dataset(DataSpec(name=f"csv:{tmp_path / 'a.csv'}{options}"))

    return write_and_load


LABELLED = FRAME.assign(sort=np.arange(50) % 3, **{"a&b": np.arange(50) % 5 == 0})


def test_a_label_leaves_the_table_and_stays_with_its_row(load_named):
    frame = LABELLED[["a", "sort"]].assign(a=LABELLED["sort"] * 10)
    data = load_named(frame, "?label=sort")
    assert data.shape == (1,)
    for part, ids in zip((data.train, data.validation, data.test), data.labels, strict=True):
        order = part[:, 0].unique().sort().values
        assert ids.tolist() == [torch.argmin((order - x).abs()).item() for x in part[:, 0]] or (
            len(order) < 3
        )
    assert set(data.labels.train.tolist()) == {0, 1, 2}


def test_labels_are_numbered_in_the_order_of_their_names(load_named):
    names, numbers = {0: "pear", 1: "fig", 2: "lime"}, {0: 2, 1: 0, 2: 1}
    named, numbered = (
        load_named(LABELLED.assign(sort=LABELLED["sort"].map(m)), "?label=sort")
        for m in (names, numbers)
    )
    assert torch.equal(named.labels.train, numbered.labels.train)
    assert torch.equal(named.train, numbered.train)


def test_a_label_stratifies_the_splits(load_named):
    data = load_named(LABELLED.assign(sort=np.arange(50) // 40), "?label=sort")
    assert [ids.bincount().tolist() for ids in data.labels] == [[29, 7], [3, 1], [8, 2]]


def test_anomalies_are_never_trained_on_and_halved_between_the_held_out_splits(load_named):
    data = load_named(LABELLED, "?anomaly=a%26b&label=sort")
    assert data.shape == (3,)
    assert [int(part.sum()) for part in data.anomalies] == [0, 5, 5]
    assert [len(part) for part in data.anomalies] == [29, 3 + 5, 8 + 5]
    assert data.anomalies.validation.tolist() == [False] * 3 + [True] * 5
    assert [len(part) for part in data.labels] == [29, 8, 13]
    assert torch.allclose(data.train.mean(0), torch.zeros(3), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("?label=kind", "has no column 'kind' to be the label; there are: a, b b, 3, sort, a&b"),
        ("?labels=sort", r"'labels=sort' in .* is no option: write csv:FILE.label=COLUMN&anomaly"),
        ("?label=", "'label=' in .* is no option"),
        ("?label=sort&label=a", "gives label twice"),
        ("?label=a", "label column 'a' holds no classes: they are text, truth values or whole"),
        ("?anomaly=sort", "anomaly column 'sort' must be true or false, or 1 or 0, .* holds 2"),
    ],
)
def test_options_that_cannot_be(load_named, options, message):
    with pytest.raises(DataError, match=message) as caught:
        load_named(LABELLED, options)
    assert "\n" not in str(caught.value)


def test_a_column_of_an_unnamed_table_goes_by_its_number(tmp_path):
    frame = pd.DataFrame({"a": ROWS[:, 0], "b": np.arange(50) % 2})
    frame.to_csv(tmp_path / "a.csv", index=False, header=False)
    data = load_dataset(DataSpec(name=f"csv:{tmp_path / 'a.csv'}?label=1"))
    assert data.shape == (1,)
    assert set(data.labels.train.tolist()) == {0, 1}


def test_a_question_mark_is_a_missing_value(load):
    text = FRAME.to_csv(index=False).splitlines()
    text[5] = "?" + text[5][text[5].index(",") :]
    data = load("\n".join(text))
    assert data.shape == (3,)
    assert data.notes[0] == "missing, filled with the training split's median: a (1)"
