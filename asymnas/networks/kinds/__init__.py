"""Kinds: what is trained, one file each.

A kind determines what passes between encoder and decoder, which input the network gets and which
loss training minimises, and both for validation. Everything else about an autoencoder is the same
for all kinds. An entry is a function whose keyword arguments are the kind's options: `variational`
or `variational:beta=4,warm_up=0.5` names a kind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from asymnas.core.config import Bottleneck
from asymnas.core.errors import ConfigError
from asymnas.core.registry import Registry
from asymnas.networks.named_options import read_options


class Autoencoder(nn.Module):
    """Encoder, bottleneck, decoder, and a head that turns the decoder's output into values.

    Args:
        encoder: `[b, *shape] -> [b, code, ...]`.
        bottleneck: `[b, code, ...] -> [b, latent, ...]`; its parameters count as shared.
        decoder: `[b, latent, ...] -> [b, *shape]`.
        head: Turns the decoder's output into values of the data, `[b, *shape] -> [b, *shape]`,
            such as a sigmoid after logits; without parameters.
    """

    def __init__(
        self,
        encoder: nn.Module,
        bottleneck: nn.Module,
        decoder: nn.Module,
        head: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.bottleneck, self.decoder = encoder, bottleneck, decoder
        self.head = nn.Identity() if head is None else head

    def encode(self, x: Tensor) -> Tensor:
        """`[b, *shape] -> [b, latent, ...]`; the mean, where a latent is a distribution."""
        latent: Tensor = self.bottleneck(self.encoder(x))
        return latent

    def decode(self, z: Tensor) -> Tensor:
        """`[b, latent, ...] -> [b, *shape]`, in values of the data."""
        output: Tensor = self.head(self.decoder(z))
        return output

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructs `x`, `[b, *shape] -> [b, *shape]`."""
        return self.decode(self.encode(x))


@runtime_checkable
class TokenEncoder(Protocol):
    """An encoder that can be given some tokens of an example; built by families with tokens.

    Its code is spatial: one position per token.
    """

    @property
    def tokens(self) -> int:
        """Tokens of an example."""

    def __call__(self, x: Tensor, keep: Tensor | None = None, /) -> Tensor:
        """Encodes all tokens or those kept alone, `[b, *shape] -> [b, code, *grid]`.

        Args:
            x: Examples, whole.
            keep: Indices of the tokens kept, `[b, kept]`, int64, none twice in an example. The code
                is zero at the others.
        """

    def spread(self, of_tokens: Tensor, /) -> Tensor:
        """Gives each value of an example the value of its token, `[b, tokens] -> [b, *shape]`."""


class LatentSpec(NamedTuple):
    """The latent that lies between the sides.

    Args:
        bottleneck: How the sides are joined to it.
        size: Latent numbers per example, or channels per position of a spatial latent.
        tokens: Tokens of an example, if the encoder can be given some of them; 0 if it needs all.
    """

    bottleneck: Bottleneck
    size: int
    tokens: int


class Validation(NamedTuple):
    """A network's outputs and losses on clean examples, which its kind may corrupt first.

    Args:
        output: `[b, *shape]`, in values of the data; metrics compare it with the examples.
        loss: Of each example, `[b]`; its mean is `val_loss`. Both are float32.
    """

    output: Tensor
    loss: Tensor


def binary_entropy(x: Tensor) -> Tensor:
    """Entropy of each value taken as a probability, in nats: the least cross-entropy it allows.

    Args:
        x: Values from 0 to 1.
    """
    entropy: Tensor = torch.special.entr(x) + torch.special.entr(1 - x)
    return entropy


def _as_it_is(latent: int) -> nn.Module:
    return nn.Identity()


def _same_size(latent: int) -> int:
    return latent


def _whole(encoder: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    return (x,)


def _supports_all(latent: LatentSpec) -> str | None:
    return None


def _no_statistics(
    model: Autoencoder, x: Tensor, generator: torch.Generator
) -> Mapping[str, Tensor]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind with its options resolved; the defaults are those of a plain autoencoder.

    Args:
        training_loss: `(model, x, generator, progress) -> scalar` that a step minimises. `x` is
            float32 `[b, *shape]`, `generator` the only source of randomness, `progress` the share
            of the schedule that is done, in [0, 1).
        validate: `(model, x, generator, progress)`: the network in fp32, without gradients, on
            clean examples. `generator` is on the device of `x` and always seeded alike, so that
            every candidate gets the same draws. `progress` is as in training, or 1 at the end: a
            loss whose weights change over the schedule is validated with those of the moment.
        bottleneck: Makes the module between the sides for a latent of that many numbers.
        head: Makes the module after the decoder; see `Autoencoder`.
        code_size: Numbers the encoder puts out for a latent of that many.
        encoder_inputs: `(encoder, x)` to the arguments of the encoder's call in a training step,
            for MACs to be counted. Only shapes matter: `x` may be on the meta device.
        unsupported_reason: Why the kind cannot train an autoencoder with such a latent, or `None`.
        statistics: `(model, x, generator)` to what only this kind has, float32 or int64:
            `kl` in nats `[b, latent, ...]` and `distortion` in nats `[b]` where a latent is
            a distribution, `codes` `[b, n]` below `bottleneck.codes` where it is quantised.
        steady_from: The progress from which on a training step is the same function of `x` and
            draws, without waiting for the device, so that a GPU may record and replay it; by
            default none is.
        unit_interval: Whether the data's values must be from 0 to 1.
        usual_family: The family of both sides where none is named and the data allow it; `None`
            for that of the data's shape.
        usual_spatial: Whether the bottleneck is spatial where none is named.
    """

    training_loss: Callable[[Autoencoder, Tensor, torch.Generator, float], Tensor]
    validate: Callable[[Autoencoder, Tensor, torch.Generator, float], Validation]
    bottleneck: Callable[[int], nn.Module] = _as_it_is
    head: Callable[[], nn.Module] = nn.Identity
    code_size: Callable[[int], int] = _same_size
    encoder_inputs: Callable[[nn.Module, Tensor], tuple[Tensor, ...]] = _whole
    unsupported_reason: Callable[[LatentSpec], str | None] = _supports_all
    statistics: Callable[[Autoencoder, Tensor, torch.Generator], Mapping[str, Tensor]] = (
        _no_statistics
    )
    steady_from: float = 1.0
    unit_interval: bool = False
    usual_family: str | None = None
    usual_spatial: bool = False


KINDS: Registry[Callable[..., Kind]] = Registry("kind", __name__, "asymnas.kinds")


@lru_cache
def kind_of(spec: str) -> Kind:
    """The kind of a name with options.

    Args:
        spec: A registered name, alone or followed by `:option=value,option=value`.

    Raises:
        UnknownNameError: No kind has that name.
        ConfigError: It has no such option, or the value is not one.
    """
    name, colon, options = spec.partition(":")
    make = KINDS.get(name)
    if colon and not options:
        raise ConfigError(f"an option must follow the colon of {spec!r}, as in {name}:option=value")
    return make(**read_options(make, name, options))
