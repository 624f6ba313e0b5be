"""The plain autoencoder: squared error, nothing between the sides."""

import torch
from torch import Tensor, nn

from asymnas.config import Bottleneck
from asymnas.kinds import KINDS, Autoencoder, squared_error


class Plain:
    """Minimises the mean squared error."""

    def refuse(self, bottleneck: Bottleneck, tokens: int) -> str | None:
        """Nothing is refused."""
        return None

    def encoder_inputs(self, encoder: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
        """The whole example."""
        return (x,)

    def code_size(self, latent: int) -> int:
        """The latent itself."""
        return latent

    def bottleneck(self, latent: int) -> nn.Module:
        """Nothing."""
        return nn.Identity()

    def training_loss(self, model: Autoencoder, x: Tensor, generator: torch.Generator) -> Tensor:
        """Mean squared error over the batch."""
        return nn.functional.mse_loss(model(x).float(), x)

    def validate(
        self, model: Autoencoder, x: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Reconstructions and the mean squared error of each, `[b, *shape]` and `[b]`."""
        output = model(x).float()
        return output, squared_error(x, output)


KINDS.register("plain")(Plain())
