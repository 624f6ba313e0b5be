"""The data set that a process trains on: loaded once, kept on its device."""

import threading
from dataclasses import replace
from typing import Any

from asymnas.core.config import DataSpec
from asymnas.data.base import Dataset, load_dataset
from asymnas.data.prepared import PreparedData

_lock = threading.Lock()
_received: dict[PreparedData, Any] = {}  # arrays of data whose file is on another machine
_loaded: list[tuple[DataSpec | PreparedData, str, Dataset]] = []  # one at most


def loaded_dataset(source: DataSpec | PreparedData, device: str) -> Dataset:
    """A data set with its training and validation splits on a device.

    The last one asked for is kept; threads that ask at the same time wait for one load.

    Args:
        source: What to load, perhaps with where it lies prepared and what its content must be.
        device: Where it is trained on.

    Raises:
        DataError: The data set cannot be loaded, or its content is another one.
    """
    with _lock:
        if not _loaded or _loaded[0][:2] != (source, device):
            _loaded.clear()  # before the load, so that two never lie in memory
            data = (
                source.load(_received.get(source))
                if isinstance(source, PreparedData)
                else load_dataset(source)
            )
            if device != "cpu":
                train, validation = data.train.to(device), data.validation.to(device)
                data = replace(data, train=train, validation=validation)
            _loaded.append((source, device, data))
        return _loaded[0][2]


def receive(source: PreparedData, arrays: Any) -> None:
    """Takes in what a data set is made of, for a process that may not see its file.

    Args:
        source: The data.
        arrays: What `asymnas.data.prepared.arrays_of` made of its file.
    """
    _received[source] = arrays


def forget_dataset() -> None:
    """Lets go of the data set that is kept; for a process that goes on to do something else."""
    with _lock:
        _loaded.clear()
