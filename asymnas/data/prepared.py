"""A data set as the process that leads a run prepared it, in a file that its workers map.

Reading and fitting a wide table takes a minute, and each worker that did so held all of it. The
file is what `torch.save` writes of the splits as they are trained on; mapped privately, its pages
are shared by all processes, and nothing that is done to the tensors reaches it. Images whose
decoded form is in a cache of their own stay there, and the file holds their order.

The file says nothing about whether it is the right one: a worker compares the fingerprint of what
it has read with the run's. Without a file that is right it loads the data itself, and compares too:
data that changed while the run goes on end it.

Decision: docs/decisions/0023-workers-map-prepared-data.md.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.files import whole_file
from asymnas.data.base import CHUNK, Dataset, load_dataset
from asymnas.data.examples import Examples, Indexed
from asymnas.data.fingerprint import changes, fingerprint
from asymnas.data.images.stored import StoredRows
from asymnas.data.preprocessing import Preprocessing
from asymnas.data.splits import NAMES, PerSplit

FORMAT = 1  # of the file

Arrays = dict[str, Any]  # what the file holds, with NumPy arrays for tensors


@dataclass(frozen=True)
class PreparedData:
    """The data of a run, for those who train on them.

    Args:
        spec: What they were loaded by.
        fingerprint: What their content is, by the start of the run.
        path: Where `write_prepared` wrote them; `None` where it wrote nothing.
    """

    spec: DataSpec
    fingerprint: dict[str, Any] = field(hash=False)
    path: Path | None = None

    def load(self, arrays: Arrays | None = None) -> Dataset:
        """The data, from the file if it is there and right, else by loading them.

        Args:
            arrays: What `arrays_of` made of the file, for a machine that does not see it.

        Raises:
            DataError: They cannot be loaded, or are not what they were.
        """
        mapped = None if self.path is None else read_prepared(self.path)
        if mapped is None and arrays is not None:
            mapped = _of_arrays(arrays)
        if mapped is not None and not changes(self.fingerprint, fingerprint(mapped)):
            return mapped
        data = load_dataset(self.spec)
        if changed := changes(self.fingerprint, fingerprint(data)):
            raise DataError(
                f"{self.spec.name} changed while the run goes on: {'; '.join(changed)}. What has "
                "finished is saved: restore the data and run the command again to go on from here, "
                "or name another --run-dir for the data as they are now"
            )
        return data


def write_prepared(path: Path, data: Dataset) -> None:
    """Writes a data set whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    preprocessing = data.preprocessing
    values = {
        "format": FORMAT,
        "examples": {split: _stored(getattr(data, split)) for split in NAMES},
        "labels": _of_splits(data.labels),
        "anomalies": _of_splits(data.anomalies),
        "groups": _of_splits(data.groups),
        "data_range": data.data_range,
        "notes": list(data.notes),
        "preprocessing": None if preprocessing is None else preprocessing.to_text(),
    }
    with whole_file(path) as file:
        torch.save(values, file)


def read_prepared(path: Path) -> Dataset | None:
    """What `write_prepared` wrote, mapped; `None` where the file is missing, damaged or another's.

    Whether its values are what they were is for the data's fingerprint to say.
    """
    try:
        values: dict[str, Any] = torch.load(path, mmap=True, map_location="cpu", weights_only=True)
        return _dataset(values) if values["format"] == FORMAT else None
    except Exception:  # whatever a damaged file raises: the data are then prepared anew
        return None


def arrays_of(path: Path) -> Arrays | None:
    """What `write_prepared` wrote, to be sent to other machines: with arrays for its tensors.

    Returns:
        `None` where the file is missing or damaged, and where it holds the place of images that are
        kept in a file of their own.
    """
    try:
        values: Arrays = torch.load(path, mmap=True, map_location="cpu", weights_only=True)
        if any("rows" in stored for stored in values["examples"].values()):
            return None
        arrays: Arrays = _mapped(values, lambda v: v.numpy() if isinstance(v, Tensor) else v)
        return arrays
    except Exception:  # as above
        return None


def _of_arrays(arrays: Arrays) -> Dataset | None:
    """A data set over the memory of arrays, which may be shared and not be written to."""

    def tensor(value: Any) -> Any:
        return torch.from_numpy(value) if isinstance(value, np.ndarray) else value

    try:
        with warnings.catch_warnings():  # nothing writes to a data set
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return _dataset(_mapped(arrays, tensor))
    except Exception:  # of another version: the data are then prepared anew
        return None


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """Nested values with a function applied to each that is no mapping."""
    if isinstance(value, dict):
        return {name: _mapped(part, function) for name, part in value.items()}
    return function(value)


def _dataset(values: Mapping[str, Any]) -> Dataset:
    """A data set of the values of its file."""
    examples, text = values["examples"], values["preprocessing"]
    return Dataset(
        train=_restored(examples["train"]),
        validation=_restored(examples["validation"]),
        test=_restored(examples["test"]),
        labels=_entries(values["labels"]),
        anomalies=_entries(values["anomalies"]),
        groups=_entries(values["groups"]),
        data_range=values["data_range"],
        notes=tuple(values["notes"]),
        preprocessing=None if text is None else Preprocessing.from_text(text),
    )


def _of_splits(entries: PerSplit | None) -> dict[str, Tensor] | None:
    return None if entries is None else entries._asdict()


def _entries(stored: dict[str, Tensor] | None) -> PerSplit | None:
    return None if stored is None else PerSplit(**stored)


def _stored(examples: Examples) -> dict[str, Any]:
    """A split as it is written: its values, or where they are and their order."""
    if isinstance(examples, Indexed) and isinstance(examples.source, StoredRows):
        return {"rows": examples.source.place, "order": examples.order.clone()}
    if isinstance(examples, Tensor):
        return {"values": examples.contiguous()}
    return {"values": torch.cat(list(examples.split(CHUNK)))}


def _restored(stored: dict[str, Any]) -> Examples:
    if "values" in stored:
        values: Tensor = stored["values"]
        return values
    place = dict(stored["rows"])
    return Indexed(StoredRows(Path(place.pop("path")), **place), stored["order"])
