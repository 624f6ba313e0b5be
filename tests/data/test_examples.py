"""A split that stays in its file behaves as the tensor of its rows."""

import gc
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from asymnas.core.errors import DataError
from asymnas.data.base import Dataset, PerSplit, load_dataset, normal
from asymnas.data.examples import Indexed
from asymnas.data.images.stored import StoredRows

SOURCE = torch.randint(0, 256, (50, 3, 4, 5), dtype=torch.uint8)
ORDER = torch.randperm(50)[:31]
VIEW, WHOLE = Indexed(SOURCE, ORDER), SOURCE[ORDER]


def test_it_has_the_shape_type_and_length_of_its_rows():
    assert VIEW.shape == WHOLE.shape
    assert (VIEW.dtype, len(VIEW)) == (WHOLE.dtype, len(WHOLE))


@pytest.mark.parametrize(
    "index", [torch.tensor([30, 0, 0, 7]), torch.empty(0, dtype=torch.long), torch.arange(31) > 20]
)
def test_a_tensor_gathers_a_batch(index):
    assert torch.equal(VIEW[index], WHOLE[index])


@pytest.mark.parametrize("place", [slice(None), slice(7), slice(5, 100), slice(-4, None)])
def test_a_slice_is_a_view_and_reads_nothing(place):
    view = VIEW[place]
    assert isinstance(view, Indexed)
    assert view.shape == WHOLE[place].shape
    assert torch.equal(view[torch.arange(len(view))], WHOLE[place])


@pytest.mark.parametrize("size", [1, 7, 31, 100])
def test_chunks_are_those_of_a_tensor(size):
    chunks = list(VIEW.split(size))
    assert all(torch.equal(*pair) for pair in zip(chunks, WHOLE.split(size), strict=True))


def test_batches_are_delivered_where_they_are_wanted():
    elsewhere = VIEW.to("meta")
    assert elsewhere[torch.tensor([1, 2])].device.type == "meta"
    assert elsewhere[:5][torch.tensor([1])].device.type == "meta"
    assert {chunk.device.type for chunk in elsewhere.split(9)} == {"meta"}
    assert len(elsewhere) == len(VIEW)


def rows(n):
    return torch.rand(n, 3)


def entries(train, validation, test):
    return PerSplit(*(torch.tensor(part) for part in (train, validation, test)))


def made(**changes):
    return Dataset(**{"train": rows(4), "validation": rows(2), "test": rows(3), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": rows(0)}, "the test split is empty"),
        ({"test": torch.rand(3, 4)}, "the test split differs from the training split"),
        ({"validation": rows(2).double()}, "differs from the training split in shape or type"),
        ({"test": rows(3) / 0}, "the test split holds NaN or infinite"),
        (
            {"labels": entries([0, 1, 1, 0], [1], [0, 0, 0])},
            r"labels of the validation split must be torch.int64 of shape \(2,\) but .* \(1,\)",
        ),
        ({"labels": entries([0.0] * 4, [1.0] * 2, [0.0] * 3)}, "torch.int64 .* torch.float32"),
        ({"labels": entries([0] * 4, [-1] * 2, [0] * 3)}, "from 0 but one is negative"),
        ({"anomalies": entries([0] * 4, [1] * 2, [0] * 3)}, "must be torch.bool"),
        (
            {"anomalies": entries([True, *[False] * 3], [True] * 2, [False] * 3)},
            "the training split has anomalies",
        ),
    ],
)
def test_what_a_data_set_refuses(changes, message):
    with pytest.raises(DataError, match=message):
        made(**changes)


def test_labels_and_anomalies_are_kept():
    labels = entries([0, 1, 1, 0], [1, 0], [0, 0, 1])
    anomalies = entries([False] * 4, [True, False], [False, False, True])
    data = made(labels=labels, anomalies=anomalies)
    assert data.labels is labels
    assert torch.equal(normal(data, "train"), data.train)
    assert torch.equal(normal(data, "validation"), data.validation[1:])
    assert torch.equal(normal(data, "test"), data.test[:2])
    assert normal(made(), "test").shape == (3, 3)


def test_a_map_of_a_file_can_be_the_source(tmp_path):
    np.save(tmp_path / "a.npy", SOURCE.numpy())
    mapped = torch.from_numpy(np.load(tmp_path / "a.npy", mmap_mode="c"))
    assert torch.equal(Indexed(mapped, ORDER)[torch.arange(31)], WHOLE)


def test_the_first_data_set_has_labels_and_no_anomalies(small):
    data = load_dataset(small("digits"))
    assert data.anomalies is None
    assert normal(data, "validation") is data.validation


@pytest.fixture
def stored(tmp_path):
    np.save(tmp_path / "a.npy", SOURCE.numpy())
    offset = (tmp_path / "a.npy").stat().st_size - SOURCE.numel()
    return StoredRows(tmp_path / "a.npy", SOURCE.shape, offset, state="1")


@pytest.mark.parametrize("rows", [[], [0], [49, 3, 3, 0]])
def test_rows_of_a_file_are_those_of_its_tensor(stored, rows):
    index = torch.tensor(rows, dtype=torch.long)
    assert torch.equal(stored.index_select(0, index), SOURCE.index_select(0, index))
    assert (stored.shape, stored.dtype) == (SOURCE.shape, SOURCE.dtype)
    assert torch.equal(Indexed(stored, ORDER)[torch.arange(31)], WHOLE)


def test_a_batch_belongs_to_whoever_asked_for_it(stored):
    index = torch.tensor([7])
    stored.index_select(0, index).zero_()
    assert torch.equal(stored.index_select(0, index), SOURCE[7:8])


@pytest.mark.parametrize("row", [-1, 50])
def test_rows_that_are_not_there(stored, row):
    with pytest.raises(IndexError, match="no such rows"):
        stored.index_select(0, torch.tensor([row]))


def test_a_file_that_is_handed_over_in_parts(stored, monkeypatch):
    whole = os.preadv
    monkeypatch.setattr(os, "preadv", lambda f, b, at: whole(f, [b[0][:7]], at))
    assert torch.equal(stored.index_select(0, ORDER), WHOLE)


def test_a_file_that_was_cut_is_an_error_and_one_deleted_is_not(stored, tmp_path):
    path = tmp_path / "a.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    assert torch.equal(stored.index_select(0, torch.tensor([3])), SOURCE[3:4])
    with pytest.raises(DataError, match=r"a\.npy cannot be read \(it has become shorter\): delete"):
        stored.index_select(0, torch.tensor([49]))
    path.write_bytes(content)
    path.unlink()
    assert torch.equal(stored.index_select(0, ORDER), WHOLE)


def test_threads_read_at_once(stored):
    with ThreadPoolExecutor(4) as pool:
        batches = [pool.submit(stored.index_select, 0, ORDER) for _ in range(200)]
    assert all(torch.equal(batch.result(), WHOLE) for batch in batches)


def test_the_file_is_closed_with_its_rows(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(6))
    rows = StoredRows(path, (2, 3), 0, state="1")
    file = rows._file
    assert os.fstat(file).st_size == 6
    del rows
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)
