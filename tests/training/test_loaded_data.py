"""The data set of a process is loaded once, by however many threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.fingerprint import fingerprint
from asymnas.data.prepared import PreparedData, arrays_of, write_prepared
from asymnas.training.loaded_data import loaded_dataset, receive


def test_threads_share_one_load(monkeypatch):
    loads = []
    started = threading.Barrier(3, timeout=100)

    def load(spec):
        loads.append(spec)
        time.sleep(0.2)
        return object()

    def ask(number):
        started.wait()
        return loaded_dataset(DataSpec(name="shared"), "cpu")

    monkeypatch.setattr("asymnas.training.loaded_data.load_dataset", load)
    with ThreadPoolExecutor(3) as executor:
        shared = list(executor.map(ask, range(3)))
    assert loads == [DataSpec(name="shared")]
    assert shared[0] is shared[1] is shared[2]
    assert loaded_dataset(DataSpec(name="shared"), "cpu") is shared[0]
    other = DataSpec(name="shared", seed=1)
    assert loaded_dataset(other, "cpu") is not shared[0]
    assert loads[1:] == [other]


def test_a_process_that_sees_no_file_trains_on_what_it_received(tmp_path):
    np.savez(tmp_path / "x.npz", np.random.default_rng(0).random((60, 3)))
    data = load_dataset(DataSpec(name=f"npz:{tmp_path / 'x.npz'}"))
    write_prepared(tmp_path / "d.pt", data)
    arrays = arrays_of(tmp_path / "d.pt")
    elsewhere = PreparedData(DataSpec(name="npz:x.npz"), fingerprint(data), tmp_path / "gone.pt")
    receive(elsewhere, arrays)
    assert torch.equal(loaded_dataset(elsewhere, "cpu").train, data.train)
    other = fingerprint(load_dataset(DataSpec(name=f"npz:{tmp_path / 'x.npz'}", seed=1)))
    changed = PreparedData(elsewhere.spec, other, elsewhere.path)
    receive(changed, arrays)
    with pytest.raises(DataError):  # it is not that: nor is there a file to load anew
        loaded_dataset(changed, "cpu")
