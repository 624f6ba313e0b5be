"""Masked autoencoders: most patches are hidden, and the loss is on what was hidden.

He et al. 2021, "Masked Autoencoders Are Scalable Vision Learners",
https://arxiv.org/abs/2111.06377. In training the encoder sees the visible patches alone and its
cost is counted on them. The decoder sees the latents of the visible patches in their places and
zeros elsewhere, so what stands for a hidden patch is what the decoder's first layer makes of zero:
its bias, a vector that is learned, shared by all hidden patches and counted in the decoder.

Pixels are the target as they are, not normalised by patch. `encode` shows all patches and masks
nothing; `model(x)` decodes that, which is not what was trained: look at `validate`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from asymnas.config import Bottleneck
from asymnas.errors import ConfigError
from asymnas.kinds import KINDS, Autoencoder, TokenEncoder


@dataclass(frozen=True, kw_only=True)
class Masked:
    """Minimises the squared error on hidden patches.

    Args:
        ratio: Share of an example's patches that is hidden, in (0, 1); at least one is hidden, and
            at least one visible.
    """

    ratio: float = 0.75

    def refuse(self, bottleneck: Bottleneck, tokens: int) -> str | None:
        """Needs a latent for each token, of two tokens or more."""
        if bottleneck != "spatial" or tokens == 0:
            return (
                "it hides patches, for which a family must have patches and a latent be spatial; "
                "take the transformer family with a spatial bottleneck"
            )
        if tokens == 1:
            return "an example is a single patch here, and hiding it would leave nothing"
        return None

    def visible(self, tokens: int) -> int:
        """How many of an example's tokens the encoder sees."""
        return min(max(1, round((1 - self.ratio) * tokens)), tokens - 1)

    def encoder_inputs(self, encoder: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
        """The visible share of the tokens; which ones they are changes no count."""
        visible = self.visible(_with_tokens(encoder).tokens)
        return x, torch.arange(visible, device=x.device).expand(len(x), visible)

    def code_size(self, latent: int) -> int:
        """The latent itself."""
        return latent

    def bottleneck(self, latent: int) -> nn.Module:
        """Nothing."""
        return nn.Identity()

    def training_loss(self, model: Autoencoder, x: Tensor, generator: torch.Generator) -> Tensor:
        """Mean over the batch of the squared error on hidden patches."""
        return self._losses(x, *self._recover(model, x, generator)).mean()

    def validate(
        self, model: Autoencoder, x: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Examples with hidden patches as recovered, `[b, *shape]`, and the error on those, `[b]`.

        Visible patches of the output are the example's own: nothing is learned of them.
        """
        output, hidden = self._recover(model, x, generator)
        return torch.where(hidden, output, x), self._losses(x, output, hidden)

    def _recover(
        self, model: Autoencoder, x: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Outputs and which of their values were hidden, both `[b, *shape]`."""
        encoder = _with_tokens(model.encoder)
        order = torch.rand(len(x), encoder.tokens, generator=generator, device=x.device).argsort(1)
        keep = order[:, : self.visible(encoder.tokens)]
        output = model.decode(model.bottleneck(encoder(x, keep))).float()
        hidden = torch.ones_like(order, dtype=torch.bool).scatter(1, keep, False)
        return output, encoder.spread(hidden)

    def _losses(self, x: Tensor, output: Tensor, hidden: Tensor) -> Tensor:
        """Mean squared error over the hidden values of each example, `[b, *shape] -> [b]`."""
        errors = ((output - x).square() * hidden).flatten(1).sum(1)
        return errors / hidden.flatten(1).sum(1)


KINDS.register("masked")(Masked())


def _with_tokens(encoder: nn.Module) -> TokenEncoder:
    """The encoder as one that can be shown a part of an example.

    Raises:
        ConfigError: It cannot.
    """
    if not isinstance(encoder, TokenEncoder):
        raise ConfigError(f"masking needs an encoder of tokens but got {type(encoder).__name__}")
    return encoder
