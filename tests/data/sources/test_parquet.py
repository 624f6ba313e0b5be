import datetime as dt
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.splits import draw

FRAME = pd.DataFrame(
    {
        "size": np.random.default_rng(0).normal(size=90),
        "count": pd.array([*range(80), *[None] * 10], dtype="Int64"),
        "town": pd.Categorical(["Ulm", "Bonn", "Kiel"] * 30),
        "when": pd.date_range("2024-01-01", periods=90, tz="Europe/Berlin"),
        "sort": [0, 1] * 45,
    }
)


def load(path, options=""):
    return load_dataset(DataSpec(name=f"parquet:{path}{options}"))


def test_a_table_with_its_types(tmp_path):
    pytest.importorskip("pyarrow")
    FRAME.to_parquet(tmp_path / "a.parquet")
    data = load(tmp_path / "a.parquet", "?label=sort")
    assert data.shape == (1 + 1 + 3 + 1,)
    assert set(data.labels.train.tolist()) == {0, 1}
    assert "dates as days: when" in data.notes
    assert torch.allclose(data.train.mean(0), torch.zeros(6), atol=1e-5)


def test_a_stored_index_is_left_out(tmp_path):
    pytest.importorskip("pyarrow")
    FRAME.set_index("size").to_parquet(tmp_path / "a.parquet")
    data = load(tmp_path / "a.parquet")
    assert data.shape == (1 + 3 + 1 + 1,)
    assert data.notes[0] == "index left out: size"


@pytest.mark.parametrize("content", [b"", b"PAR1 rubbish PAR1", b"a,b\n1,2\n"])
def test_what_is_no_parquet_file_is_one_line(tmp_path, content):
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as a Parquet file") as caught:
        load(tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)


def test_without_pyarrow_it_says_how_to_get_it(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"not installed: run pip install 'asymnas\[parquet\]'"):
        load(tmp_path / "a.parquet")


N = 90
DAYS = [i % 28 + 1 for i in range(N)]
#: By Arrow type, what cells hold and the numbers that they become, or the message.
TYPES = {
    "int8": (range(N), range(N)),
    "uint64": ([2**62 + i * 2**40 for i in range(N)], [2**62 + i * 2**40 for i in range(N)]),
    "float16": (np.arange(N, dtype="f2"), range(N)),
    "decimal128(9, 2)": ([Decimal(i) / 4 for i in range(N)], [i / 4 for i in range(N)]),
    "bool_": ([True, False] * 45, [1, 0] * 45),
    "date32": ([dt.date(9999, 12, d) for d in DAYS], [2_932_865 + d for d in DAYS]),
    "date64": ([dt.date(1523, 5, d) for d in DAYS], [-163_145 + d for d in DAYS]),
    "timestamp('s')": ([dt.datetime(9999, 12, d) for d in DAYS], [2_932_865 + d for d in DAYS]),
    "timestamp('us')": ([dt.datetime(1, 1, d, 12) for d in DAYS], [-719_162.5 + d for d in DAYS]),
    "timestamp('ns')": ([dt.datetime(2024, 1, d, 6) for d in DAYS], [19_722.25 + d for d in DAYS]),
    "timestamp('us', 'Europe/Berlin')": (
        [dt.datetime(2024, 1, d, tzinfo=dt.UTC) for d in DAYS],
        [19_722 + d for d in DAYS],
    ),
    "time32('s')": ([dt.time(i % 24) for i in range(N)], [i % 24 / 24 for i in range(N)]),
    "time64('us')": (
        [dt.time(i % 24, 30) for i in range(N)],
        [(i % 24 + 0.5) / 24 for i in range(N)],
    ),
    "duration('ms')": ([dt.timedelta(hours=i) for i in range(N)], [i / 24 for i in range(N)]),
    "string": (["1", "2", "3"] * 30, "levels"),
    "large_string": (["010", "020", "030"] * 30, "levels"),
    "dictionary(pa.int32(), pa.string())": (["2019", "2020", "2021"] * 30, "levels"),
    "null": ([None] * N, "constant on the training split, left out: x"),
    "binary": ([b"a"] * N, "column x holds values of type binary: .* leave it out with .drop=x"),
    "list_(pa.int64())": ([[1]] * N, "column x holds values of type list"),
    "struct([('a', pa.int64())])": ([{"a": 1}] * N, "column x holds values of type struct"),
    "map_(pa.string(), pa.int64())": ([[("a", 1)]] * N, "column x holds values of type map"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_has_a_rule(tmp_path, kind):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    cells, becomes = TYPES[kind]
    array = pa.array(list(cells), eval(f"pa.{kind}" if "(" in kind else f"pa.{kind}()", {"pa": pa}))
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"size": FRAME["size"].to_numpy(), "x": array}), path)
    if isinstance(becomes, str) and becomes.startswith("column"):
        with pytest.raises(DataError, match=becomes):
            load(path)
        assert load(path, "?drop=x").shape == (1,)
    elif becomes == "levels":
        assert load(path).shape == (4,)
    elif isinstance(becomes, str):
        assert becomes in load(path).notes
    else:
        values = np.array(becomes, dtype=float)
        own = [values[rows] for rows in draw(N, 0)]
        expected = (own[2] - own[0].mean()) / own[0].std()
        assert np.allclose(load(path).test[:, 1].numpy(), expected, atol=1e-5)


def test_measurements_stored_as_text_are_refused(tmp_path):
    pytest.importorskip("pyarrow")
    frame = FRAME.assign(x=[f"{size:.4f}" for size in FRAME["size"]])
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"column x is text but holds numbers such as '0\.1257'"):
        load(tmp_path / "a.parquet")


def test_text_that_is_no_measurement_stays_text(tmp_path):
    pytest.importorskip("pyarrow")
    frame = FRAME.assign(x=[str(10_000 + i) for i in range(N)])
    frame.to_parquet(tmp_path / "a.parquet")
    assert "free text, left out: x" in load(tmp_path / "a.parquet").notes


def test_text_that_is_no_text_is_one_line(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    cells = pa.array([b"\xe5\xff", b"a"] * 45)
    text = pa.Array.from_buffers(pa.string(), N, cells.buffers())
    parquet.write_table(pa.table({"size": np.arange(N), "x": text}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="cannot be read as a Parquet file") as caught:
        load(tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)
