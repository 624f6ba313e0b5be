"""Upsampling by two: one file each.

An entry builds a module `[b, inputs, h, w] -> [b, outputs, 2h, 2w]` without an activation.
Strategies differ in parameters and MACs for the same channels; `docs/upsampling.md` has the table.
"""

from collections.abc import Callable

from torch import nn

from asymnas.registry import Registry

Upsampling = Callable[[int, int, int], nn.Module]
"""`(inputs, outputs, kernel) -> module`; a strategy of a fixed kernel ignores the last."""

UPSAMPLINGS: Registry[Upsampling] = Registry("upsampling", __name__)
