"""Transposed convolution of stride two, with kernel two, four, or the side's own."""

from torch import nn

from asymnas.upsampling import UPSAMPLINGS


@UPSAMPLINGS.register("transposed")
def transposed(inputs: int, outputs: int, kernel: int) -> nn.Module:
    """The side's kernel: kernel² · inputs · outputs weights.

    A kernel that is not a multiple of the stride overlaps unevenly (Odena et al. 2016).
    """
    padding = (kernel - 1) // 2
    surplus = 2 * padding + 2 - kernel
    return nn.ConvTranspose2d(
        inputs, outputs, kernel, stride=2, padding=padding, output_padding=surplus
    )


@UPSAMPLINGS.register("transposed_k2")
def transposed_k2(inputs: int, outputs: int, kernel: int) -> nn.Module:
    """Kernel two: no overlap; 4 · inputs · outputs weights."""
    return transposed(inputs, outputs, 2)


@UPSAMPLINGS.register("transposed_k4")
def transposed_k4(inputs: int, outputs: int, kernel: int) -> nn.Module:
    """Kernel four: even overlap; 16 · inputs · outputs weights."""
    return transposed(inputs, outputs, 4)
