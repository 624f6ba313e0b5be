"""Downsampling by two: one file each.

An entry builds a module `[b, inputs, *size] -> [b, outputs, *size / 2]` without an activation, for
signals (one dimension) and images (two) of even size, and names the upsampling that mirrors it in a
symmetric control.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from asymnas.core.registry import Registry


@dataclass(frozen=True)
class Downsampling:
    """One way to halve every axis.

    Args:
        build: `(inputs, outputs, kernel, dims) -> module`.
        mirror: Name of the upsampling that undoes it in a mirrored decoder.
    """

    build: Callable[[int, int, int, int], nn.Module]
    mirror: str


DOWNSAMPLINGS: Registry[Downsampling] = Registry("downsampling", __name__, "asymnas.downsamplings")
