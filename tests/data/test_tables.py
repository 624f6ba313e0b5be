"""From a data frame to standardised rows, labels and anomalies."""

import datetime
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.columns import read_column
from asymnas.data.fitted_table import LEVELS, encode, fit_columns, fit_table
from asymnas.data.splits import draw
from asymnas.data.tables import table_dataset

SPEC = DataSpec(name="csv:made.csv")
N = 200
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "weight": np.where(np.arange(N) % 20 == 0, np.nan, RNG.normal(70, 9, N)),
        "smoker": RNG.random(N) < 0.4,
        "town": RNG.choice(["Ulm", "Bonn", "Kiel"], N),
        "born": pd.Timestamp("1990-01-01") + pd.to_timedelta(RNG.integers(0, 9000, N), unit="D"),
        "name": [f"person {i}" for i in range(N)],
        "planet": "Earth",
    }
)


def load(frame=FRAME, seed=0, **options):
    spec = DataSpec(name=SPEC.name, seed=seed)
    return table_dataset(frame, spec, options, [])


def test_mixed_columns_become_standardised_rows():
    data = load()
    assert data.shape == (1 + 1 + 3 + 1,)
    assert data.train.dtype == torch.float32
    assert torch.allclose(data.train.mean(0), torch.zeros(6), atol=1e-5)
    assert torch.allclose(data.train.std(0, correction=0), torch.ones(6), atol=1e-5)
    assert data.notes == (
        "constant on the training split, left out: planet",
        "free text, left out: name",
        "text as columns of levels, at most 20: town (3)",
        "dates as days: born",
        "missing, filled with the training split's median: weight (10)",
        "standardised on the training split",
    )


def test_it_is_fitted_on_the_training_rows_alone():
    rows = draw(N, 0)
    other = FRAME.copy()
    other.loc[rows.test, "weight"] = 1e6
    other.loc[rows.test, "town"] = "Rome"
    assert torch.equal(load(other).train, load().train)
    assert torch.equal(load(other).validation, load().validation)
    assert float(load(other).test[:, 0].min()) > 1e4
    assert load(other).test[:, 3:].unique(dim=0).shape == (1, 3)  # in none of the towns


def test_an_index_of_any_sort_changes_nothing():
    shuffled = FRAME.set_axis([7] * N)
    assert torch.equal(load(shuffled).train, load().train)


def test_a_column_may_be_both_label_and_anomaly():
    frame = FRAME.assign(ill=np.arange(N) % 4 == 0)
    data = load(frame, label="ill", anomaly="ill")
    for ids, flags in zip(data.labels, data.anomalies, strict=True):
        assert torch.equal(ids, flags.long())
    assert [int(flags.sum()) for flags in data.anomalies] == [0, 25, 25]


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"ill": [None, *[1.0] * (N - 1)]}, {"label": "ill"}, r"column 'ill' lacks 1 value\(s\)"),
        ({"ill": "no"}, {"label": "ill"}, "label column 'ill' has the one class no: at least 2"),
        ({"ill": ["yes", *["no"] * (N - 1)]}, {"anomaly": "ill"}, "or 1 or 0, .* holds no, yes"),
        ({"ill": [True, *[False] * (N - 1)]}, {"anomaly": "ill"}, "there are 1 anomalies but each"),
        ({"ill": True}, {"anomaly": "ill"}, r"there are 0 example\(s\)"),
        ({"ill": [[1]] * N}, {}, "made.csv: column ill holds values of type mixed"),
    ],
)
def test_tables_that_cannot_be_used(changes, options, message):
    with pytest.raises(DataError, match=message):
        load(FRAME.assign(**changes), **options)


def test_columns_that_are_all_given_away():
    with pytest.raises(DataError, match="no column to learn from, none is left: add numbers"):
        load(FRAME[["town"]], label="town")


def test_columns_called_alike_and_no_rows():
    with pytest.raises(DataError, match="called alike: town; rename"):
        load(pd.concat([FRAME, FRAME[["town"]]], axis=1))
    with pytest.raises(DataError, match="called alike: 1; rename"):
        load(FRAME.iloc[:, :2].set_axis([1, "1"], axis=1))
    with pytest.raises(DataError, match="has a header but no rows"):
        load(FRAME.iloc[:0])


FIRST_TEN = np.arange(10)


def column(values, **options):
    return pd.Series(values, name="c", **options)


def encoded(values, train):
    """A column as numbers `[n, k]`, and whether the last of them stands for rare levels."""
    columns = {"c": read_column(values)}
    fitted = fit_columns(columns, train)
    return SimpleNamespace(values=encode(fitted, columns), other=fitted[0].other)


@pytest.mark.parametrize(
    "values",
    [
        column([1, 2, 0]),
        column([1, 2, 0], dtype="Int64"),
        column([1.0, 2.0, 0.0], dtype="float32"),
        column([Decimal(1), Decimal(2), Decimal(0)]),
        column([1, 2.0, 0], dtype=object),
    ],
)
def test_numbers_stay(values):
    found = encoded(values, np.arange(3))
    assert found.values.tolist() == [[1], [2], [0]]
    assert read_column(values)[::2] == ("numbers", 0, "")
    assert found.values.dtype == np.float64


@pytest.mark.parametrize(
    "values",
    [
        column([True, False, True]),
        column([True, False, True], dtype="boolean"),
        column([True, False, True], dtype=object),
    ],
)
def test_truth_values_are_ones_and_zeros(values):
    assert encoded(values, np.arange(3)).values.tolist() == [[1], [0], [1]]


@pytest.mark.parametrize(
    "values",
    [
        column([1.0, np.nan, 3, 5, 900, np.nan]),
        column([1, None, 3, 5, 900, None], dtype="Int64"),
        column([1.0, None, 3.0, 5.0, 900.0, None], dtype=object),
    ],
)
def test_a_missing_number_is_the_median_of_the_training_rows(values):
    found = encoded(values, np.arange(4))
    assert found.values[:, 0].tolist() == [1, 3, 3, 5, 900, 3]
    assert read_column(values).missing == 2


def test_missing_truth_values_and_columns_that_are_empty():
    found = encoded(column([True, None, True, False], dtype=object), np.arange(4))
    assert found.values[:, 0].tolist() == [1, 1, 1, 0]
    assert encoded(column([None] * 4, dtype=object), np.arange(4)).values.tolist() == [[0]] * 4
    assert encoded(column([np.nan, np.nan, 7]), np.arange(2)).values.tolist() == [[0], [0], [7]]


DAYS = [19_723, 19_724, 19_724.5]


@pytest.mark.parametrize(
    "values",
    [
        column(["2024-01-01", "2024-01-02", "2024-01-02T12:00"]),
        column(["2024-01-01", "2024-01-02 00:00", "2024-01-02T13:00+01:00"]),
        column(pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-02T12:00"], format="ISO8601")),
        column([pd.Timestamp("2024-01-01"), datetime.datetime(2024, 1, 2),
                datetime.datetime(2024, 1, 2, 12)], dtype=object),
        column(pd.to_timedelta(DAYS, unit="D")),
    ],
)  # fmt: skip
def test_dates_are_days_since_1970(values):
    found = encoded(values, np.arange(3))
    assert found.values[:, 0].tolist() == DAYS
    assert read_column(values).kind == "dates"


def test_missing_dates_are_the_median():
    dates = column(["2024-01-01", None, "2024-01-03", "2024-01-09"])
    assert encoded(dates, np.arange(3)).values[:, 0].tolist() == [19_723, 19_724, 19_725, 19_731]
    assert read_column(dates).missing == 1
    plain = encoded(column([datetime.date(2024, 1, 1), None], dtype=object), np.arange(2))
    assert plain.values[:, 0].tolist() == [19_723, 19_723]


def test_text_is_one_column_per_level():
    found = encoded(column([*"bbbaaccaab", "d", "a"]), FIRST_TEN)
    assert found.values.tolist()[:7] == [[0, 1, 0]] * 3 + [[1, 0, 0]] * 2 + [[0, 0, 1]] * 2
    assert found.values.tolist()[10:] == [[0, 0, 0], [1, 0, 0]]  # d was never trained on
    assert not found.other


def test_levels_stand_in_the_order_of_their_names():
    assert encoded(column(["z", "z", "y", "y"]), np.arange(4)).values[0].tolist() == [0, 1]


def test_rare_levels_are_other_if_they_are_common_together():
    text = column(["a"] * 150 + ["b"] * 46 + ["w", "x", "y", "z"])
    found = encoded(text, np.arange(200))
    assert found.values.shape == (200, 3)
    assert found.values[:, 2].tolist() == [0] * 196 + [1] * 4
    assert found.other
    fewer = encoded(text.iloc[:197], np.arange(197))
    assert fewer.values.shape == (197, 2)
    assert fewer.values[196].tolist() == [0, 0]
    assert not fewer.other


def test_levels_are_capped():
    text = column([f"{i % 30:02d}th" for i in range(300)] + ["00th"])
    found = encoded(text, np.arange(301))
    assert found.values.shape == (301, LEVELS)
    assert found.values.sum(axis=1).tolist() == [1] * 301
    assert found.values[:, -1].sum() == 11 * 10  # the 19 most common have their own
    assert found.values[300, 0] == 1


def test_categories_are_levels_even_if_they_are_numbers():
    found = encoded(column([3, 1, 3, 1, 3], dtype="category"), np.arange(5))
    assert found.values.tolist() == [[0, 1], [1, 0], [0, 1], [1, 0], [0, 1]]


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_missing_text_is_a_level(dtype):
    text = column(["a", None, "a", None, "a"], dtype=dtype)
    assert encoded(text, np.arange(5)).values.tolist() == [[0, 1], [1, 0], [0, 1], [1, 0], [0, 1]]
    assert read_column(text).missing == 2


def test_columns_keep_their_names_numbers_first():
    columns = {
        "town_a": read_column(column([*"abab"])),
        "town": read_column(column([*"aabb"])),
        "age": read_column(column([1, 2, 3, 4])),
    }
    fitted, values = fit_table(columns, np.arange(4))
    assert fitted.features == ["age", "town_a=a", "town_a=b", "town=a", "town=b"]
    assert values[:, 0].tolist() == [1, 2, 3, 4]
    assert values[:, 3].tolist() == [1, 1, 0, 0]


def test_what_the_held_out_rows_hold_changes_nothing_of_the_training_rows():
    one = column([1.0, np.nan, 3, 5, 1e9]), column(["a", "a", "b", "b", "c"])
    other = column([1.0, np.nan, 3, 5, np.nan]), column(["a", "a", "b", "b", None])
    train = np.arange(4)
    for mine, yours in zip(one, other, strict=True):
        assert np.array_equal(encoded(mine, train).values[:4], encoded(yours, train).values[:4])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (column([1.0, np.inf, -np.inf]), r"2 infinite value\(s\) in c: fill or drop"),
        (column([1j, 2j]), "column c holds values of type complex"),
        (column([b"a", b"b"]), "column c holds values of type bytes"),
        (column([[1], [2]]), "column c holds values of type mixed"),
        (column([1, "a", 2.5], dtype=object), "column c holds values of type mixed"),
    ],
)
def test_columns_that_cannot_be_used(values, message):
    with pytest.raises(DataError, match=message):
        read_column(values)
