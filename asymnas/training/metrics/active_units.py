"""Active units of the latent (Burda et al. 2016, https://arxiv.org/abs/1509.00519).

A unit is active if the variance of its code over the examples exceeds 0.01 of a reference. Where
the latent is a distribution the reference is the prior's variance, 1, as in the paper, and the code
is the posterior's mean. Any other latent has no scale of its own: there the reference is the mean
variance of its units, so that a factor on the whole latent changes nothing.
"""

from torch import Tensor

from asymnas.training.metrics import METRICS, NetworkMetric, View

THRESHOLD = 0.01  # of the reference variance
PRECISION = 1e-10  # of the mean square: less variance than this is rounding


def active_units(view: View) -> float:
    """Share of the units that are active, in [0, 1]; positions of a spatial latent are units."""
    return active_share(view.latents, has_prior="kl" in view.statistics)


def active_share(latents: Tensor, *, has_prior: bool, threshold: float = THRESHOLD) -> float:
    """Share of active units.

    Args:
        latents: `[n, d]`.
        has_prior: Whether a standard normal prior gives them a scale.
        threshold: Of the reference variance.
    """
    codes = latents.double()
    variances = codes.var(0, correction=0)
    reference = 1.0 if has_prior else float(variances.mean())
    least = max(threshold * reference, PRECISION * float(codes.square().mean()))
    return float((variances > least).double().mean())


METRICS.register("active_units")(
    NetworkMetric(active_units, "share of latent units that are active", maximize=True)
)
