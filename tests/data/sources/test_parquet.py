import sys

import numpy as np
import pandas as pd
import pytest
import torch

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset

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
