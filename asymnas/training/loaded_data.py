"""The data set that a process trains on: loaded once, kept on its device."""

import threading
from dataclasses import replace

from asymnas.core.config import DataSpec
from asymnas.data.base import Dataset, load_dataset

_lock = threading.Lock()
_loaded: dict[tuple[DataSpec, str], Dataset] = {}


def loaded_dataset(spec: DataSpec, device: str) -> Dataset:
    """A data set with its training and validation splits on a device.

    The last one asked for is kept; threads that ask at the same time wait for one load.

    Raises:
        DataError: The data set cannot be loaded.
    """
    with _lock:
        if (spec, device) not in _loaded:
            _loaded.clear()  # before the load, so that two never lie in memory
            data = load_dataset(spec)
            if device != "cpu":
                train, validation = data.train.to(device), data.validation.to(device)
                data = replace(data, train=train, validation=validation)
            _loaded[spec, device] = data
        return _loaded[spec, device]
