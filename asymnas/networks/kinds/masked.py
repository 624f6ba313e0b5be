"""Masked autoencoders: most patches are hidden, and the loss is on what was hidden.

He et al. 2021, "Masked Autoencoders Are Scalable Vision Learners",
https://arxiv.org/abs/2111.06377. In training the encoder sees the visible patches alone and its
cost is counted on those. The decoder sees the latents of the visible patches in their places and
zeros elsewhere, so what stands for a hidden patch is what the decoder's first layer makes of zero:
its bias, a vector that is learned, shared by all hidden patches and counted in the decoder.

In validation the visible patches of the output are the example's own: nothing is learned of them.
Pixels are the target as they are, not normalised by patch. `encode` shows all patches and masks
nothing; `model(x)` decodes that, which is not what was trained: look at `validate`.
"""

import torch
from torch import Tensor, nn

from asymnas.core.errors import ConfigError
from asymnas.networks.kinds import KINDS, Autoencoder, Kind, LatentSpec, TokenEncoder, Validation
from asymnas.networks.named_options import check_option


@KINDS.register("masked")
def masked(ratio: float = 0.75) -> Kind:
    """Minimises the squared error on hidden patches.

    Args:
        ratio: Share of an example's patches that is hidden, in (0, 1); at least one is hidden, and
            at least one visible.
    """
    check_option("ratio", ratio, "above 0 and below 1", 0 < ratio < 1)

    def encoder_inputs(encoder: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
        """The visible share of the tokens; which ones they are changes no count."""
        visible = _visible(_with_tokens(encoder).tokens, ratio)
        return x, torch.arange(visible, device=x.device).expand(len(x), visible)

    def training_loss(
        model: Autoencoder, x: Tensor, generator: torch.Generator, progress: float
    ) -> Tensor:
        return _losses(x, *_recover(model, x, generator, ratio)).mean()

    def validate(
        model: Autoencoder, x: Tensor, generator: torch.Generator, progress: float = 1.0
    ) -> Validation:
        output, hidden = _recover(model, x, generator, ratio)
        return Validation(torch.where(hidden, output, x), _losses(x, output, hidden))

    return Kind(
        training_loss=training_loss,
        validate=validate,
        encoder_inputs=encoder_inputs,
        unsupported_reason=_unsupported_reason,
        steady_from=0.0,
        usual_family="transformer",
        usual_spatial=True,
    )


def _unsupported_reason(latent: LatentSpec) -> str | None:
    """Masking needs one latent position per token, and two tokens or more."""
    if latent.bottleneck != "spatial" or latent.tokens == 0:
        return (
            "it hides patches of images or signals, for which a latent must be spatial; take the "
            "transformer family with a spatial bottleneck, or denoising-masking for a table"
        )
    if latent.tokens == 1:
        return "an example is a single patch here, and hiding it would leave nothing"
    return None


def _visible(tokens: int, ratio: float) -> int:
    """How many of an example's tokens the encoder sees."""
    return min(max(1, round((1 - ratio) * tokens)), tokens - 1)


def _recover(
    model: Autoencoder, x: Tensor, generator: torch.Generator, ratio: float
) -> tuple[Tensor, Tensor]:
    """Outputs and which of their values were hidden, both `[b, *shape]`."""
    encoder = _with_tokens(model.encoder)
    order = torch.rand(len(x), encoder.tokens, generator=generator, device=x.device).argsort(1)
    keep = order[:, : _visible(encoder.tokens, ratio)]
    output = model.decode(model.bottleneck(encoder(x, keep))).float()
    hidden = torch.ones_like(order, dtype=torch.bool).scatter(1, keep, False)
    return output, encoder.spread(hidden)


def _losses(x: Tensor, output: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error over the hidden values of each example, `[b, *shape] -> [b]`."""
    errors = ((output - x).square() * hidden).flatten(1).sum(1)
    return errors / hidden.flatten(1).sum(1)


def _with_tokens(encoder: nn.Module) -> TokenEncoder:
    """The encoder as one that can be shown a part of an example.

    Raises:
        ConfigError: It cannot.
    """
    if not isinstance(encoder, TokenEncoder):
        raise ConfigError(f"masking needs an encoder of tokens but got {type(encoder).__name__}")
    return encoder
