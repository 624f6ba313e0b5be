"""How much of a codebook is used, and how many bits a latent takes.

Perplexity: van den Oord et al. 2017, https://arxiv.org/abs/1711.00937. It cannot exceed the number
of codes that were seen, so with a codebook as large as the split has tokens it says little.
"""

import math

import numpy as np
from torch import Tensor

from asymnas.training.metrics import METRICS, NetworkMetric, View, needs_codes, needs_rate


def perplexity(view: View) -> float:
    """Codes that would be as uncertain if all were used alike: 1 … size of the codebook."""
    return math.exp(entropy(view.statistics["codes"]))


def rate(view: View) -> float:
    """Bits an example: the KL divergence, or the entropy of the codes times how many there are.

    The first is what the posterior costs under the prior (Alemi et al. 2018,
    https://arxiv.org/abs/1711.00464); the second what codes cost that are coded one by one.
    """
    statistics = view.statistics
    if "kl" in statistics:
        nats = float(statistics["kl"].double().flatten(1).sum(1).mean())
    else:
        codes = statistics["codes"].flatten(1)
        nats = codes.shape[1] * entropy(codes)
    return nats / math.log(2)


def entropy(codes: Tensor) -> float:
    """Entropy of how often each code is used, nats.

    Args:
        codes: int64, of any shape.
    """
    counts = np.unique(codes.numpy(), return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())


METRICS.register("perplexity")(
    NetworkMetric(
        perplexity,
        "codes in use, weighed by how often",
        maximize=True,
        unsupported_reason=needs_codes,
    )
)
METRICS.register("rate")(
    NetworkMetric(
        rate, "bits that the latent of an example takes", unit="bits", unsupported_reason=needs_rate
    )
)
