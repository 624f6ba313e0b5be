"""The parts of the negative ELBO: Kullback-Leibler divergence and distortion, in nats.

Kingma & Welling 2014, https://arxiv.org/abs/1312.6114; Alemi et al. 2018, "Fixing a Broken ELBO",
https://arxiv.org/abs/1711.00464. `kl` + `distortion` is the negative ELBO of an example.
"""

from asymnas.training.metrics import METRICS, NetworkMetric, View, needs_posterior


def kl(view: View) -> float:
    """KL divergence of the posterior from the prior, summed over the latent, nats an example."""
    return float(view.statistics["kl"].double().flatten(1).sum(1).mean())


def kl_max(view: View) -> float:
    """The largest mean KL divergence of a latent number, nats: near zero after a collapse."""
    return float(view.statistics["kl"].double().flatten(1).mean(0).max())


def distortion(view: View) -> float:
    """Negative log likelihood of an example given a latent drawn from its posterior, nats."""
    return float(view.statistics["distortion"].double().mean())


for _name, _of, _description in (
    ("kl", kl, "KL divergence of the posterior from the prior, of an example"),
    ("kl_max", kl_max, "KL divergence of the latent number that has the largest"),
    ("distortion", distortion, "negative log likelihood of an example given its latent"),
):
    METRICS.register(_name)(
        NetworkMetric(_of, _description, unit="nats", unsupported_reason=needs_posterior)
    )
