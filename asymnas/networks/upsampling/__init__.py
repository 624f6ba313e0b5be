"""Upsampling by two: one file each.

An entry builds a module `[b, inputs, *size] -> [b, outputs, *2 size]` without an activation, for
signals (one dimension) and images (two). Strategies differ in parameters and MACs for the same
channels; `docs/upsampling.md` has the table.
"""

from collections.abc import Callable

from torch import nn

from asymnas.core.registry import Registry

Upsampling = Callable[[int, int, int, int], nn.Module]
"""`(inputs, outputs, kernel, dims) -> module`; one of a fixed kernel ignores the third."""

UPSAMPLINGS: Registry[Upsampling] = Registry("upsampling", __name__, "asymnas.upsamplings")
