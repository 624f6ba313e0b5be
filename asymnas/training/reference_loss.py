"""The loss of predicting the mean: what any network that has learned something is below."""

import math

import torch
from torch import Tensor, nn

from asymnas.data.base import Dataset, normal
from asymnas.networks.architecture import Architecture
from asymnas.training.evaluation import as_input, evaluate

CHUNK = 4_096  # examples
EDGE = 1e-4  # from 0 and 1, of a mean that is turned into a logit


class _Constant(nn.Module):
    """Adds one output to another."""

    output: Tensor

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.register_buffer("output", output)

    def forward(self, x: Tensor) -> Tensor:
        """`[b, *shape] -> [b, *shape]`."""
        return x + self.output


def mean_predictor_loss(architecture: Architecture, data: Dataset) -> float | None:
    """The validation loss of the mean training example, as the architecture's kind measures it.

    All weights of the network are zero, so that its latent says nothing of an example, and the
    mean is added to what the decoder puts out.

    Args:
        architecture: Any of the kind and the data in question.
        data: The data set.

    Returns:
        `None` if it is not finite.
    """
    model = architecture.build(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        sums = torch.stack([as_input(chunk).double().sum(0) for chunk in data.train.split(CHUNK)])
        mean = (sums.sum(0) / len(data.train)).float()
        if isinstance(model.head, nn.Sigmoid):
            mean = torch.logit(mean, eps=EDGE)
        model.decoder = nn.Sequential(model.decoder, _Constant(mean))
        loss = evaluate(model, normal(data, "validation"), kind=architecture.kind).loss
    return loss if math.isfinite(loss) else None
