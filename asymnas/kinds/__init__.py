"""Kinds: what is trained, one file each.

A kind decides what passes between encoder and decoder, what the network sees and what training
minimises, and the same for validation. Everything else about an autoencoder is the same for all
kinds.
"""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from asymnas.config import Bottleneck
from asymnas.registry import Registry


class Autoencoder(nn.Module):
    """Encoder, what passes between, decoder.

    Args:
        encoder: `[b, *shape] -> [b, code, ...]`.
        bottleneck: `[b, code, ...] -> [b, latent, ...]`; its parameters are shared ones.
        decoder: `[b, latent, ...] -> [b, *shape]`.
    """

    def __init__(self, encoder: nn.Module, bottleneck: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.bottleneck, self.decoder = encoder, bottleneck, decoder

    def encode(self, x: Tensor) -> Tensor:
        """`[b, *shape] -> [b, latent, ...]`."""
        latent: Tensor = self.bottleneck(self.encoder(x))
        return latent

    def decode(self, z: Tensor) -> Tensor:
        """`[b, latent, ...] -> [b, *shape]`."""
        output: Tensor = self.decoder(z)
        return output

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructs `x`, `[b, *shape] -> [b, *shape]`."""
        return self.decode(self.encode(x))


@runtime_checkable
class TokenEncoder(Protocol):
    """An encoder that can be shown a part of an example; what families with tokens build.

    Its code is spatial: one position a token.
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
        """Gives each value of an example what its token has, `[b, tokens] -> [b, *shape]`."""


class Kind(Protocol):
    """See the module's docstring."""

    def refuse(self, bottleneck: Bottleneck, tokens: int) -> str | None:
        """Why the kind cannot train such an autoencoder, or `None` if it can.

        Args:
            bottleneck: How an example meets the latent.
            tokens: Tokens that the encoder can be shown a part of; 0 if it takes examples whole.
        """

    def encoder_inputs(self, encoder: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
        """Arguments of the encoder's call in a training step, for MACs to be counted.

        Only their shapes matter: `x`, `[b, *shape]`, may be on the meta device.
        """

    def code_size(self, latent: int) -> int:
        """Numbers the encoder puts out for a latent of `latent` numbers."""

    def bottleneck(self, latent: int) -> nn.Module:
        """The module between the sides."""

    def training_loss(self, model: Autoencoder, x: Tensor, generator: torch.Generator) -> Tensor:
        """What a step minimises, a scalar; `generator` is the only source of randomness."""

    def validate(
        self, model: Autoencoder, x: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """What the network makes of clean examples as the kind shows them to it, and its loss.

        Args:
            model: In fp32, without gradients.
            x: Clean examples, float32 `[b, *shape]`.
            generator: The only source of randomness, on the device of `x` and always seeded alike,
                so that every candidate meets the same draws.

        Returns:
            The output `[b, *shape]`, which metrics compare with `x`, and the loss of each example
            `[b]`, whose mean is `val_loss`; both float32.
        """


def squared_error(x: Tensor, output: Tensor) -> Tensor:
    """Mean squared error of each example, `[b, *shape] -> [b]`, in float32."""
    return (output.float() - x).square().flatten(1).mean(1)


KINDS: Registry[Kind] = Registry("kind", __name__)
