"""From a data frame to standardised rows, labels and anomalies."""

import numpy as np
import pandas as pd
import pytest
import torch

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
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
        "levels as columns, the 20 most common at most: town (3)",
        "dates as days: born",
        "missing, filled with the training split's median: weight (10)",
        "standardised on the training split",
    )


def test_it_is_fitted_on_the_training_rows_alone():
    rows = draw(N, 0)
    odd = FRAME.copy()
    odd.loc[rows.test, "weight"] = 1e6
    odd.loc[rows.test, "town"] = "Rome"
    assert torch.equal(load(odd).train, load().train)
    assert torch.equal(load(odd).validation, load().validation)
    assert float(load(odd).test[:, 0].min()) > 1e4
    assert load(odd).test[:, 2:5].unique(dim=0).shape == (1, 3)  # in none of the towns


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
def test_refusals(changes, options, message):
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
