"""A little that stands for much is refused before it is unpacked, in one line."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile

import numpy as np
import pandas as pd
import pytest

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.sources.audio import read_wav

ROWS = b"a,b\n" + b"1.5,2.5\n" * 100_000


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", ROWS)
    return file.getvalue()


def archive(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def parquet():
    pytest.importorskip("pyarrow")
    file = io.BytesIO()
    pd.DataFrame({"a": np.ones(200_000), "b": np.ones(200_000)}).to_parquet(file)
    return file.getvalue()


BOMBS = {
    "csv:t.csv": lambda: ROWS,
    "csv:t.csv.gz": lambda: gzip.compress(ROWS),
    "csv:t.csv.bz2": lambda: bz2.compress(ROWS),
    "csv:t.csv.xz": lambda: lzma.compress(ROWS),
    "csv:t.csv.zip": zipped,
    "npz:t.npz": lambda: archive(x=np.zeros((500, 1000))),
    "npz:u.npz": lambda: archive(x=np.zeros((9, 2)), x_test=np.zeros((2_000_000, 2), bool)),
    "parquet:t.parquet": parquet,
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_does_not_fit_into_memory_is_one_line(name, tmp_path, monkeypatch):
    source, file = name.split(":")
    (tmp_path / file).write_bytes(BOMBS[name]())
    monkeypatch.setattr("asymnas.data.memory.free_memory", lambda: 2_000_000)
    with pytest.raises(DataError) as caught:
        load_dataset(DataSpec(name=f"{source}:{tmp_path / file}"))
    assert "MB of memory but 2.0 MB are free: give a part of it, or a smaller one" in str(
        caught.value
    )
    assert str(tmp_path / file) in str(caught.value)
    assert "\n" not in str(caught.value)


def claimed(shape):
    """A `.npy` file whose header claims more than it holds."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return file.getvalue() + bytes(800)


def within_zip(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", content)
    return file.getvalue()


@pytest.mark.parametrize("shape", [(10**12, 3), (2**62, 1), (10**6, 10**6, 10**6)])
@pytest.mark.parametrize("change", [bytes, within_zip])
def test_an_array_of_less_than_its_header_claims(change, shape, tmp_path):
    (tmp_path / "t.npz").write_bytes(change(claimed(shape)))
    with pytest.raises(DataError, match="cannot be read") as caught:
        load_dataset(DataSpec(name=f"npz:{tmp_path / 't.npz'}"))
    assert "\n" not in str(caught.value)


def wav(form, riff, data, size):
    header = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    sizes = (
        b"ds64" + struct.pack("<IQQQI", 28, size, size, size // 2, 0) if form == b"RF64" else b""
    )
    header = header[:4] + sizes + header[4:]
    return form + struct.pack("<I", riff) + header + b"data" + struct.pack("<I", data) + bytes(400)


WAVES = [
    wav(b"RIFF", 500, 2**31, 0),
    wav(b"RIFF", 500, 2**32 - 2, 0),
    wav(b"RF64", 2**32 - 1, 2**32 - 1, 2**40),
    wav(b"RF64", 2**32 - 1, 2**32 - 1, 2**62),
]


@pytest.mark.parametrize("content", WAVES)
def test_sound_of_less_than_its_header_claims(content, tmp_path):
    (tmp_path / "t.wav").write_bytes(content)
    with pytest.raises(DataError, match=r"is cut short|not a readable WAV file") as caught:
        read_wav(tmp_path / "t.wav")
    assert "\n" not in str(caught.value)
