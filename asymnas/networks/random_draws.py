"""Random draws of a block of code, taken from one generator instead of torch's global state.

Layers of torch draw their initial weights from the global generator, which all threads share: two
networks that are built at the same time would disturb each other's weights. Within
`draws_from(generator)` the same calls, in torch's layers too, draw from the generator given. The
mode is one of the thread that enters it, and the global state is neither read nor changed.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

#: What draws and takes a generator. The `*_like` functions take none and are left alone.
_RANDOM = frozenset(
    {
        torch.bernoulli,
        torch.multinomial,
        torch.normal,
        torch.poisson,
        torch.rand,
        torch.randint,
        torch.randn,
        torch.randperm,
        torch.Tensor.bernoulli_,
        torch.Tensor.cauchy_,
        torch.Tensor.exponential_,
        torch.Tensor.geometric_,
        torch.Tensor.log_normal_,
        torch.Tensor.multinomial,
        torch.Tensor.normal_,
        torch.Tensor.random_,
        torch.Tensor.uniform_,
        nn.init.kaiming_normal_,
        nn.init.kaiming_uniform_,
        nn.init.normal_,
        nn.init.orthogonal_,
        nn.init.sparse_,
        nn.init.trunc_normal_,
        nn.init.uniform_,
        nn.init.xavier_normal_,
        nn.init.xavier_uniform_,
    }
)


def draws_from(generator: torch.Generator) -> AbstractContextManager[Any]:
    """Within the block, random functions that are given no generator use this one.

    Args:
        generator: On the device of what is drawn.
    """
    return _Draws(generator)


class _Draws(TorchFunctionMode):
    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in _RANDOM and kwargs.get("generator") is None:
            kwargs = {**kwargs, "generator": self._generator}
        return func(*args, **kwargs)
