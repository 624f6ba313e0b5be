"""Checkerboard index of the decoder's upsampling path: how much constant features ripple.

Odena et al. 2016, "Deconvolution and Checkerboard Artifacts",
https://doi.org/10.23915/distill.00003. Each layer that doubles the resolution is fed features that
are constant over positions: the mean, over positions, of what it is really fed for a few examples.
Whatever then varies over positions, away from the border, is the layer's own doing.
"""

import math

import torch
from torch import Tensor, nn

from asymnas.networks.layers import is_upsampling
from asymnas.training.metrics import METRICS, Facts, NetworkMetric, View

LENGTH = 10  # positions an axis that a layer is fed
BORDER = 6  # positions that are cropped at every end of the output: 8 are left, whole periods
EXAMPLES = 4  # whose mean features are fed


@torch.inference_mode()
def checkerboard(view: View) -> float:
    """Root mean square over layers of the ripple relative to the layer's output, in [0, 1]."""
    z = view.network.encode(view.inputs[:EXAMPLES])
    ripples = [relative_ripple(layer, x) for layer, x in upsampling_layers(view.network.decoder, z)]
    return math.sqrt(sum(share**2 for share in ripples) / len(ripples))


def relative_ripple(layer: nn.Module, x: Tensor) -> float:
    """Ripple of a layer over the root mean square of its output; 0 if that is nothing.

    Args:
        layer: `[b, inputs, *size] -> [b, outputs, *2 size]`.
        x: What it is fed, `[b, inputs, *size]`.
    """
    output = response(layer, x.flatten(2).mean(2), x.dim() - 2)
    power = float(output.square().mean())
    return math.sqrt(float(ripple(output).square().mean()) / power) if power > 0 else 0.0


def response(layer: nn.Module, constant: Tensor, dims: int) -> Tensor:
    """What constant features become, the border cropped, `[b, inputs] -> [b, outputs, positions]`.

    Args:
        layer: As for `relative_ripple`.
        constant: A value for each channel.
        dims: Axes of positions: one of a signal, two of an image.
    """
    x = constant.view(*constant.shape, *(1,) * dims).expand(*constant.shape, *(LENGTH,) * dims)
    inside = (..., *(slice(BORDER, -BORDER),) * dims)
    output: Tensor = layer(x.contiguous())[inside]
    return output.flatten(2).double()


def ripple(output: Tensor) -> Tensor:
    """Standard deviation over positions, `[b, outputs, positions] -> [b, outputs]`."""
    return output.std(2, correction=0)


def upsampling_layers(decoder: nn.Module, z: Tensor) -> list[tuple[nn.Module, Tensor]]:
    """The layers of a chain that are marked as doubling every axis, each with what it is fed.

    Args:
        decoder: Layers one after another; of any other module there are none.
        z: `[b, latent, ...]`.
    """
    if not isinstance(decoder, nn.Sequential):
        return []
    layers = []
    for layer in decoder:
        if is_upsampling(layer):
            layers.append((layer, z))
        z = layer(z)
    return layers


def _unsupported_reason(facts: Facts) -> str | None:
    if facts.upsamples:
        return None
    return "it needs a decoder that upsamples layer by layer: take the family conv2d or conv1d"


METRICS.register("checkerboard")(
    NetworkMetric(
        checkerboard,
        "ripple that upsampling adds to constant features, as a share of the output",
        unsupported_reason=_unsupported_reason,
    )
)
