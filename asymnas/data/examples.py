"""Examples of a split: a tensor, or rows of what stays in a file larger than memory."""

from collections.abc import Iterable, Iterator
from typing import Protocol, overload

import torch
from torch import Tensor


class Examples(Protocol):
    """Examples `[n, *shape]`; `Tensor` and `Indexed` are such.

    A slice is a view; a tensor of whole numbers or of truth values gathers a batch, as a tensor.
    """

    @property
    def shape(self) -> torch.Size:
        """`[n, *shape]`."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The type of a value."""
        ...

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, index: slice, /) -> "Examples": ...
    @overload
    def __getitem__(self, index: Tensor, /) -> Tensor: ...

    def split(self, size: int, /) -> Iterable[Tensor]:
        """Consecutive chunks of `size` examples, the last one perhaps smaller."""
        ...

    def to(self, device: torch.device | str, /) -> "Examples":
        """The same examples, on the device that batches are wanted on."""
        ...


class Rows(Protocol):
    """Where rows `[m, *shape]` are gathered from; such as a `Tensor` on the CPU, or a file."""

    @property
    def shape(self) -> torch.Size:
        """`[m, *shape]`."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The type of a value."""
        ...

    def index_select(self, dim: int, index: Tensor, /) -> Tensor:
        """The rows `index`, int64 `[k]`, as a tensor `[k, *shape]`; `dim` is 0."""
        ...


class Indexed:
    """Rows in an order of their own, gathered only when asked for.

    Args:
        source: All rows, `[m, *shape]`.
        order: Which rows are the examples, int64 `[n]`.
        device: Where batches are delivered; the source stays where it is.
    """

    def __init__(self, source: Rows, order: Tensor, device: torch.device | str = "cpu") -> None:
        self.source, self.order = source, order
        self._device = device

    @property
    def shape(self) -> torch.Size:
        """`[n, *shape]`."""
        return torch.Size((len(self.order), *self.source.shape[1:]))

    @property
    def dtype(self) -> torch.dtype:
        """The type of a value."""
        return self.source.dtype

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, index: slice, /) -> "Indexed": ...
    @overload
    def __getitem__(self, index: Tensor, /) -> Tensor: ...
    def __getitem__(self, index: slice | Tensor, /) -> "Indexed | Tensor":
        if isinstance(index, slice):
            return Indexed(self.source, self.order[index], self._device)
        return self._gather(self.order[index.cpu()])

    def only(self, kept: Tensor) -> "Indexed":
        """The examples where `kept`, bool `[n]`, is true; none is gathered yet."""
        return Indexed(self.source, self.order[kept.cpu()], self._device)

    def split(self, size: int, /) -> Iterator[Tensor]:
        """Consecutive chunks of `size` examples, each gathered when its turn comes."""
        for start in range(0, len(self), size):
            yield self._gather(self.order[start : start + size])

    def to(self, device: torch.device | str, /) -> "Indexed":
        """The same examples, delivered on `device`."""
        return Indexed(self.source, self.order, device)

    def _gather(self, rows: Tensor) -> Tensor:
        return self.source.index_select(0, rows).to(self._device)
