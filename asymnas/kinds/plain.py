"""The plain autoencoder: squared error, nothing between the sides."""

import torch
from torch import Tensor, nn

from asymnas.kinds import KINDS, Autoencoder


class Plain:
    """Minimises the mean squared error."""

    def code_size(self, latent: int) -> int:
        """The latent itself."""
        return latent

    def bottleneck(self, latent: int) -> nn.Module:
        """Nothing."""
        return nn.Identity()

    def training_loss(self, model: Autoencoder, x: Tensor, generator: torch.Generator) -> Tensor:
        """Mean squared error over the batch."""
        return nn.functional.mse_loss(model(x).float(), x)

    def validation_loss(self, x: Tensor, output: Tensor) -> Tensor:
        """Mean squared error of each example, `[b]`."""
        return (output - x).square().flatten(1).mean(1)


KINDS.register("plain")(Plain())
