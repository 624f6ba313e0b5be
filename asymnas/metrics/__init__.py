"""Metrics: what a reconstruction is judged by, one file each. Any of them can be an objective."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from asymnas.registry import Registry


@dataclass(frozen=True)
class Metric:
    """One measure, averaged over the examples of a split.

    Args:
        of: `(x, output, data_range) -> [b]`: the value of each example; `x` and `output` are
            float32 `[b, *shape]`.
        maximize: Whether more is better.
        unit: For labels; empty if none.
    """

    of: Callable[[Tensor, Tensor, float], Tensor]
    maximize: bool = False
    unit: str = ""


METRICS: Registry[Metric] = Registry("metric", __name__)
