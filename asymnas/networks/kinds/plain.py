"""The plain autoencoder, and the reconstruction that other kinds build on.

A plain autoencoder minimises an error between an example and its reconstruction, with nothing
between the sides. `reconstruction` makes such a kind; denoising kinds corrupt its input, quantised
ones replace its bottleneck.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss

from asymnas.networks.kinds import KINDS, Autoencoder, Kind, Validation, binary_entropy

ErrorName = Literal["mse", "l1", "bce"]
Corruption = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True, kw_only=True)
class Error:
    """One measure of error between examples and what the decoder puts out.

    Args:
        between: `(decoder's output, x, reduction="none") -> [b, *shape]`.
        head: Makes values of the data from the decoder's output.
        unit_interval: Whether values must be from 0 to 1.
        least: The least error that each value allows, `[b, *shape]`; validation leaves it out.
    """

    between: Callable[..., Tensor]
    head: Callable[[], nn.Module] = nn.Identity
    unit_interval: bool = False
    least: Callable[[Tensor], Tensor] = torch.zeros_like


ERRORS: dict[ErrorName, Error] = {
    "mse": Error(between=mse_loss),
    "l1": Error(between=l1_loss),
    "bce": Error(
        between=binary_cross_entropy_with_logits,
        head=nn.Sigmoid,
        unit_interval=True,
        least=binary_entropy,
    ),
}


def reconstruction(
    loss: ErrorName, corrupt: Corruption = lambda x, generator: x, steady_from: float = 1.0
) -> Kind:
    """The kind that minimises an error of reconstructions, with nothing between the sides.

    Args:
        loss: `mse`, squared error; `l1`, absolute error; `bce`, cross-entropy in nats of values
            from 0 to 1, for which the decoder puts out logits. The mean over values. Validation
            leaves out the data's own entropy, which no network can change.
        corrupt: What is done to the input, in training and in validation, `[b, *shape]` both; it
            leaves its argument as it is. The target is the clean example.
        steady_from: See `Kind`.
    """
    error = ERRORS[loss]

    def output(model: Autoencoder, x: Tensor, generator: torch.Generator) -> Tensor:
        raw: Tensor = model.decoder(model.encode(corrupt(x, generator)))
        return raw.float()

    def training_loss(
        model: Autoencoder, x: Tensor, generator: torch.Generator, progress: float
    ) -> Tensor:
        return error.between(output(model, x, generator), x)

    def validate(
        model: Autoencoder, x: Tensor, generator: torch.Generator, progress: float = 1.0
    ) -> Validation:
        raw = output(model, x, generator)
        each = error.between(raw, x, reduction="none") - error.least(x)
        return Validation(model.head(raw), each.flatten(1).mean(1).clamp_min(0))

    return Kind(
        training_loss=training_loss,
        validate=validate,
        head=error.head,
        steady_from=steady_from,
        unit_interval=error.unit_interval,
    )


@KINDS.register("plain")
def plain(loss: ErrorName = "mse") -> Kind:
    """Minimises an error between an example and its reconstruction.

    Args:
        loss: `mse`, squared error; `l1`, absolute error; `bce`, cross-entropy in nats of values
            from 0 to 1, for which the decoder puts out logits; `val_loss` is what exceeds the
            entropy of the values.
    """
    return reconstruction(loss, steady_from=0.0)
