"""Variational autoencoders (Kingma & Welling 2014, https://arxiv.org/abs/1312.6114).

The encoder puts out mean and log variance of a normal posterior for each latent number, under a
standard normal prior. With a weight beta on the KL divergence: Higgins et al. 2017
(https://openreview.net/forum?id=Sy2fzU9gl); with the weight raised from zero in early training, so
that the latent is used before it is priced: Sønderby et al. 2016, https://arxiv.org/abs/1602.02282.

All losses are sums over an example in nats. `encode` gives the mean.
"""

import math
from collections.abc import Mapping
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from asymnas.networks.kinds import KINDS, Autoencoder, Kind, Validation, binary_entropy
from asymnas.networks.layers import at_least_fp32
from asymnas.networks.named_options import check_option

Likelihood = Literal["gaussian", "bernoulli"]
LOG_VARIANCES = (-14.0, 10.0)  # of a posterior, clamped: keeps early training finite


class Posterior(nn.Module):
    """Takes the encoder's output as mean and log variance of a diagonal normal distribution."""

    def forward(self, code: Tensor) -> Tensor:
        """The mean, `[b, 2 latent, ...] -> [b, latent, ...]`."""
        return self.moments(code)[0]

    def moments(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, `[b, latent, ...]` each, in float32 or more."""
        mean, log_variance = at_least_fp32(code).chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCES)


@KINDS.register("variational")
def variational(
    beta: float = 1.0,
    warm_up: float = 0.25,
    likelihood: Likelihood = "gaussian",
    sd: float = 0.1,
) -> Kind:
    """Minimises distortion plus beta times rate: at beta 1 the negative ELBO.

    Validation draws one latent per example for the loss and takes the mean for the output. A rung
    within the warm-up is scored with the weight of the moment, which training has minimised; the
    final loss has beta in full. `val_loss` leaves out what no network can change, the constant of a
    Gaussian likelihood or the entropy of values taken as probabilities, so that its least possible
    value is 0; the metrics `distortion` and `kl` add up to the negative ELBO.

    Args:
        beta: Weight of the KL divergence, at least 0.
        warm_up: Share of the schedule in which the weight rises linearly from 0, in [0, 1].
        likelihood: `gaussian` with a fixed standard deviation, for any data, or `bernoulli`, for
            values from 0 to 1 taken as probabilities.
        sd: Standard deviation of the Gaussian likelihood, in values of the data: how large an error
            may be and still count as noise.
    """
    check_option("beta", beta, "at least 0", beta >= 0)
    check_option("warm_up", warm_up, "from 0 to 1", 0 <= warm_up <= 1)
    check_option("sd", sd, "above 0", sd > 0)
    bernoulli = likelihood == "bernoulli"

    def distortion(x: Tensor, raw: Tensor) -> Tensor:
        """Negative log likelihood of each example but for its constant, `[b]`, nats."""
        if bernoulli:
            return (
                binary_cross_entropy_with_logits(raw.float(), x, reduction="none").flatten(1).sum(1)
            )
        return (raw.float() - x).square().flatten(1).sum(1) / (2 * sd**2)

    def weight(progress: float) -> float:
        """Of the KL divergence, so far through the schedule."""
        return beta * min(1.0, progress / warm_up) if warm_up else beta

    def training_loss(
        model: Autoencoder, x: Tensor, generator: torch.Generator, progress: float
    ) -> Tensor:
        raw, kl = _drawn(model, model.encoder(x), generator)
        return (distortion(x, raw) + weight(progress) * kl.flatten(1).sum(1)).mean()

    def validate(
        model: Autoencoder, x: Tensor, generator: torch.Generator, progress: float = 1.0
    ) -> Validation:
        code = model.encoder(x)  # once, for both
        raw, kl = _drawn(model, code, generator)
        output = model.decode(model.bottleneck(code))
        loss = distortion(x, raw) + weight(progress) * kl.flatten(1).sum(1)
        if bernoulli:
            loss = loss - binary_entropy(x).flatten(1).sum(1)
        return Validation(output.float(), loss.clamp_min(0))

    def statistics(
        model: Autoencoder, x: Tensor, generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        raw, kl = _drawn(model, model.encoder(x), generator)
        values = x[0].numel()
        constant = 0.0 if bernoulli else values / 2 * math.log(2 * math.pi * sd**2)
        return {"kl": kl, "distortion": distortion(x, raw) + constant}

    return Kind(
        training_loss=training_loss,
        validate=validate,
        bottleneck=lambda latent: Posterior(),
        head=nn.Sigmoid if bernoulli else nn.Identity,
        code_size=lambda latent: 2 * latent,
        steady_from=warm_up,
        statistics=statistics,
        unit_interval=bernoulli,
    )


def _drawn(model: Autoencoder, code: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The decoder's output for a latent drawn, and the KL divergence of each latent number, nats.

    Args:
        model: An autoencoder whose bottleneck is a `Posterior`.
        code: The encoder's output.
        generator: Where the noise is drawn from.

    Returns:
        `[b, *shape]` and `[b, latent, ...]`.
    """
    mean, log_variance = cast(Posterior, model.bottleneck).moments(code)
    noise = torch.randn(mean.shape, generator=generator, device=mean.device)
    raw: Tensor = model.decoder(mean + noise * (log_variance / 2).exp())
    return raw, (mean.square() + log_variance.exp() - 1 - log_variance) / 2
