"""A linear change of values: fitted once, applied to any examples, undone, written as JSON."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 2**20  # values changed at a time, so that little more than the result is held


class Affine(NamedTuple):
    """`(value - offset) / scale`.

    Args:
        offset: What is subtracted; broadcast over an example, as `[d]` of rows or `[c, 1]` of
            signals.
        scale: What it is then divided by, shaped alike; not zero.
    """

    offset: NDArray[np.float64]
    scale: NDArray[np.float64]

    def apply(self, examples: NDArray[Any]) -> NDArray[np.float32]:
        """Changes examples `[n, *shape]`."""
        changed = np.empty(examples.shape, dtype=np.float32)
        size = max(1, AT_ONCE // max(1, examples[:1].size))
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(examples), size):
                part = slice(start, start + size)
                changed[part] = (examples[part] - self.offset) / self.scale
        return changed

    def undo(self, changed: NDArray[Any]) -> NDArray[np.float64]:
        """Gives examples `[n, *shape]` their own units back."""
        return changed.astype(np.float64) * self.scale + self.offset

    def to_dict(self) -> dict[str, Any]:
        """JSON values, from which `from_dict` reads the very same numbers."""
        return {"offset": self.offset.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Affine":
        """Reads what `to_dict` wrote."""
        return cls(np.array(values["offset"], float), np.array(values["scale"], float))
