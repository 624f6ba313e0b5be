"""What a worker maps is what was prepared; without it, what it prepares itself is compared."""

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from dataset_fakes import noise

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset, preprocessing_of
from asymnas.data.examples import Indexed
from asymnas.data.fingerprint import changes, fingerprint
from asymnas.data.images.stored import StoredRows
from asymnas.data.prepared import PreparedData, arrays_of, read_prepared, write_prepared
from asymnas.data.splits import NAMES


def table(path: Path, n: int = 80, seed: int = 0) -> DataSpec:
    """Numbers, dates, levels, gaps, a label, anomalies and groups."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "a": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "town": rng.choice(["Ulm", "Bonn"], n),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, n), unit="D"),
            "class": np.arange(n) % 2,
            "ill": np.arange(n) % 7 == 0,
            "patient": np.arange(n) // 4,
        }
    )
    frame.to_csv(path, index=False)
    return DataSpec(name=f"csv:{path}?label=class&anomaly=ill&group=patient")


@pytest.mark.parametrize("source", ["table", "folder", "npz", "audio", "parquet"])
def test_it_is_read_as_it_was_prepared(source, small, tmp_path):
    spec = table(tmp_path / "t.csv") if source == "table" else small(source)
    data = load_dataset(spec)
    path = tmp_path / "run" / "data.pt"
    write_prepared(path, data)
    check_same(read_prepared(path), data)
    gone = PreparedData(DataSpec(name="npz:gone.npz"), fingerprint(data), tmp_path / "gone.pt")
    check_same(gone.load(read_only(arrays_of(path))), data)


def read_only(values):
    """As a process sees them in the memory that it shares with others of its machine."""
    buffers = []
    content = pickle.dumps(values, protocol=5, buffer_callback=buffers.append)
    whole = bytearray(sum(len(b.raw()) + 128 for b in buffers) + 64)
    start, views = -memory_address(whole) % 64, []
    for buffer in buffers:
        size = len(buffer.raw())
        whole[start : start + size] = buffer.raw()
        views.append(memoryview(whole)[start : start + size].toreadonly())
        start += -(-size // 64) * 64
    return pickle.loads(content, buffers=views)


def memory_address(whole):
    return np.frombuffer(whole, np.uint8).ctypes.data


def check_same(again, data):
    assert changes(fingerprint(data), fingerprint(again)) == []
    for split in NAMES:
        before, after = getattr(data, split), getattr(again, split)
        everything = torch.arange(len(before))
        assert after.dtype == before.dtype
        assert torch.equal(after[everything], before[everything])
        assert after.data_ptr() % 64 == 0  # as torch aligns its own: sums come out the same
        for entries, stored in (
            (data.labels, again.labels),
            (data.anomalies, again.anomalies),
            (data.groups, again.groups),
        ):
            assert (entries is None) == (stored is None)
            if entries is not None:
                assert torch.equal(getattr(entries, split), getattr(stored, split))
    assert (again.notes, again.data_range) == (data.notes, data.data_range)
    assert preprocessing_of(again).to_text() == preprocessing_of(data).to_text()


def test_what_is_done_to_the_tensors_stays_in_the_process(tmp_path):
    write_prepared(tmp_path / "d.pt", load_dataset(table(tmp_path / "t.csv")))
    content = (tmp_path / "d.pt").read_bytes()
    read_prepared(tmp_path / "d.pt").train.zero_()
    assert (tmp_path / "d.pt").read_bytes() == content


def test_images_in_a_cache_of_their_own_stay_there(small, tmp_path, monkeypatch):
    monkeypatch.setattr("asymnas.data.images.cache.MAPPED_BYTES", 0)
    data = load_dataset(small("folder"))
    write_prepared(tmp_path / "d.pt", data)
    again = read_prepared(tmp_path / "d.pt")
    assert isinstance(again.test, Indexed)
    assert isinstance(again.test.source, StoredRows)
    assert fingerprint(again) == fingerprint(data)
    everything = torch.arange(len(data.test))
    assert torch.equal(again.test[everything], data.test[everything])
    assert (tmp_path / "d.pt").stat().st_size < 20_000


def cut(path):
    path.write_bytes(path.read_bytes()[:-200])


def empty(path):
    path.write_bytes(b"")


def flipped(path):
    content = bytearray(path.read_bytes())
    values = read_prepared(path).train.numpy().tobytes()
    place = content.index(values) + 402
    content[place : place + 2] = b"\xff\x7f"
    path.write_bytes(content)


def of_something_else(path):
    torch.save({"format": 1, "weights": torch.zeros(3)}, path)


def of_another_format(path):
    torch.save({**torch.load(path, weights_only=True), "format": 99}, path)


def of_other_data(path):
    data = load_dataset(table(path.with_name("other.csv"), seed=3))
    write_prepared(path, data)


def without_a_split(path):
    values = torch.load(path, weights_only=True)
    del values["examples"]["test"]
    torch.save(values, path)


DAMAGE = [
    Path.unlink,
    cut,
    empty,
    flipped,
    of_something_else,
    of_another_format,
    of_other_data,
    without_a_split,
]


@pytest.mark.parametrize(
    "damage", [None, *DAMAGE], ids=lambda change: getattr(change, "__name__", "whole")
)
def test_a_worker_prepares_the_data_itself_where_the_file_is_not_right(
    damage, tmp_path, monkeypatch
):
    spec = table(tmp_path / "t.csv")
    data = load_dataset(spec)
    loads = []

    def load(given):
        loads.append(given)
        return load_dataset(given)

    monkeypatch.setattr("asymnas.data.prepared.load_dataset", load)
    path = tmp_path / "d.pt"
    write_prepared(path, data)
    if damage is not None:
        damage(path)
    again = PreparedData(spec, fingerprint(data), path).load()
    assert torch.equal(again.train, data.train)
    assert loads == ([] if damage is None else [spec])


def replaced(spec, tmp_path):
    table(tmp_path / "t.csv", n=90)


def gone(spec, tmp_path):
    (tmp_path / "t.csv").unlink()


def one_cell(spec, tmp_path):
    frame = pd.read_csv(tmp_path / "t.csv")
    frame.loc[frame["a"].idxmax(), "a"] = 9.0
    frame.to_csv(tmp_path / "t.csv", index=False)


def relabelled(spec, tmp_path):
    frame = pd.read_csv(tmp_path / "t.csv")
    frame.loc[frame["ill"].idxmin(), "class"] = 1 - frame.loc[frame["ill"].idxmin(), "class"]
    frame.to_csv(tmp_path / "t.csv", index=False)


def rows_in_another_order(spec, tmp_path):
    frame = pd.read_csv(tmp_path / "t.csv")
    frame.iloc[::-1].to_csv(tmp_path / "t.csv", index=False)


def a_column_less(spec, tmp_path):
    pd.read_csv(tmp_path / "t.csv").drop(columns="when").to_csv(tmp_path / "t.csv", index=False)


CHANGES = {
    replaced: r"the training split had \d+ examples, now \d+",
    gone: "no such file",
    one_cell: "the content of the training split changed",
    relabelled: "labels of the training split changed",
    rows_in_another_order: "content of the training split changed",
    a_column_less: r"examples were float32 \[4\], now float32 \[3\]",
}


@pytest.mark.parametrize(
    ("change", "said"), CHANGES.items(), ids=lambda v: getattr(v, "__name__", "")
)
@pytest.mark.parametrize("written", [True, False])
def test_data_that_change_meanwhile_are_read_as_prepared_or_refused(
    change, said, written, tmp_path
):
    spec = table(tmp_path / "t.csv")
    data = load_dataset(spec)
    path = tmp_path / "d.pt"
    known = PreparedData(spec, fingerprint(data), path)
    if written:
        write_prepared(path, data)
    change(spec, tmp_path)
    if written:
        assert torch.equal(known.load().train, data.train)
        return
    with pytest.raises(DataError, match=said) as raised:
        known.load()
    assert "\n" not in str(raised.value)
    if change is not gone:
        assert "restore the data and run the command again" in str(raised.value)


def test_images_that_change_meanwhile_are_refused(tmp_path, monkeypatch):
    from PIL import Image

    monkeypatch.setattr("asymnas.data.images.cache.MAPPED_BYTES", 0)
    folder = tmp_path / "images"
    folder.mkdir()
    for i, image in enumerate(noise(12, 9, 7)):
        Image.fromarray(image).save(folder / f"{i}.png")
    spec = DataSpec(name=f"folder:{folder}", root=str(tmp_path / "root"))
    data = load_dataset(spec)
    path = tmp_path / "d.pt"
    write_prepared(path, data)
    known = PreparedData(spec, fingerprint(data), path)
    Image.fromarray(noise(1, 9, 7)[0] // 2).save(folder / "3.png")
    assert known.load().shape == (1, 9, 7)  # as decoded: the file of the images is still there
    shutil.rmtree(tmp_path / "root")
    with pytest.raises(DataError, match="changed while the run goes on"):
        known.load()
    with pytest.raises(DataError, match="changed while the run goes on"):
        replace(known, path=None).load()
