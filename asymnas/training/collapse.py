"""Whether a trained network has collapsed: then it is a failure and no point on the front.

Three ways: the output is the same for every example; the latent is, in all units where it is a
distribution (posterior collapse: a prior may well switch off units it has no use for) and in all
but a few otherwise; a codebook of which hardly any code is used. The bounds are far from what a
poor network does: it is there to be compared.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from asymnas.core.text import percent
from asymnas.training.metrics.active_units import active_share
from asymnas.training.metrics.code_usage import entropy

LEAST_VARIANCE = 1e-3  # of the output, all values together, as a share of the input's
LEAST_EXPLAINED = 1e-3  # of the input's variance, value by value
LEAST_ALIVE = 0.1  # share of the latent's units, where there is no prior
DEAD = (
    1e-6  # variance of a dead unit, as a share of the units' mean: without a prior, scales differ
)
LEAST_USED = 0.02  # perplexity, as a share of the codes that could have been seen
LEAST_PERPLEXITY = (1.5, 4.0)  # asked of a small and of a large codebook, at most
FEWEST = 20  # examples that tell whether anything varies
ROUNDING = 1e-12  # of the square of a mean: what double precision leaves of a constant


class Spread:
    """Variance over examples of what passes by, of each value of an example."""

    def __init__(self) -> None:
        self._n = 0
        self._sum: Tensor | None = None
        self._squares: Tensor | None = None

    def add(self, x: Tensor) -> None:
        """Takes in a chunk `[b, *shape]`."""
        wide = x.double()  # squares of values far from zero lose their variance in float32
        total, squares = wide.sum(0), wide.square().sum(0)
        self._n += len(x)
        self._sum = total if self._sum is None else self._sum + total
        self._squares = squares if self._squares is None else self._squares + squares

    @property
    def variances(self) -> Tensor:
        """Of each value over the examples, float64 `[*shape]`; not finite if one was not."""
        if self._sum is None or self._squares is None:
            return torch.zeros(1, dtype=torch.float64)
        mean = self._sum / self._n
        variance = self._squares / self._n - mean.square()
        rounding = ROUNDING * mean.square()
        return torch.where(variance.isfinite(), (variance - rounding).clamp_min(0), variance)


def not_finite(loss: float, outputs: Spread) -> str:
    """Says that the loss or an output is infinite or no number; empty if all are finite."""
    if not math.isfinite(loss):
        return "diverged: validation loss not finite"
    return "" if bool(outputs.variances.isfinite().all()) else "diverged: the output is not finite"


def constant_output(inputs: Spread, outputs: Spread, residuals: Spread) -> str | None:
    """Says that the output hardly varies and explains nothing of the examples; `None` otherwise.

    The explained variance is averaged over the values of an example, each within -1 and 1, so that
    neither one value of enormous variance nor nearly constant ones, such as border pixels, decide.
    An output that varies without explaining anything is that of a network that has learned nothing
    yet, which is poor and has not collapsed.

    Args:
        inputs: The examples.
        outputs: The decoder's own outputs.
        residuals: Inputs less outputs.
    """
    given, left = inputs.variances, residuals.variances
    varies = given > 0
    if not bool(varies.any()):
        return None
    explained = float((1 - left[varies] / given[varies]).clamp(-1, 1).mean())
    made = float(outputs.variances.sum() / given.sum())
    if explained >= LEAST_EXPLAINED or made >= LEAST_VARIANCE:
        return None
    return (
        "collapsed: the output is nearly the same for all examples, with a variance of "
        f"{made:.1e} of the input's (at least {LEAST_VARIANCE:g} is asked)"
    )


def dead_latent(latents: Tensor, *, has_prior: bool) -> str | None:
    """Says that the latent hardly varies, `[n, d]`; `None` if it does."""
    units = latents.shape[1]
    if has_prior:
        if active_share(latents, has_prior=True) > 0:
            return None
        return f"collapsed: the posterior is the prior's in all of {units:,} units"
    alive = active_share(latents, has_prior=False, threshold=DEAD)
    if alive >= LEAST_ALIVE:
        return None
    return (
        f"collapsed: the latent is constant but for {round(alive * units):,} of {units:,} units "
        f"(at least {percent(LEAST_ALIVE)} are asked to vary)"
    )


def unused_codebook(codes: Tensor, size: int) -> str | None:
    """Says that hardly any code is used; `None` if enough are.

    Args:
        codes: int64, of any shape.
        size: Codes there are.
    """
    perplexity = math.exp(entropy(codes))
    small, large = LEAST_PERPLEXITY
    least = min(max(small, LEAST_USED * min(size, codes.numel())), large, 1 + 0.05 * (size - 1))
    if perplexity >= least:
        return None
    return (
        f"collapsed: the perplexity of the codebook is {perplexity:.2f}, of {size:,} codes "
        f"(at least {least:.2f} is asked)"
    )


def collapse(
    inputs: Spread,
    outputs: Spread,
    residuals: Spread,
    latents: Tensor,
    statistics: Mapping[str, Tensor],
    codes: int,
) -> str:
    """The first sign of a collapse in a sentence, causes before effects; empty if there is none.

    Args:
        inputs: The examples.
        outputs: The decoder's own outputs.
        residuals: Inputs less outputs.
        latents: `[n, d]`.
        statistics: What only the kind knows.
        codes: Size of the codebook, if there is one.
    """
    if len(latents) < FEWEST:
        return ""
    signs = []
    if "codes" in statistics:
        signs.append(unused_codebook(statistics["codes"], codes))
    signs.append(dead_latent(latents, has_prior="kl" in statistics))
    signs.append(constant_output(inputs, outputs, residuals))
    return next((sign for sign in signs if sign), "")
