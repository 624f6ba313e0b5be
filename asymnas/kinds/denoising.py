"""Denoising autoencoders: the input is corrupted, the target is clean (Vincent et al. 2008, 2010).

"Extracting and Composing Robust Features with Denoising Autoencoders", ICML 2008,
https://doi.org/10.1145/1390156.1390294; "Stacked Denoising Autoencoders", JMLR 11, 2010. Validation
corrupts too: its loss says how well the clean example is recovered from a corrupted one.

A kind does not know its data, so every size is absolute: in the values that the network sees, which
are 0 … 1 for images and have standard deviation 1 for standardised rows.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from asymnas.config import Bottleneck
from asymnas.kinds import KINDS, Autoencoder, squared_error


class Corruption(Protocol):
    """What is done to the input."""

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupts clean examples, `[b, *shape] -> [b, *shape]`; leaves `x` as it is."""


@dataclass(frozen=True, kw_only=True)
class GaussianNoise:
    """Adds N(0, sd²) to every value.

    Args:
        sd: Standard deviation. The default is about that of the pixels of an image with values
            0 … 1, and a third of that of standardised rows.
    """

    sd: float = 0.3

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """See `Corruption`."""
        return x + self.sd * _normal(x, generator)


@dataclass(frozen=True, kw_only=True)
class Masking:
    """Sets values to zero: black in an image, the mean in standardised rows.

    Args:
        share: Probability that a value is set to zero, each independently of the others.
    """

    share: float = 0.25

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """See `Corruption`."""
        return x * ~_chosen(x, self.share, generator)


@dataclass(frozen=True, kw_only=True)
class GrossErrors:
    """Adds N(0, sd²) to some values: to recover the rest, outliers must be told apart.

    Args:
        share: Probability that a value is hit, each independently of the others.
        sd: Standard deviation of what is added.
    """

    share: float = 0.2
    sd: float = 5.0

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """See `Corruption`."""
        hit = _chosen(x, self.share, generator)
        return x + hit * self.sd * _normal(x, generator)


@dataclass(frozen=True)
class Denoising:
    """Minimises the squared error between the output for a corrupted input and the clean one.

    Args:
        corrupt: What is done to the input, in training and in validation.
    """

    corrupt: Corruption

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
        return nn.functional.mse_loss(model(self.corrupt(x, generator)).float(), x)

    def validate(
        self, model: Autoencoder, x: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Outputs for corrupted examples, `[b, *shape]`, and how far each is off the clean one."""
        output = model(self.corrupt(x, generator)).float()
        return output, squared_error(x, output)


def _normal(x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers in the shape of `x`, on its device."""
    return torch.randn(x.shape, generator=generator, device=x.device)


def _chosen(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """True with probability `share`, in the shape of `x`, on its device."""
    return torch.rand(x.shape, generator=generator, device=x.device) < share


KINDS.register("denoising")(Denoising(GaussianNoise()))
KINDS.register("denoising-masking")(Denoising(Masking()))
KINDS.register("denoising-gross")(Denoising(GrossErrors()))
