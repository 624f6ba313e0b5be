"""Transposed convolution of stride two, with kernel two, four, or the side's own."""

from torch import nn

from asymnas.networks.layers import TRANSPOSED
from asymnas.networks.upsampling import UPSAMPLINGS


@UPSAMPLINGS.register("transposed")
def transposed(inputs: int, outputs: int, kernel: int, dims: int) -> nn.Module:
    """The side's kernel: kernelᵈ · inputs · outputs weights in d dimensions.

    A kernel that is not a multiple of the stride overlaps unevenly (Odena et al. 2016).
    """
    padding = (kernel - 1) // 2
    surplus = 2 * padding + 2 - kernel
    return TRANSPOSED[dims](
        inputs, outputs, kernel, stride=2, padding=padding, output_padding=surplus
    )


@UPSAMPLINGS.register("transposed_k2")
def transposed_k2(inputs: int, outputs: int, kernel: int, dims: int) -> nn.Module:
    """Kernel two: no overlap; 2ᵈ · inputs · outputs weights in d dimensions."""
    return transposed(inputs, outputs, 2, dims)


@UPSAMPLINGS.register("transposed_k4")
def transposed_k4(inputs: int, outputs: int, kernel: int, dims: int) -> nn.Module:
    """Kernel four: even overlap; 4ᵈ · inputs · outputs weights in d dimensions."""
    return transposed(inputs, outputs, 4, dims)
