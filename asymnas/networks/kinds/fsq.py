"""Finite scalar quantisation (Mentzer et al. 2023, https://arxiv.org/abs/2309.15505).

Each latent number is squashed and rounded to one of a few levels between -1 and 1; gradients pass
straight through the rounding. There is no codebook, nothing to collapse and nothing to count.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from asymnas.networks.kinds import KINDS, Autoencoder, Kind
from asymnas.networks.kinds.plain import ErrorName, reconstruction
from asymnas.networks.layers import at_least_fp32
from asymnas.networks.named_options import check_option

MOST_LEVELS = 2**16


class Levels(nn.Module):
    """Rounds each number to one of `codes` levels, evenly from -1 to 1.

    `[b, latent, ...] -> [b, latent, ...]`.
    """

    def __init__(self, codes: int) -> None:
        super().__init__()
        self.codes = codes

    def level(self, code: Tensor) -> Tensor:
        """Numbers from 0 to codes - 1, not yet rounded, in float32 or more."""
        return (at_least_fp32(code).tanh() + 1) / 2 * (self.codes - 1)

    def forward(self, code: Tensor) -> Tensor:
        """The nearest levels; the gradient is that of the squashed code."""
        level = self.level(code)
        rounded = level + (level.round() - level).detach()
        return rounded * 2 / (self.codes - 1) - 1


@KINDS.register("fsq")
def fsq(levels: int = 8, loss: ErrorName = "mse") -> Kind:
    """Minimises the error of reconstructions from rounded latents.

    `encode` gives the rounded latent; an example takes latent · log₂(levels) bits, times its
    positions for a spatial latent.

    Args:
        levels: Levels of a latent number, from 2 to 2¹⁶.
        loss: See `plain`.
    """
    check_option("levels", levels, f"from 2 to {MOST_LEVELS}", 2 <= levels <= MOST_LEVELS)

    def statistics(
        model: Autoencoder, x: Tensor, generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        rounded = cast(Levels, model.bottleneck).level(model.encoder(x)).round()
        return {"codes": rounded.flatten(1).long()}

    return replace(
        reconstruction(loss),
        bottleneck=lambda latent: Levels(levels),
        steady_from=0.0,
        statistics=statistics,
    )
