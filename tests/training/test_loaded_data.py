"""The data set of a process is loaded once, by however many threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from asymnas.core.config import DataSpec
from asymnas.training.loaded_data import loaded_dataset


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
