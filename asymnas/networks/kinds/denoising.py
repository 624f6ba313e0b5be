"""Denoising autoencoders: the input is corrupted, the target is clean (Vincent et al. 2008, 2010).

"Extracting and Composing Robust Features with Denoising Autoencoders", ICML 2008,
https://doi.org/10.1145/1390156.1390294; "Stacked Denoising Autoencoders", JMLR 11, 2010. Validation
corrupts too: its loss says how well the clean example is recovered from a corrupted one.

A kind does not know its data, so every size is absolute: in the values that the network sees, which
are 0 … 1 for images and have standard deviation 1 for standardised rows.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from asymnas.networks.kinds import KINDS, Kind
from asymnas.networks.kinds.plain import ErrorName, reconstruction
from asymnas.networks.named_options import check_option


@dataclass(frozen=True, kw_only=True)
class GaussianNoise:
    """Adds N(0, sd²) to every value.

    Args:
        sd: Standard deviation. The default is about that of the pixels of an image with values
            0 … 1, and a third of that of standardised rows.
    """

    sd: float = 0.3

    def __post_init__(self) -> None:
        check_option("sd", self.sd, "above 0", self.sd > 0)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupts clean examples, `[b, *shape] -> [b, *shape]`; leaves `x` as it is."""
        return x + self.sd * _normal(x, generator)


@dataclass(frozen=True, kw_only=True)
class Masking:
    """Sets values to zero: black in an image, the mean in standardised rows.

    Args:
        share: Probability that a value is set to zero, each independently of the others.
    """

    share: float = 0.25

    def __post_init__(self) -> None:
        check_option("share", self.share, "from 0 to 1", 0 <= self.share <= 1)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupts clean examples, `[b, *shape] -> [b, *shape]`; leaves `x` as it is."""
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

    def __post_init__(self) -> None:
        check_option("share", self.share, "from 0 to 1", 0 <= self.share <= 1)
        check_option("sd", self.sd, "above 0", self.sd > 0)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupts clean examples, `[b, *shape] -> [b, *shape]`; leaves `x` as it is."""
        hit = _chosen(x, self.share, generator)
        return x + hit * self.sd * _normal(x, generator)


@KINDS.register("denoising")
def denoising(sd: float = 0.3, loss: ErrorName = "mse") -> Kind:
    """Undoes Gaussian noise.

    Args:
        sd: See `GaussianNoise`.
        loss: See `plain`.
    """
    return reconstruction(loss, GaussianNoise(sd=sd), steady_from=0.0)


@KINDS.register("denoising-masking")
def denoising_masking(share: float = 0.25, loss: ErrorName = "mse") -> Kind:
    """Fills in values set to zero.

    Args:
        share: See `Masking`.
        loss: See `plain`.
    """
    return reconstruction(loss, Masking(share=share), steady_from=0.0)


@KINDS.register("denoising-gross")
def denoising_gross(share: float = 0.2, sd: float = 5.0, loss: ErrorName = "mse") -> Kind:
    """Undoes gross errors of some values.

    Args:
        share: See `GrossErrors`.
        sd: See `GrossErrors`.
        loss: See `plain`.
    """
    return reconstruction(loss, GrossErrors(share=share, sd=sd), steady_from=0.0)


def _normal(x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers in the shape of `x`, on its device."""
    return torch.randn(x.shape, generator=generator, device=x.device)


def _chosen(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """True with probability `share`, in the shape of `x`, on its device."""
    return torch.rand(x.shape, generator=generator, device=x.device) < share
