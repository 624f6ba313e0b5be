"""Rows of a file that are read when they are asked for and then belong to no page of the process.

A file that is mapped counts, page by page, towards the memory of every process that looks at it,
and a page that cannot be read ends the process. Read by `preadv`, a row costs the memory of its
batch, and what cannot be read is an error. Reading a batch of 64 images of 12 KiB takes about 0.1
ms longer than copying it out of a map whose pages are all there.
"""

import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from asymnas.core.errors import DataError
from asymnas.core.text import one_line


class StoredRows:
    """Rows `[m, *shape]` of bytes that follow one another in a file.

    The file stays open, so that it may be deleted or replaced meanwhile. Threads may read at once.

    Args:
        path: The file.
        shape: `[m, *shape]`.
        offset: Bytes before the first row.
        state: What identifies the content of the file, for the data set's fingerprint.

    Raises:
        OSError: The file cannot be opened.
    """

    dtype = torch.uint8

    def __init__(self, path: Path, shape: Sequence[int], offset: int, *, state: str) -> None:
        self.state = state
        self.shape = torch.Size(shape)
        self._path, self._offset, self._row = path, offset, self.shape[1:].numel()
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    @property
    def place(self) -> dict[str, Any]:
        """Arguments that open the same rows again, as plain values."""
        return {
            "path": str(self._path),
            "shape": list(self.shape),
            "offset": self._offset,
            "state": self.state,
        }

    def index_select(self, dim: int, index: Tensor, /) -> Tensor:
        """Reads rows, uint8 `[k, *shape]`.

        Args:
            dim: 0: rows are all there is to choose from.
            index: Which rows, int64 `[k]`.

        Raises:
            IndexError: Another dimension, or a row that is not there.
            DataError: The file cannot be read, or has become shorter.
        """
        rows = index.tolist()
        if dim != 0 or not all(0 <= row < self.shape[0] for row in rows):
            raise IndexError(f"no such rows of {tuple(self.shape)}")
        batch = np.empty((len(rows), *self.shape[1:]), dtype=np.uint8)
        for row, target in zip(rows, batch.reshape(len(rows), self._row), strict=True):
            self._read(target.data, row)
        return torch.from_numpy(batch)

    def _read(self, target: memoryview, row: int) -> None:
        """Fills `target` with a row; the system may hand it over in parts."""
        position, done = self._offset + row * self._row, 0
        try:
            while done < self._row:
                n = os.preadv(self._file, [target[done:]], position + done)
                if n == 0:
                    raise EOFError("it has become shorter")
                done += n
        except (OSError, EOFError) as error:
            raise DataError(
                f"{self._path} cannot be read ({one_line(error)}): delete it, and it is decoded "
                "again"
            ) from error
