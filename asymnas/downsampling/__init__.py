"""Downsampling by two: one file each.

An entry builds a module `[b, inputs, h, w] -> [b, outputs, h / 2, w / 2]`, h and w even, without an
activation, and names the upsampling that mirrors it in a symmetric control.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from asymnas.registry import Registry


@dataclass(frozen=True)
class Downsampling:
    """One way to halve height and width.

    Args:
        build: `(inputs, outputs, kernel) -> module`.
        mirror: Name of the upsampling that undoes it in a mirrored decoder.
    """

    build: Callable[[int, int, int], nn.Module]
    mirror: str


DOWNSAMPLINGS: Registry[Downsampling] = Registry("downsampling", __name__)
